"""The agent beside other agents: who could not be had is named, whoever works is counted."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import agents, peers, polls
from bench.agent import Watched
from bench.document import table
from bench.figures import Unavailable
from bench.peers import PEERS
from bench.processes import Memory, Spent, Tally, spent
from services import debian
from services.ports import HOST


def watched(cpu_s: float, wakeups: int, resident_mib: float) -> Watched:
    memory = Memory(resident_mib, resident_mib / 2, resident_mib / 2)
    return Watched(Spent(0.0, 0), Spent(cpu_s, wakeups), memory, 3600.0)


def until(met: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_each_peer_has_its_rows_and_one_that_is_absent_says_why() -> None:
    found = {peer.name: watched(3.6, 360, 40.0) for peer in PEERS}
    del found["collectd"]
    found[agents.OURS] = watched(0.036, 72, 18.0)
    lines = table(agents.figures(found, {"collectd": "not to be had here: no apt-get"}, 3600.0))
    assert len(lines) == 2 + 4 * len(PEERS)
    absent = [line for line in lines if "collectd" in line]
    assert len(absent) == 4
    assert all(
        line.endswith("| not to be had here: no apt-get | – | – |")
        or "| not to be had here: no apt-get | – | ≤" in line
        for line in absent
    )
    processor = next(line for line in lines if "processor" in line and "glances" in line)
    assert processor == (
        "| processor, over 3,600 s | CPU s a day | 0.864 | glances, CSV each 10 s | 86.4 | 0.01 | "
        "≤ 3 |"
    )
    woken = next(line for line in lines if "wake-ups" in line and "codecarbon" in line)
    assert "| 0.02 |" in woken
    assert "| 0.1 | 0.2 |" in woken


def test_the_hour_is_taken_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def measured(name: str, run: object, document: object) -> bool:
        taken.append(name)
        return True

    monkeypatch.setattr(bench, "_measured", measured)
    assert bench.main(["--quick"]) == 0
    assert taken == list(bench.MEASUREMENTS)
    assert "agents-hour" not in taken
    taken.clear()
    assert bench.main(["agents-hour", "wire"]) == 0
    assert taken == ["agents-hour", "wire"]


def test_a_package_that_cannot_be_had_is_a_reason_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(packages: object, root: Path) -> None:
        raise debian.Unavailable("no apt-get here")

    monkeypatch.setattr(peers, "FOLDER", tmp_path)
    monkeypatch.setattr(debian, "unpack", none)
    with pytest.raises(Unavailable, match="no apt-get here"):
        PEERS[0].prepared(tmp_path)


def test_what_threads_did_that_have_ended_is_counted() -> None:
    """codecarbon begins a thread for each measurement: none of them is there at the end."""
    script = (
        "import threading, time\n"
        "def work():\n"
        "    until = time.thread_time() + 0.05\n"
        "    while time.thread_time() < until: pass\n"
        "    for _ in range(20): time.sleep(0.001)\n"
        "    print('worked', flush=True)\n"
        "    input()\n"
        "input()\n"
        "for _ in range(2):\n"
        "    thread = threading.Thread(target=work); thread.start(); thread.join()\n"
        "print('ended', flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        until(lambda: spent(process.pid).wakeups > 0)
        begun, tally = spent(process.pid), Tally(process.pid)
        for _ in range(2):
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "worked\n"
            tally.look()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ended\n"
        tally.look()
        assert spent(process.pid).cpu_s - begun.cpu_s >= 2 * 0.05
        assert tally.total >= 2 * 20
        process.stdin.write("\n")


class Metrics(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"up 1\n")

    def log_message(self, *_: object) -> None:
        pass


def test_a_peer_is_asked_until_its_measurement_ends_and_its_silence_is_noted() -> None:
    with HTTPServer((HOST, 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with polls.polled(lambda: polls.scrape(server.server_port), 0.01) as failed:
                until(lambda: Metrics.asked >= 3)
            assert failed == []
            asked = Metrics.asked
        finally:
            server.shutdown()
            thread.join()
    with polls.polled(lambda: polls.zabbix(server.server_port), 0.01) as failed:
        until(lambda: bool(failed))
    assert Metrics.asked == asked
