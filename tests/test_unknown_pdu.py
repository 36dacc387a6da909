"""A PDU that nobody knows: found, recorded, described by one TOML file, read, and delivered."""

import json
import signal
import struct
import subprocess
import sys
import time
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from collecting import Collector
from faults.clocks import WallClock
from meters.served import HOST, Scripted
from services.mosquitto import Broker
from sobre_agent.cli import main
from sobre_collector.conservation import check
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin

MINUTE_ENDS_S = 10
WITHIN_S = 120
OUTLETS = (480, 250)
BASE, STEP = 3000, 10


class Pdu:
    """Two outlets of constant power; each counts its joules, the low word first."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self.functions: set[int] = set()

    def answer(self, request: bytes) -> bytes:
        """What it answers to one request of Modbus TCP."""
        function, address, count = struct.unpack(">BHH", request[7:12])
        self.functions.add(function)
        words = self._words()
        wanted = range(address, address + count)
        if function != 3 or not words.keys() >= set(wanted):
            pdu = bytes([function | 0x80, 2])
        else:
            held = b"".join(struct.pack(">H", words[at]) for at in wanted)
            pdu = bytes([function, len(held)]) + held
        return request[:4] + struct.pack(">H", len(pdu) + 1) + request[6:7] + pdu

    def _words(self) -> dict[int, int]:
        span_s = time.monotonic() - self._start_s
        words: dict[int, int] = {}
        for outlet, power_w in enumerate(OUTLETS):
            energy_j = 9_000_000 * (outlet + 1) + int(power_w * span_s)
            at = BASE + STEP * outlet
            words |= {at: 10 * power_w, at + 1: energy_j & 0xFFFF, at + 2: energy_j >> 16}
        return words


PROFILE = """
maker = "Nobody"
model = "PDU 2"
source = "its web page, beside a capture"
confirmed = "unconfirmed"
device_class = "pdu"
function = 3
word_order = "high-first"

[[part]]
name = "outlet-{n:02d}"
count = 2
step = 10
device_class = "server"
rated_w = 3680
power = { address = 3000, type = "uint16", scale = 0.1, unit = "W" }
energy = { address = 3001, type = "uint32", unit = "J" }
"""


def configured(folder: Path, broker: Broker, table: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(
        f"""
organisation = "ville"
site = "mairie"
node = "reader-1"
profiles_folder = "{folder}"
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
{table}""",
        encoding="utf-8",
    )
    return path


@pytest.mark.broker
def test_a_pdu_that_nobody_knows_is_put_into_service_by_one_file(
    tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "agent"
    folder.mkdir()
    pdu = Pdu()
    with Scripted(pdu.answer) as server:
        at = ["--host", HOST, "--port", str(server.port)]
        scan = ["meters", "scan", *at, "--protocol", "modbus", "--unit-ids", "1", "--per-s", "1000"]

        assert main(scan) == 0
        assert "no profile fits" in capsys.readouterr().out

        dump = folder / "nobody-pdu-2.json"
        ranged = ["--registers", "2995-3025", "--out", str(dump)]
        assert main(["meters", "capture", *at, *ranged]) == 0
        capsys.readouterr()
        # Its web page, beside it: 480.0 W and 250.0 W; some 2.5 kWh and 5 kWh.
        held = json.loads(dump.read_text("utf-8"))
        held["expected"] = {
            f"outlet-{number:02d}": {
                "power_w": power_w,
                "register_uj": 9_000_000_000_000 * number,
                "within": {"power_w": 0.1, "register_uj": 360_000_000_000},
            }
            for number, power_w in ((1, 480.0), (2, 250.0))
        }
        dump.write_text(json.dumps(held), encoding="utf-8")

        profile = folder / "nobody-pdu-2.toml"
        profile.write_text(PROFILE.replace("scale = 0.1", "skale = 0.1"), encoding="utf-8")
        assert main(["meters", "check", str(profile)]) == 2
        told = capsys.readouterr().err
        assert f"{profile}:16: unknown key 'part[0].power.skale'; did you mean 'scale'?" in told
        profile.write_text(PROFILE, encoding="utf-8")
        checked = ["meters", "check", str(profile), "--capture", str(dump)]
        assert main(checked) == 1
        assert "outlet-01: register_uj is 9000000000000" in capsys.readouterr().out
        profile.write_text(PROFILE.replace("high-first", "low-first"), encoding="utf-8")
        assert main(checked) == 0
        assert "read as expected" in capsys.readouterr().out

        look = ["--profile", "nobody-pdu-2", "--profiles-folder", str(folder)]
        assert main(["meters", "read", *at, *look, "--for-s", "1"]) == 0
        told = capsys.readouterr().out
        assert told.count("energy rises as power says") == 2, told

        assert main([*scan, "--profiles-folder", str(folder)]) == 0
        table = capsys.readouterr().out
        (found,) = tomllib.loads(table)["meters"]
        assert found["profile"] == "nobody-pdu-2"
        table = table.replace(found["device"], "pdu-n") + "sample_s = 1\n"
        delivered(tmp_path, configured(folder, broker, table), broker)
    assert pdu.functions <= {3, 4}


def delivered(tmp_path: Path, config: Path, broker: Broker) -> None:
    """Its loads reach a collector, joule by joule."""
    folder = config.parent
    with Collector(tmp_path / "collector", broker.port) as collector:
        collector.connected()
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
            while {each.device for each in loads(collector.data)} < DEVICES:
                assert time.monotonic() < until_s, (folder / "log").read_text("utf-8")
                time.sleep(0.1)
            agent.send_signal(signal.SIGTERM)
            assert agent.wait(30) == 0, (folder / "log").read_text("utf-8")
        finally:
            agent.kill()
            agent.wait()
        settled(collector.data)


DEVICES = {"pdu-n/outlet-01", "pdu-n/outlet-02"}


def loads(data: Path) -> list[Load]:
    if not (data / "ledger.db").exists():
        return []
    with closing(SqliteSeries(data, create=False)) as series:
        return [each.load for each in series.loads(0, 2**40)]


def settled(data: Path) -> None:
    with (
        closing(SqliteSeries(data, create=False)) as series,
        closing(Ledger(data / "ledger.db", create=False)) as ledger,
    ):
        assert check(series, ledger, keep=False).exact
        methods = {device.method for device in ledger.devices().values()}
    assert methods == {"modbus nobody-pdu-2 (unconfirmed)"}
    for load in loads(data):
        power_w = dict(zip(sorted(DEVICES), OUTLETS, strict=True))[load.device]
        assert load.origin in (Origin.MEASURED, Origin.ALLOCATED)
        assert load.energy_j == pytest.approx(power_w * load.span_s, abs=2 * power_w)
