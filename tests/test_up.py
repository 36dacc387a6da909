"""`sobre up` as a newcomer meets it: figures on terminal and page, stop, and on from there."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services import unpacked
from services.ports import free_port

WITHIN_S = 90.0


def until(met: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not met():
        assert time.monotonic() < deadline_s, f"not in {WITHIN_S:g} s: {what}"
        time.sleep(0.1)


class Up:
    """A running `sobre up`, what it printed, and its page."""

    def __init__(self, folder: Path, environment: dict[str, str], *more: str) -> None:
        self.data, self.port = folder / "data", free_port()
        self._out = folder / "out.txt"
        words = ["up", "--data", str(self.data), "--port", str(self.port), *more]
        with self._out.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sobre_collector", *words],
                stdout=out,
                stderr=out,
                env=environment,
            )

    def printed(self) -> str:
        return self._out.read_text()

    def page(self, path: str = "en/") -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN_S)


@pytest.fixture(params=["mosquitto", "amqtt"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Where the one broker or the other is what `sobre up` finds."""
    base = {**os.environ, "PYTHONUNBUFFERED": "1", "BROKER": request.param}
    if request.param == "amqtt":
        if Path("/usr/sbin/mosquitto").exists() or Path("/usr/local/sbin/mosquitto").exists():
            pytest.skip("mosquitto is installed on this system: amqtt is not what would run")
        return base
    program = unpacked.program("mosquitto", "mosquitto")
    if program is None:
        pytest.skip("mosquitto is neither unpacked nor installed")
    # Its libraries for itself alone: everything else keeps the system's.
    script = tmp_path / "bin" / "mosquitto"
    script.parent.mkdir()
    libraries = program.environment.get("LD_LIBRARY_PATH", "")
    script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{program.path}" "$@"\n')
    script.chmod(0o755)
    return {**base, "PATH": f"{script.parent}{os.pathsep}{base['PATH']}"}


@contextmanager
def running(folder: Path, environment: dict[str, str], *more: str) -> Iterator[Up]:
    up = Up(folder, environment, *more)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.terminate()
            up.process.wait(WITHIN_S)


def stored_j(data: Path) -> dict[str, int]:
    words = ["check", "--data", str(data), "--store", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "sobre_collector", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, int] = json.loads(done.stdout)["store"]
    return found


def test_this_machine_shows_and_a_second_start_goes_on(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with running(tmp_path, environment) as up:
        until(lambda: " W " in up.printed(), "a figure on the terminal")
        assert "estimated" in up.printed() or "measured" in up.printed()
        until(lambda: "this-pc" in up.page(), "a figure on the page")
        # Loads close on the minute; two of them are on their way within the time allowed.
        until(lambda: (up.data / "series.db").exists(), "the store")
        until(lambda: any(up.data.glob("workstations-*.db")), "a load in the store")
        assert up.stop() == 0
    first = stored_j(up.data)
    assert first["stored_j"] > 0
    if environment["BROKER"] == "amqtt":
        # One more minute on the other broker would show nothing new.
        return
    with running(tmp_path, environment) as up:
        until(lambda: up.printed().count("Page:") == 2, "the second start")
        until(lambda: stored_j(up.data)["stored_j"] > first["stored_j"], "one more load")
        assert up.stop() == 0
    second = stored_j(up.data)
    assert (second["missing_j"], second["doubled_j"]) == (0, 0)


def test_a_second_line_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with running(tmp_path, environment) as up:
        until(lambda: "Page:" in up.printed(), "the page's address")
        words = ["up", "--data", str(up.data), "--port", str(free_port())]
        second = subprocess.run(
            [sys.executable, "-m", "sobre_collector", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 2
        assert "another `sobre up` runs on this folder" in second.stderr
        taken = ["up", "--data", str(tmp_path / "other"), "--port", str(up.port)]
        third = subprocess.run(
            [sys.executable, "-m", "sobre_collector", *taken],
            capture_output=True,
            text=True,
            check=False,
        )
        assert third.returncode == 2
        assert f"port {up.port} is in use" in third.stderr


def test_a_part_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with running(tmp_path, {**os.environ, "PYTHONUNBUFFERED": "1"}) as up:
        until(lambda: " W " in up.printed(), "a figure on the terminal")
        children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children")
        collector = next(
            int(pid)
            for pid in children.read_text().split()
            if b"\0collect\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        os.kill(collector, signal.SIGKILL)
        until(lambda: "collector started again" in up.printed(), "the collector's return")
        assert up.stop() == 0
