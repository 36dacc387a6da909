"""The one place that asks the system what time it is; tests hand in their own."""

import time
from typing import Protocol

from sobre_drivers.sample import Instant

# Linux alone tells the time asleep apart; elsewhere sleep is wall time without monotonic time.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """What time it is, and a way to wait that a test can shorten."""

    def now(self) -> Instant: ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        """Wall, monotonic and boot time of one moment."""
        mono_s = time.monotonic()
        boot_s = mono_s if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
        return Instant(time.time(), mono_s, boot_s)
