"""A real IPP printer on loopback: CUPS' ippeveprinter, on a D-Bus of its own.

It would announce itself by DNS-SD, and wants a bus even where it is told not to.
"""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from services import unpacked
from services.ports import HOST, free_port

READY_WITHIN_S = 30
STOP_WITHIN_S = 10
_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>
"""


def absent() -> str | None:
    """Why there is no such printer here; None where there is one."""
    programs = [
        unpacked.program("ippeveprinter", name) for name in ("ippeveprinter", "dbus-daemon")
    ]
    if all(programs):
        return None
    return "no ippeveprinter: `python3 tests/services/fetch.py ippeveprinter` says why"


class Printer:
    """A printer that takes what it is sent and runs `command` for each job, files in `folder`."""

    host = HOST

    def __init__(self, folder: Path, command: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._command = command
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        # A path of a socket is short; a test's folder may not be.
        bus = self._folder / "bus"
        configuration = self._folder / "bus.conf"
        configuration.write_text(_BUS.format(path=bus), encoding="utf-8")
        self._start("dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile")
        self._wait(bus.exists)
        options = ["-p", str(self.port), "-n", "localhost", "-r", "off", "--no-web-forms", "-v"]
        options += ["-d", str(self._folder / "spool"), "-c", self._command, "-K", str(self._folder)]
        (self._folder / "spool").mkdir()
        self._start("ippeveprinter", *options, "Test", DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={bus}")
        self._wait(self._answers)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in reversed(self._running):
            process.kill()
            process.wait(STOP_WITHIN_S)

    def _start(self, name: str, *arguments: str, **environment: str) -> None:
        program = unpacked.program("ippeveprinter", name)
        if program is None:
            raise RuntimeError(absent())
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running.append(
                subprocess.Popen(
                    [program.path, *arguments],
                    env=program.environment | environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _wait(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while not done():
            if time.monotonic() > until or any(each.poll() is not None for each in self._running):
                self.__exit__(None, None, None)
                logs = [path.read_text("utf-8", "replace") for path in self._folder.glob("*.log")]
                raise RuntimeError("the printer did not start: " + "\n".join(logs)[-2000:])
            time.sleep(0.05)
