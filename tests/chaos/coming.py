"""Agents that come back together over TLS: each is confirmed, and counts once."""

import ssl
from collections import Counter
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import psutil
from trustme import CA

from chaos.result import Result
from collecting import Collector
from faults.balance import Balance
from faults.storm import joules, raise_limit, storm, tls_lines
from services.mosquitto import Broker
from services.ports import HOST
from sobre_collector.store.sqlite import SqliteSeries

BROKER_MIB = 300
WITHIN_S = 120.0
SPREAD_S = 60.0
LOOK_S = 0.2


class Peak:
    """The most that a process occupies while the block runs (MiB)."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self.mib = 0.0

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            self.mib = max(self.mib, self._process.memory_info().rss / 2**20)


def come_back_together(folder: Path, count: int) -> Result:
    """So many agents within a minute, all connected at the end."""
    authority = CA()
    server = authority.issue_cert(HOST, "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    (folder / "server.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    server.private_key_pem.write_to_path(folder / "server.key")
    # The broker inherits it.
    raise_limit(count)
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    broker = Broker.anonymous(folder / "broker", tls_lines(str(folder)))
    broker.start()
    problems = []
    try:
        assert broker.pid is not None
        collector = Collector(folder / "collector", broker.port)
        with collector.config.open("a") as file:
            file.write(f'tls = "on"\nca_file = "{folder}/ca.pem"\n')
        with collector:
            collector.connected()
            with Peak(broker.pid) as peak:
                found = storm(broker.port, count, SPREAD_S, context, WITHIN_S, stay=True)
            assert collector.stop() == 0
    finally:
        broker.stop()
    if (found.confirmed, found.refused, found.failed) != (count, 0, 0):
        problems.append(f"storm: {found}")
    if peak.mib > BROKER_MIB:
        problems.append(f"storm: the broker occupied {peak.mib:.0f} MiB")
    said = f"agent at once over TLS (broker at most {peak.mib:.0f} MiB)"
    counted = in_store(collector.data, count)
    faults = Counter({said: count})
    return Result("storm", counted, found.repeats, found.wall_s, faults, tuple(problems))


def in_store(data: Path, count: int) -> Balance:
    """What the store has of the storm's nodes, beside what each of them used."""
    with closing(SqliteSeries(data, create=False)) as series:
        stored = [row.load for row in series.loads(0, 2**53)]
        aside = [row.load for row in series.quarantined() if row.load is not None]
    once = {load.device: load.energy_j for load in stored + aside}
    all_j = sum(load.energy_j for load in stored + aside)
    generated_j = joules(count)
    lost_j = generated_j - sum(once.values())
    stored_j = sum(load.energy_j for load in stored)
    doubled_j = all_j - sum(once.values())
    return Balance(generated_j, stored_j, all_j - stored_j, 0, lost_j, doubled_j, count)
