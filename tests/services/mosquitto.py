"""A real mosquitto on loopback that tests start, stop, kill and start again."""

import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from services import unpacked
from services.ports import HOST, free_port

READY_WITHIN_S = 20
STOP_WITHIN_S = 10
RELOADED = "Reloading config."


def absent() -> str | None:
    """Why there is no mosquitto here; None where there is one."""
    if unpacked.program("mosquitto", "mosquitto"):
        return None
    return "no mosquitto: `python3 tests/services/fetch.py mosquitto` says why"


def on_loopback(port: int, folder: Path, lines: Sequence[str] = ()) -> str:
    """A configuration that listens on loopback only and keeps its data in `folder`, `lines` last.

    Everyone may connect, unless one of the lines says who.
    """
    restricting = ("allow_anonymous", "password_file", "require_certificate")
    anonymous = not any(line.startswith(restricting) for line in lines)
    head = [
        f"listener {port} {HOST}",
        "persistence true",
        f"persistence_location {folder}/",
        "log_dest stderr",
        "log_type all",
    ]
    return "\n".join([*head, *(["allow_anonymous true"] if anonymous else []), *lines, ""])


class Broker:
    """A mosquitto whose data survives `stop`, `kill` and `start` in `folder`."""

    host = HOST

    def __init__(self, folder: Path, configuration: str, port: int) -> None:
        self.port = port
        self.folder = folder
        self.log_path = folder / "mosquitto.log"
        self._conf = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        # `user root`: started as root, mosquitto would drop to a user who cannot enter our folder.
        self._conf.write_text(f"user root\n{configuration}")

    @classmethod
    def anonymous(cls, folder: Path, lines: Sequence[str] = ()) -> "Broker":
        """A broker on a free port with the plain configuration and `lines`; not started."""
        port = free_port()
        return cls(folder, on_loopback(port, folder, lines), port)

    @property
    def pid(self) -> int | None:
        """The process's id; None while it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process and running else None

    def start(self) -> None:
        """Start, and return when the port answers; RuntimeError with the log if it does not."""
        program = unpacked.program("mosquitto", "mosquitto")
        if program is None:
            raise RuntimeError(absent())
        if self.pid is not None:
            raise RuntimeError(f"mosquitto on port {self.port} runs already")
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [program.path, "-c", str(self._conf)],
                env=program.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"mosquitto does not answer on port {self.port}:\n{self.log()}")
            time.sleep(0.01)

    def reload(self) -> None:
        """Have it read its configuration again, as `systemctl reload` does; return when it has."""
        before = self.log().count(RELOADED)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + READY_WITHIN_S
        while self.log().count(RELOADED) == before:
            if time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto does not reload:\n{self.log()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it as an administrator would: it saves its sessions and retained messages."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """All that it logged since its folder was made."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False


class MakeBroker(Protocol):
    """What the fixture `mosquitto` gives: start a broker with lines of one's own."""

    def __call__(self, lines: Sequence[str] = ()) -> Broker: ...
