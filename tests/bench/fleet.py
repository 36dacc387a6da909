"""One simulated fleet for all that needs a store with months in it; made once a run."""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.figures import Run
from bench.processes import finished


@dataclass(frozen=True, slots=True)
class Fleet:
    """Its folder, what it holds, and what making it cost."""

    folder: Path
    devices: int
    years: int
    cpu_s: float
    wall_s: float

    @property
    def device_days(self) -> int:
        return self.devices * self.years * 365


@cache
def simulated(run: Run) -> Fleet:
    """`sobre simulate` as a process."""
    devices, years = (216, 2) if run.quick else (3_000, 3)
    folder = run.fresh("fleet")
    words = [sys.executable, "-m", "sobre_collector", "simulate", "--data", str(folder)]
    words += ["--devices", str(devices), "--start", f"{2026 - years}-01-01", "--end", "2025-12-31"]
    done = finished(words, within_s=900)
    return Fleet(folder, devices, years, done.cpu_s, done.wall_s)
