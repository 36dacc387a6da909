"""Real SNMP agents on loopback: snmpsim serves captures, each under its name as community."""

import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
# Below the range from which Linux serves outgoing connections, as in services.ports.
PORTS = range(20_000, 32_000)
DEADLINE_S = 60.0
USER, PHRASE, PRIVATE = "reader", "watched over", "kept to oneself"

# snmpsim asks pysmi for its version alone, and does not depend on it; and as root it insists on
# becoming somebody who may not read a test's folder.
_PROGRAM = """
import contextlib, sys, types
sys.modules.setdefault("pysmi", types.ModuleType("pysmi")).__version__ = "none"
from snmpsim import daemon
daemon.PrivilegesOf = lambda *names, **more: contextlib.nullcontext()
from snmpsim.commands import responder
sys.exit(responder.main())
"""


def recording(values: Mapping[str, tuple[str, object]]) -> str:
    """A recording as snmpsim reads it, from {OID: (ASN.1 tag, value)}."""
    ordered = sorted(values, key=lambda oid: tuple(map(int, oid.split("."))))
    return "".join(f"{oid}|{values[oid][0]}|{values[oid][1]}\n" for oid in ordered)


@dataclass
class Agents:
    """snmpsim in a process of its own; `recordings` are texts or files by community.

    `v3` is its (authentication, privacy) for the user `reader`.
    """

    recordings: Mapping[str, str | Path]
    v3: tuple[str, str] = ("SHA", "AES")
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="snmpsim-"))
        data = self.folder / "data"
        data.mkdir()
        for name, recording in self.recordings.items():
            text = recording.read_bytes() if isinstance(recording, Path) else recording.encode()
            (data / f"{name}.snmprec").write_bytes(text)
        self.start()
        return self

    def start(self) -> None:
        """Start, or start again where it listened before."""
        again = self.port
        until = time.monotonic() + DEADLINE_S
        while True:
            self.port = again or free_udp_port()
            if self._listens(until):
                return
            self.stop()
            assert time.monotonic() < until, (self.folder / "log").read_text("utf-8")

    def stop(self) -> None:
        """End the process; the recordings stay."""
        self.process.kill()
        self.process.wait()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listens(self, until: float) -> bool:
        log = self.folder / "log"
        authentication, privacy = self.v3
        keys = ["--v3-user", USER]
        if authentication != "NONE":
            keys += ["--v3-auth-proto", authentication, "--v3-auth-key", PHRASE]
        if privacy != "NONE":
            keys += ["--v3-priv-proto", privacy, "--v3-priv-key", PRIVATE]
        command = [
            *("--cache-dir", str(self.folder / "cache")),
            *("--logging-method", "stderr", "--log-level", "info"),
            *keys,
            *("--data-dir", str(self.folder / "data")),
            *("--agent-udpv4-endpoint", f"{HOST}:{self.port}"),
        ]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, *command], stdout=errors, stderr=errors
            )
        while time.monotonic() < until:
            # It says so before it does.
            if b"Listening at" in log.read_bytes() and not free(self.port):
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return False


def free_udp_port() -> int:
    """A UDP port of loopback on which nothing listens now."""
    for port in random.sample(PORTS, 100):
        if free(port):
            return port
    raise RuntimeError(f"no free UDP port found on {HOST}")


def free(port: int) -> bool:
    """Whether nothing listens on this UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
