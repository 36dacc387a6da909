"""A PDU and a printer that answer SNMP, read by a real agent, through a real broker, to SQLite."""

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from collecting import Collector
from faults.clocks import WallClock
from services.mosquitto import Broker
from snmp.agents import HOST, Agents, recording
from sobre_collector.conservation import check
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin

# The agent's minute ends so long (s) after it is started, as its clock is put forward.
MINUTE_ENDS_S = 10
WITHIN_S = 120
# Of the model's outlets this one has one.
DEVICES = ("pdu-a3", "pdu-a3/outlet-07", "printer-2")
# A PDU that draws 36 kW counts ten Wh a second.
PDU = """1.3.6.1.4.1.21239.5.2.1.10.0|4|2105
1.3.6.1.4.1.21239.5.2.3.1.1.9.1|66|36000
1.3.6.1.4.1.21239.5.2.3.1.1.12.1|66:numeric|rate=10,initial=5000,wrap=1
1.3.6.1.4.1.21239.5.2.3.6.1.12.7|66|95
"""
PRINTER = recording(
    {
        "1.3.6.1.2.1.25.3.2.1.2.1": ("6", "1.3.6.1.2.1.25.3.1.5"),
        "1.3.6.1.2.1.25.3.2.1.5.1": ("2", 2),
        "1.3.6.1.2.1.25.3.5.1.1.1": ("2", 4),
        "1.3.6.1.2.1.43.5.1.1.17.1": ("4", "CN1"),
        "1.3.6.1.2.1.43.10.2.1.3.1.1": ("2", 7),
        "1.3.6.1.2.1.43.10.2.1.4.1.1": ("65", 4321),
    }
)


def configured(folder: Path, broker: Broker, agents: Agents) -> Path:
    for community in ("pdu", "printer"):
        secret = folder / community
        secret.write_text(community, encoding="utf-8")
        secret.chmod(0o600)
    path = folder / "agent.toml"
    meters = "".join(
        f"""
[[meters]]
device = "{device}"
profile = "{profile}"
host = "{HOST}"
port = {agents.port}
timeout_s = 10
rated_w = 50000
sample_s = {sample_s}
hours = "always"
snmp = {{ version = "2c", community_file = "{folder / community}" }}
"""
        for device, profile, community, sample_s in (
            ("pdu-a3", "vertiv-geist", "pdu", 1),
            ("printer-2", "printer", "printer", 2),
        )
    )
    path.write_text(
        f"""
organisation = "ville"
site = "mairie"
node = "reader-1"
status_file = "{folder}/status.json"
[mqtt]
host = "{broker.host}"
port = {broker.port}
[spool]
folder = "{folder}/spool"
[delivery]
pace = "as-closed"
[host]
enabled = false
{meters}""",
        encoding="utf-8",
    )
    return path


@pytest.mark.broker
def test_a_pdu_and_a_printer_reach_the_store_to_the_joule(tmp_path: Path, broker: Broker) -> None:
    folder = tmp_path / "agent"
    folder.mkdir()
    with (
        Agents({"pdu": PDU, "printer": PRINTER}) as agents,
        Collector(tmp_path / "collector", broker.port) as collector,
    ):
        collector.connected()
        config = configured(folder, broker, agents)
        clock = WallClock(folder / "ahead")
        clock.set(60 - (time.time() + MINUTE_ENDS_S) % 60)
        words = [sys.executable, "-m", "faults.wrong_clock", str(clock.file)]
        with (folder / "log").open("wb") as log:
            agent = subprocess.Popen(
                [*words, "run", "--config", str(config)],
                cwd=Path(__file__).parent,
                stdout=log,
                stderr=log,
            )
        try:
            until_s = time.monotonic() + WITHIN_S
            while not all(seq >= 1 for seq in stored(collector.data)):
                assert time.monotonic() < until_s, (folder / "log").read_text("utf-8")
                time.sleep(0.1)
            agent.send_signal(signal.SIGTERM)
            assert agent.wait(30) == 0, (folder / "log").read_text("utf-8")
        finally:
            agent.kill()
            agent.wait()
        settled(collector.data)


def loads(data: Path) -> list[Load]:
    if not (data / "ledger.db").exists():
        return []
    with closing(SqliteSeries(data, create=False)) as series:
        return [each.load for each in series.loads(0, 2**40)]


def stored(data: Path) -> list[int]:
    """How far each device's loads have come."""
    found = loads(data)
    return [
        max((load.seq for load in found if load.device == device), default=0) for device in DEVICES
    ]


def settled(data: Path) -> None:
    with (
        closing(SqliteSeries(data, create=False)) as series,
        closing(Ledger(data / "ledger.db", create=False)) as ledger,
    ):
        assert [each.reason for each in series.quarantined()] == []
        assert check(series, ledger, keep=False).exact, "nothing lost, nothing doubled"
        devices = {key.device: device for key, device in ledger.devices().items()}
    assert devices.keys() >= set(DEVICES)
    assert devices["pdu-a3"].method == devices["pdu-a3/outlet-07"].method == "snmp vertiv-geist"
    assert devices["pdu-a3/outlet-07"].device_class == "server"
    assert devices["printer-2"].method == "snmp printer, pages in impressions"
    for load in loads(data):
        if load.device == "pdu-a3":
            assert load.origin in (Origin.MEASURED, Origin.ALLOCATED)
            assert load.energy_j == pytest.approx(36_000 * load.span_s, rel=0.5, abs=72_000)
        elif load.device == "pdu-a3/outlet-07":
            # A span is of whole seconds, what it held is not.
            assert load.energy_j == pytest.approx(95 * load.span_s, abs=2 * 95)
        else:
            assert load.origin is Origin.ESTIMATED
            assert (load.state_s or {}).keys() <= {"printing", "unknown"}
            printing_s = (load.state_s or {}).get("printing", 0)
            assert load.energy_j == pytest.approx(450 * printing_s, abs=2 * 450)
