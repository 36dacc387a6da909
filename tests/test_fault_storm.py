"""Agents that come back together over TLS: none is refused, each is confirmed and counts once."""

import ssl
from contextlib import closing
from pathlib import Path

import psutil
from trustme import CA

from collecting import Collector
from faults.storm import joules, raise_limit, storm, tls_lines
from services.mosquitto import MakeBroker
from services.ports import HOST
from sobre_collector.store.sqlite import SqliteSeries

COUNT = 300
BROKER_MIB = 300


def test_storm_over_tls_refuses_nobody_and_counts_everybody_once(
    tmp_path: Path, mosquitto: MakeBroker
) -> None:
    authority = CA()
    server = authority.issue_cert(HOST, "localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "server.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    server.private_key_pem.write_to_path(tmp_path / "server.key")
    raise_limit(COUNT)
    broker = mosquitto(tls_lines(str(tmp_path)))
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with Collector(tmp_path / "collector", broker.port) as collector:
        with collector.config.open("a") as file:
            file.write(f'tls = "on"\nca_file = "{tmp_path}/ca.pem"\n')
        collector.kill()
        collector.__enter__()
        collector.connected()
        found = storm(broker.port, COUNT, 0.0, context, within_s=30.0)
        assert broker.pid is not None
        broker_mib = psutil.Process(broker.pid).memory_info().rss / 2**20
        assert collector.stop() == 0
    assert (found.confirmed, found.refused, found.failed) == (COUNT, 0, 0)
    assert broker_mib < BROKER_MIB
    with closing(SqliteSeries(collector.data, create=False)) as series:
        stored = [row.load.energy_j for row in series.loads(0, 2**53)]
        aside = [row.load.energy_j for row in series.quarantined() if row.load is not None]
    assert len(stored) + len(aside) == COUNT
    assert sum(stored) + sum(aside) == joules(COUNT)
