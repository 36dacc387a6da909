"""A real InfluxDB 1.x on loopback that tests start, stop, kill and start again."""

import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from services import unpacked
from services.ports import HOST, free_port

READY_WITHIN_S = 40
STOP_WITHIN_S = 20
# Nothing is sent outside, nothing listens beyond loopback, and no statistics fill the disk.
CONFIGURATION = """
reporting-disabled = true
bind-address = "{host}:{backup_port}"

[meta]
dir = "{folder}/meta"

[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
index-version = "tsi1"
query-log-enabled = false

[monitor]
store-enabled = false

[http]
bind-address = "{host}:{port}"
auth-enabled = {auth}
log-enabled = false
"""
WITH_TLS = """
https-enabled = true
https-certificate = "{certificate}"
"""


def absent() -> str | None:
    """Why there is no InfluxDB here; None where there is one."""
    if unpacked.program("influxdb", "influxd"):
        return None
    return "no InfluxDB: `python3 tests/services/fetch.py influxdb` says why"


class InfluxDB:
    """An influxd whose data survives `stop`, `kill` and `start` in `folder`."""

    def __init__(self, folder: Path, auth: bool = False, certificate: Path | None = None) -> None:
        """`certificate`: a file with its private key, by which it speaks TLS."""
        self.port = free_port()
        self.folder = folder
        self.url = f"http{'s' if certificate else ''}://{HOST}:{self.port}"
        self.log_path = folder / "influxd.log"
        self._conf = folder / "influxdb.conf"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        values = {"host": HOST, "port": self.port, "folder": folder, "auth": str(auth).lower()}
        more = WITH_TLS.format(certificate=certificate) if certificate else ""
        text = CONFIGURATION.format(backup_port=free_port(), **values)
        self._conf.write_text(text + more)

    def start(self) -> None:
        """Start, and return when it answers; RuntimeError with the log if it does not."""
        program = unpacked.program("influxdb", "influxd")
        if program is None:
            raise RuntimeError(absent())
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [program.path, "run", "-config", str(self._conf)],
                env={**program.environment, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"influxd does not answer:\n{self.log_path.read_text()[-4000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it as an administrator would."""
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

    def query(self, statement: str) -> list[dict[str, object]]:
        """What it answers to a person's InfluxQL, past the program under test."""
        body = urllib.parse.urlencode({"q": statement, "epoch": "ns"}).encode()
        with urllib.request.urlopen(f"{self.url}/query", body, timeout=10) as answer:
            return list(json.load(answer)["results"])

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1):
                return True
        except OSError:
            return False
