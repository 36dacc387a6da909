"""The demonstration PDU as a real process, and the truth that it keeps."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def start(folder: Path, *options: str) -> RackPdu:
    """Start one on a free port, with its files in `folder`."""
    truth, state = folder / "rack-truth.json", folder / "rack-state.json"
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
    return RackPdu(int(said.group(1)), process, truth, state)
