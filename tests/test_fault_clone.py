"""A PC that was cloned: two machines with one spool, one name and one stream."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from collecting import Collector
from faults.balance import of_spool
from faults.busy_agent import MORE_MW
from faults.line import Agent, Line, until
from services.mosquitto import Broker
from sobre_collector.store.sqlite import SqliteSeries


def test_cloned_spool_is_counted_once_and_told(tmp_path: Path, broker: Broker) -> None:
    """Both go on from the same number: what the second one says of the same time does not count."""
    with Line(tmp_path, broker, agents=1, devices=2, tick_s=0.02) as line:
        original = line.agents[0]
        line.flows()
        line.more(20)
        original.kill()
        shutil.copytree(original.folder, tmp_path / "clone")
        original.start()
        line.more(40)
        assert line.calm() < 30
        original.stop()
        clone = Agent.busy(tmp_path / "clone", original.node, line.near.port, 2, 0.02)
        copied = clone.made()
        clone.start({MORE_MW: "50000"})
        until(lambda: clone.made() >= copied + 20, "loads of the clone")
        clone.settle()
        until(clone.settled, "settled accounts")
        until(lambda: clone.waiting() == 0, "an empty spool: all is confirmed")
        assert clone.stop() == 0
        assert line.collector.stop() == 0
    kept = {device: k for device, _, k in of_spool(original.spool)}
    with closing(SqliteSeries(line.collector.data, create=False)) as series:
        sums = dict.fromkeys(kept, 0)
        seqs: dict[str, list[int]] = {device: [] for device in kept}
        for row in series.loads(0, 2**53):
            if row.load.seq <= kept[row.load.device].seq:
                sums[row.load.device] += row.load.energy_j
            seqs[row.load.device].append(row.load.seq)
        reasons = {row.reason for row in series.quarantined()}
    for device, known in kept.items():
        mine = seqs[device]
        assert len(set(mine)) == len(mine)
        assert sums[device] == known.register_j, "the clone's energy is counted, or ours is not"
    assert reasons == {"fork"}
    assert sums.keys() == kept.keys()
    assert spans_overlap(line.collector) == 0


def spans_overlap(collector: Collector) -> int:
    """Seconds that the store counts twice."""
    twice = 0
    with closing(SqliteSeries(collector.data, create=False)) as series:
        last: dict[str, int] = {}
        for row in series.loads(0, 2**53):
            twice += max(0, last.get(row.load.device, 0) - row.load.start)
            last[row.load.device] = max(last.get(row.load.device, 0), row.load.end)
    return twice


def test_a_spool_put_back_from_a_backup_is_told_and_counts_nothing_twice(
    tmp_path: Path, broker: Broker
) -> None:
    """A virtual machine that went back to yesterday: numbers that were used are used again."""
    with Line(tmp_path, broker, agents=1, devices=1, tick_s=0.02) as line:
        agent = line.agents[0]
        line.flows()
        line.more(10)
        agent.kill()
        saved = tmp_path / "saved"
        shutil.copytree(agent.spool, saved)
        agent.start()
        line.more(20)
        until(lambda: agent.made() - agent.waiting() > 15, "confirmed loads")
        agent.kill()
        shutil.rmtree(agent.spool)
        shutil.copytree(saved, agent.spool)
        with closing(sqlite3.connect(agent.spool / "spool.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        agent.start({MORE_MW: "50000"})
        line.more(40)
        assert line.calm() < 30
        agent.stop()
        assert line.collector.stop() == 0
    assert spans_overlap(line.collector) == 0
    with closing(SqliteSeries(line.collector.data, create=False)) as series:
        assert {row.reason for row in series.quarantined()} == {"fork"}
