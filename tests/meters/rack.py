"""The demonstration PDU as a real process, and the truth that it keeps."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "demo" / "rack_pdu.py"
HOST = "127.0.0.1"


@dataclass
class RackPdu:
    """A running rack PDU; `stop` ends it cleanly and gives its truth."""

    port: int
    process: subprocess.Popen[str]
    truth_file: Path
    state_file: Path
    host: str = HOST

    def stop(self) -> dict[str, Any]:
        """End it as systemd would; what each outlet used, by name (see `Rack.truth`)."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, said
        made: dict[str, Any] = json.loads(self.truth_file.read_text(encoding="utf-8"))
        return made


@pytest.fixture
def start_rack_pdu(tmp_path: Path) -> Iterator[Callable[..., RackPdu]]:
    """Start a rack PDU on a free port: `start_rack_pdu("--seed", "3")`; it ends with the test."""
    started: list[RackPdu] = []

    def start(*options: str) -> RackPdu:
        truth, state = tmp_path / "rack-truth.json", tmp_path / "rack-state.json"
        files = ["--truth", str(truth), "--state", str(state)]
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), "--host", HOST, "--port", "0", *files, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = re.search(r":(\d+)$", process.stdout.readline().strip())
        if said is None:
            process.kill()
            raise AssertionError(process.communicate()[1])
        started.append(RackPdu(int(said.group(1)), process, truth, state))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()


@pytest.fixture
def rack_pdu(start_rack_pdu: Callable[..., RackPdu]) -> RackPdu:
    """A running rack PDU of eight outlets."""
    return start_rack_pdu()
