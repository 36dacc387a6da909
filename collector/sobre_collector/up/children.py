"""Processes under one roof: started in order, restarted when they fall, stopped in reverse."""

import ctypes
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger(__name__)

# A child that keeps falling is started again after 1, 2, 4 … s, at most this many.
RESTART_MAX_S = 60.0
# A child that ran so long had started well.
STEADY_S = 60.0
STOP_S = 20.0
# Exit code of a wrong configuration: starting again cannot help.
CONFIGURATION = 2

_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Child:
    """One process: its command, and where what it prints goes."""

    name: str
    command: Sequence[str]
    log_path: Path
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    falls: int = 0
    again_s: float = 0.0
    given_up: bool = False

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches only its parent."""
        with self.log_path.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )
        self.started_s = time.monotonic()

    def last_words(self) -> str:
        """The last line that it printed."""
        lines = self.log_path.read_text("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "no word"


@dataclass(slots=True)
class Children:
    """The processes of one `sobre up`."""

    all: list[Child] = field(default_factory=list)

    def start(self, child: Child) -> None:
        """Start one more."""
        child.start()
        self.all.append(child)

    def tend(self) -> list[Child]:
        """Restart what fell; the children for which that is no use any more."""
        now_s = time.monotonic()
        for child in self.all:
            if child.given_up or child.process is None:
                continue
            code = child.process.poll()
            if code is None:
                if child.falls and now_s - child.started_s > STEADY_S:
                    child.falls = 0
                continue
            if code == CONFIGURATION:
                child.given_up = True
            elif child.again_s == 0.0:
                child.again_s = now_s + min(2.0**child.falls, RESTART_MAX_S)
                child.falls += 1
                log.warning("%s ended (code %s): %s", child.name, code, child.last_words())
            elif now_s >= child.again_s:
                child.again_s = 0.0
                child.start()
                log.info("%s started again", child.name)
        return [child for child in self.all if child.given_up]

    def stop(self) -> None:
        """End all, last started first; who does not within 20 s is killed."""
        for child in reversed(self.all):
            process = child.process
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                log.warning("%s did not stop within %.0f s: killed", child.name, STOP_S)
                process.kill()
                process.wait()


def _end_with_parent() -> None:
    # Were the parent killed, its children would go on unseen and hold the ports.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
