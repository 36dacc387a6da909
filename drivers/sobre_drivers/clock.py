"""The one place that asks the system what time it is; tests hand in their own."""

import sys
import time
from typing import Protocol

from sobre_drivers.sample import Instant

# 1 January 2026: nobody's clock is right before the year in which this software was written.
WRITTEN_S = 1_767_225_600
# Linux alone tells the time asleep apart; elsewhere sleep is wall time without monotonic time.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)
# Whether `boot_s` goes on in sleep, so that another's clock can be told from it later: by Linux's
# boot clock, and by Windows' tick count; macOS stops the clock that Python asks.
COUNTS_SLEEP = _BOOTTIME is not None or sys.platform == "win32"


class Clock(Protocol):
    """What time it is, and a way to wait that a test can shorten."""

    def now(self) -> Instant: ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        """Wall, monotonic and boot time of one moment."""
        return Instant(time.time(), time.monotonic(), boot_s())


def boot_s() -> float:
    """Seconds since the machine started, those asleep among them where that can be told."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
