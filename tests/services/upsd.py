"""A real upsd on loopback with its dummy-ups driver, which says what a file says."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from socket import create_connection

from services import unpacked
from services.ports import HOST, free_port

READY_WITHIN_S = 20
STOP_WITHIN_S = 5


def absent() -> str | None:
    """Why there is no upsd here; None where there is one."""
    if _folder() is not None:
        return None
    return "no upsd: `python3 tests/services/fetch.py nut` says why"


class Upsd:
    """upsd and one UPS called `ups` that says these variables."""

    host = HOST

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.port = free_port()
        self._folder, self._variables = folder, variables
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        lines = [f"{name}: {value}" for name, value in variables.items()]
        (folder / "ups.dev").write_text("\n".join([*lines, ""]))
        (folder / "ups.conf").write_text(f"[ups]\n driver = dummy-ups\n port = {folder}/ups.dev\n")
        (folder / "upsd.conf").write_text(f"LISTEN {HOST} {self.port}\nMAXAGE 15\n")
        (folder / "upsd.users").write_text("")
        (folder / "nut.conf").write_text("MODE=standalone\n")
        for path in folder.iterdir():
            path.chmod(0o600)
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start both, and return when upsd has all from the driver."""
        program, folder = unpacked.program("nut", "upsd"), _folder()
        if program is None or folder is None:
            raise RuntimeError(absent())
        self._run(folder / "dummy-ups", program.environment, "-F", "-a", "ups", "-u", "root")
        self._run(folder / "upsd", program.environment, "-F", "-u", "root")
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._has_all():
            if any(p.poll() is not None for p in self._processes) or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"upsd does not answer:\n{self.log()}")
            time.sleep(0.02)

    def stop_driver(self) -> None:
        """End the driver alone: upsd goes on without it."""
        for process in self._processes[:1]:
            _end(process)

    def stop(self) -> None:
        """End both."""
        for process in reversed(self._processes):
            _end(process)
        self._processes.clear()

    def log(self) -> str:
        """All that both said."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def _run(self, path: Path, environment: Mapping[str, str], *options: str) -> None:
        own = {f"NUT_{name}": str(self._folder) for name in ("CONFPATH", "STATEPATH", "ALTPIDPATH")}
        with (self._folder / "log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [path, *options],
                    env={**environment, **own},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            )

    def _has_all(self) -> bool:
        listed = self._listed()
        return all(f" {name} ".encode() in listed for name in self._variables)

    def _listed(self) -> bytes:
        try:
            with create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"LIST VAR ups\nLOGOUT\n")
                return b"".join(iter(lambda: connection.recv(4096), b""))
        except OSError:
            return b""


def _folder() -> Path | None:
    # Debian's own upsd is a script that asks /etc whether it may start this one.
    program = unpacked.program("nut", "upsd")
    above = Path(program.path).parents if program is not None else ()
    found = [folder / "lib/nut" for folder in above]
    return next((folder for folder in found if (folder / "dummy-ups").exists()), None)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
