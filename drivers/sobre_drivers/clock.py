"""The one place that asks the system what time it is; tests hand in their own."""

import sys
import time
from typing import Protocol

from sobre_drivers.sample import Instant

# 1 January 2024: nobody's clock is right well before this software was written. One that lost its
# battery says 1970, 2000 or the year in which its board was made.
WRITTEN_S = 1_704_067_200
# The clock that runs on in sleep: Linux' own, and what macOS calls monotonic.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)
if sys.platform == "darwin":
    _BOOTTIME = time.CLOCK_MONOTONIC
# Whether `boot_s` goes on in sleep, so that another's clock can be told from it later: by one of
# these clocks, and by Windows' tick count, which Python asks there.
COUNTS_SLEEP = _BOOTTIME is not None or sys.platform == "win32"


class Clock(Protocol):
    """What time it is, and a way to wait that a test can shorten."""

    def now(self) -> Instant: ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        """Wall, monotonic and boot time of one moment."""
        return Instant(time.time(), awake_s(), boot_s())


def awake_s(platform: str = sys.platform) -> float:
    """Seconds that the machine was awake, from an arbitrary zero."""
    if platform == "win32":
        # Python's own clock runs on in sleep there (GetTickCount64).
        from sobre_drivers.pc import windows

        return windows.awake_s(windows.system())
    return time.monotonic()


def boot_s() -> float:
    """Seconds since the machine started, those asleep among them where that can be told."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
