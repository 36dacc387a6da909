"""Wall clocks that are wrong, and machines that seem to have slept, for one process at a time."""

import shutil
from pathlib import Path

from services import unpacked

LIBRARY = "libfaketimeMT.so.1"


class NoClockError(Exception):
    """No such clock can be had here; the message says why."""


def wrong(said: str) -> dict[str, str]:
    """What a process must find in its environment to live at `-1h`, `+400d` or another moment.

    Its monotonic clocks stay as they are.
    """
    places = [unpacked.services()["faketime"].root, Path("/usr/lib")]
    library = next((found for place in places for found in place.rglob(LIBRARY)), None)
    if library is None:
        raise NoClockError("no faketime: `python3 tests/services/fetch.py faketime` says why")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": said,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


class WallClock:
    """The time of day of a plain agent, set while it runs; `file` is handed to `wrong_clock`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, ahead_s: float) -> None:
        """By how much (s) it is ahead of the true one."""
        # Replaced as a whole: the process reads it at any moment.
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(ahead_s))
        fresh.replace(self.file)


def slept(seconds: int) -> list[str]:
    """Words before a command that let it find a boot clock so many seconds ahead of monotonic."""
    program = shutil.which("unshare")
    if program is None or not Path("/proc/self/ns/time").exists():
        raise NoClockError("no `unshare --time` here")
    return [program, "--time", "--boottime", str(seconds)]
