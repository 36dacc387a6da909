"""Real collectors between a real broker and a real InfluxDB, each of them killed: no joule goes."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from collecting import Collector, Node, until
from services import influxdb as influxdb_process
from services.influxdb import InfluxDB
from services.mosquitto import Broker
from sobre_collector.conservation import check
from sobre_collector.store.influx.prepare import prepare
from sobre_collector.store.ledger import Ledger
from stores import InfluxStore, Site
from test_collect import OUTLET, PC, batches

pytestmark = pytest.mark.influx

SETTINGS = """
data = "{data}"
ledger = "{ledger}"
[mqtt]
port = {port}
username = "{name}"
shared = {shared}
[influx]
url = "{url}"
version = "1"
prefix = "line"
timeout_s = 5.0
"""


@pytest.fixture
def influxd(tmp_path: Path) -> Iterator[InfluxDB]:
    """An InfluxDB of this test alone, set up."""
    why = influxdb_process.absent()
    if why:
        pytest.skip(why)
    made = InfluxDB(tmp_path / "influxdb")
    made.start()
    prepare(Site(made.url).connect(), "line")
    yield made
    made.stop()


def collector(
    folder: Path,
    broker: Broker,
    influxd: InfluxDB,
    name: str = "collector",
    crash_at: str = "",
    leads: bool = True,
    shared: bool = False,
    data: Path = Path("data"),
) -> Collector:
    text = SETTINGS.format(
        data=data,
        ledger="here" if leads else "elsewhere",
        port=broker.port,
        name=name,
        shared=str(shared).lower(),
        url=influxd.url,
    )
    return Collector(folder / name, broker.port, crash_at, text)


def balanced(data: Path, influxd: InfluxDB, last: int) -> None:
    """Both devices' loads 1 to `last` are there once, and their registers say the same."""
    store = InfluxStore(Site(influxd.url), "line")
    with (
        closing(store.open(by="test")) as series,
        closing(Ledger(data / "ledger.db", create=False)) as ledger,
    ):
        found = check(series, ledger, keep=False)
        seqs = [(s.load.device, s.load.seq) for s in series.loads(0, 2**40)]
        assert [q.reason for q in series.quarantined()] == []
    devices = ("pc-1", "pc-1/outlet")
    assert seqs == [(device, seq) for device in devices for seq in range(1, last + 1)]
    assert found.exact
    assert found.stored_j == 2 * (last * (last + 1) // 2)


def writers(influxd: InfluxDB) -> set[str]:
    groups = Site(influxd.url).connect().query("line_state", 'SELECT * FROM "writer" GROUP BY "by"')
    return {group.tags["by"] for group in groups}


def devices_n(data: Path) -> int:
    with closing(Ledger(data / "ledger.db", create=False)) as ledger:
        return len(ledger.devices())


@pytest.mark.parametrize("step", ["marked", "stored", "set-aside"])
def test_collector_killed_inside_an_append_loses_and_doubles_nothing(
    broker: Broker, influxd: InfluxDB, tmp_path: Path, step: str
) -> None:
    messages = batches(1, 20)
    with Node(broker, "pc-1") as node:
        node.publish([PC, OUTLET], retain=True)
        with collector(tmp_path, broker, influxd, crash_at=step) as first:
            first.connected()
            node.publish(messages)
            assert first.ended() == -9
        assert node.answers == {}, "confirmed before InfluxDB had it"
        with collector(tmp_path, broker, influxd) as again:
            node.deliver(messages)
            assert set(node.answers.values()) == {None}
            assert again.stop() == 0
    balanced(again.data, influxd, 20)


def test_influxdb_killed_while_loads_come_in_has_all_that_was_confirmed(
    broker: Broker, influxd: InfluxDB, tmp_path: Path
) -> None:
    first, second = batches(1, 60), batches(61, 90)
    with Node(broker, "pc-1") as node, collector(tmp_path, broker, influxd) as running:
        running.connected()
        node.publish([PC, OUTLET], retain=True)
        node.publish(first)
        until(lambda: node.any_of(first), "the first confirmation")
        influxd.kill()
        known = set(node.answers)
        node.publish(second)
        until(lambda: "nothing can be stored" in running.log(), "the finding in the log")
        assert not node.any_of(second), "confirmed without InfluxDB"
        pid = running.process.pid
        influxd.start()
        node.deliver([*first, *second])
        assert known <= set(node.answers)
        assert running.process.poll() is None
        assert running.process.pid == pid
        until(lambda: "storing works again" in running.log(), "the end in the log")
        assert running.stop() == 0
    balanced(running.data, influxd, 90)


def test_two_collectors_of_which_one_is_killed_lose_and_double_nothing(
    broker: Broker, influxd: InfluxDB, tmp_path: Path
) -> None:
    messages = batches(1, 200)
    with Node(broker, "pc-1") as node, ExitStack() as stack:
        node.publish([PC, OUTLET], retain=True)
        leader = stack.enter_context(collector(tmp_path, broker, influxd, "a", shared=True))
        leader.connected()
        # What a follower was not told of yet it would set aside.
        until(lambda: devices_n(leader.data) == 2, "both devices in the ledger")
        follower = stack.enter_context(
            collector(tmp_path, broker, influxd, "b", leads=False, shared=True)
        )
        follower.connected()

        def both_store() -> bool:
            # The follower reads loads once it was told of the devices, and says so nowhere.
            node.publish(messages[:100], taken=True)
            return {"a", "b"} <= writers(influxd)

        until(both_store, "both have stored something")
        follower.kill()
        node.publish(messages[100:])
        node.deliver(messages)
        assert set(node.answers.values()) == {None}
        assert leader.stop() == 0
    balanced(leader.data, influxd, 200)


def test_the_ledgers_own_collector_is_killed_and_the_one_that_stands_by_takes_over(
    broker: Broker, influxd: InfluxDB, tmp_path: Path
) -> None:
    messages = batches(1, 300)
    data = tmp_path / "ledger"
    with Node(broker, "pc-1") as node, ExitStack() as stack:
        node.publish([PC, OUTLET], retain=True)
        first = stack.enter_context(
            collector(tmp_path, broker, influxd, "a", shared=True, data=data)
        )
        first.connected()
        until(lambda: devices_n(data) == 2, "both devices in the ledger")
        standby = stack.enter_context(
            collector(tmp_path, broker, influxd, "c", shared=True, data=data)
        )
        standby.connected()
        follower = stack.enter_context(
            collector(tmp_path, broker, influxd, "b", leads=False, shared=True)
        )
        follower.connected()
        node.deliver(messages[:100])
        node.publish(messages[100:200])
        until(lambda: node.any_of(messages[100:200]), "an answer")
        first.kill()
        until(lambda: "takes it over" in standby.log(), "taken over")
        node.deliver(messages)
        assert set(node.answers.values()) == {None}
        assert standby.stop() == 0
        assert follower.stop() == 0
    balanced(data, influxd, 300)
