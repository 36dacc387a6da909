"""How long the annual report takes from nothing, beside Python that only imports for it."""

import os
import sys
from pathlib import Path

from bench.figures import Figure, Run, in_turn
from bench.processes import compiled, finished
from bench.strata import YEARS, written

TITLE = "The annual report"

# What a report on SQLite with a command line needs at least.
LEAST = "import argparse, json, logging, sqlite3, tomllib, zoneinfo"


def measure(run: Run) -> list[Figure]:
    folder = run.fresh("strata")
    strata_n = written(folder)
    compiled()
    words = [sys.executable, "-m", "sobre_collector", "report", "--data", str(folder), "--json"]

    def ours_s() -> float:
        _forget_pages(folder)
        return finished(words).wall_s

    def least_s() -> float:
        return finished([sys.executable, "-c", LEAST]).wall_s

    values = in_turn(2 * run.repeats + 1, ours_s, least_s)
    what = f"`sobre report --json`, {YEARS} years × {strata_n} strata, every section, cold"
    return [Figure(what, "s", values[0], "Python that imports", values[1], "≤ 2")]


def _forget_pages(folder: Path) -> None:
    """Let the system forget what it has read of these files, as after a reboot."""
    for path in folder.rglob("*.db"):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)
