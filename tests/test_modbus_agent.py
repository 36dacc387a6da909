"""A real agent process reads a bus: a dead meter is named once, the others' loads are on disk."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from meters.bus import Asked, Bus
from meters.pseudo import Adapter

DEADLINE_S = 40.0
CONFIG = """
organisation = "ville"
site = "mairie"
node = "reader-1"
[mqtt]
host = "127.0.0.1"
port = 9
[spool]
folder = "{folder}/spool"
[delivery]
pace = "as-closed"
[host]
enabled = false
"""
METER = """
[[meters]]
device = "m{unit}"
profile = "eastron-sdm120"
serial_port = "{path}"
unit_id = {unit}
sample_s = 1
timeout_s = 0.5
"""


def answer(asked: Asked) -> list[int]:
    return [[0x4282, 0x8000][(asked.address + i) % 2] for i in range(asked.count)]


def until(met: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not met():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_an_agent_reads_a_bus_over_an_unplugged_adapter(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Adapter(tmp_path / "port") as adapter:
        meters = [METER.format(unit=unit, path=adapter.path) for unit in (1, 2, 3)]
        config = tmp_path / "agent.toml"
        config.write_text(CONFIG.format(folder=tmp_path) + "".join(meters), "utf-8")
        words = [sys.executable, "-m", "sobre_agent", "run", "--config", str(config)]
        with Bus(adapter, {1: answer, 3: answer}) as bus, log.open("wb") as said:
            process = subprocess.Popen(words, stdout=said, stderr=said)
            try:
                until(lambda: bus.count(1) >= 6 and bus.count(3) >= 6 and bus.count(2) >= 2)
                adapter.unplug()
                until(lambda: "m1 silent" in log.read_text())
                adapter.plug()
                before = bus.count(1)
                until(lambda: bus.count(1) > before and "m1 back" in log.read_text())
                process.send_signal(signal.SIGTERM)
                assert process.wait(DEADLINE_S) == 0
            finally:
                process.kill()
                process.wait()
    text = log.read_text()
    assert text.count("m2 silent since") == 1
    assert "no valid answer" in text
    assert "has gone; is its adapter plugged in?" in text or "no such port" in text
    with closing(sqlite3.connect(tmp_path / "spool" / "spool.db")) as db:
        states = dict(db.execute("SELECT device, state FROM device"))
    # What is still open was saved as it ended; of the dead meter nothing was ever seen.
    assert '"last":null' in states["m2"]
    assert all('"power_w":65.25' in states[device] for device in ("m1", "m3"))
