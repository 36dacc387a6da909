"""The machine that figures come from, and how busy others kept it meanwhile."""

import os
import platform
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

# Above this part of the machine's processors, a measurement counts as disturbed.
DISTURBED_RATIO = 0.1


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader needs to judge the figures, and nothing that names the machine."""

    cores: int
    model: str
    system: str
    python: str
    sqlite: str
    day: str

    def __str__(self) -> str:
        return (
            f"{self.day}, {self.cores} × {self.model}, {self.system}, Python {self.python}, "
            f"SQLite {self.sqlite}"
        )


def this_machine() -> Machine:
    """The one that this runs on."""
    return Machine(
        os.cpu_count() or 1,
        _model(),
        f"{platform.system()} {platform.machine()}",
        platform.python_version(),
        sqlite3.sqlite_version,
        datetime.now(UTC).date().isoformat(),
    )


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


class Others:
    """Tells how much of the machine was used by programs that are not ours."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()
        self._busy_s, self._ours_s = _busy_s(), _ours_s()

    @property
    def ratio(self) -> float:
        """Part of all processor time since the beginning (0–1) that others used."""
        elapsed_s = (time.monotonic() - self._begun_s) * (os.cpu_count() or 1)
        others_s = (_busy_s() - self._busy_s) - (_ours_s() - self._ours_s)
        return min(1.0, max(0.0, others_s / elapsed_s)) if elapsed_s else 0.0


def _busy_s() -> float:
    times = psutil.cpu_times()
    # Time stolen by the host is somebody else's too.
    names = ("user", "nice", "system", "irq", "softirq", "steal")
    return float(sum(getattr(times, name, 0.0) for name in names))


def _ours_s() -> float:
    """This process, those it started, and those that these waited for."""
    total_s = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        children_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        total_s += times.user + times.system + children_s
    return total_s
