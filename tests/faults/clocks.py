"""Wall clocks that are wrong, and machines that seem to have slept, for one process at a time."""

import shutil
from pathlib import Path

from services import unpacked

LIBRARY = "libfaketimeMT.so.1"


class NoClockError(Exception):
    """No such clock can be had here; the message says why."""


class WallClock:
    """What a process sees as the time of day, set from outside while it runs.

    `environment` is what it must be started with. Its monotonic clocks stay as they are.
    """

    def __init__(self, folder: Path, said: str = "+0") -> None:
        root = unpacked.services()["faketime"].root
        places = [root, Path("/usr/lib")]
        library = next((found for place in places for found in place.rglob(LIBRARY)), None)
        if library is None:
            raise NoClockError("no faketime: `python3 tests/services/fetch.py faketime` says why")
        self._file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        self.set(said)

    def set(self, said: str) -> None:
        """`-1h`, `+400d`, or a moment: `1970-01-02 00:00:00`."""
        # Replaced as a whole: the process reads it at any moment.
        fresh = self._file.with_suffix(".new")
        fresh.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(f"{said}\n")
        fresh.replace(self._file)


def slept(seconds: int) -> list[str]:
    """Words before a command that let it find a boot clock so many seconds ahead of monotonic."""
    program = shutil.which("unshare")
    if program is None or not Path("/proc/self/ns/time").exists():
        raise NoClockError("no `unshare --time` here")
    return [program, "--time", "--boottime", str(seconds)]
