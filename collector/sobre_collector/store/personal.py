"""Files of people's devices, one per local month: forgetting a month is removing its file.

A DELETE would leave names behind in a file's free pages, in its WAL and in its index; a file that
is gone holds nothing.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import RLock
from zoneinfo import ZoneInfo

from sobre_collector.store.file import SeriesFile, first_tables, index_long_loads
from sobre_collector.store.schema import Step
from sobre_drivers.calendar import local_day
from sobre_drivers.errors import StoreError

STEPS: tuple[Step, ...] = (first_tables, index_long_loads)

MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
# Months change on a quarter of an hour of UTC in every time zone in use.
_QUARTER_S = 900
# The end of the year 9998, beyond which no date is: what claims more is of that month too.
_LAST = 253_370_764_799


def month_of(zone: ZoneInfo) -> Callable[[int], str]:
    """The local month ("2026-11") of a span by its end: a span to midnight is of the month before.

    The answers of one quarter of an hour are the same, and kept.
    """
    known: dict[int, str] = {}

    def month(end: int) -> str:
        quarter = min(end - 1, _LAST) // _QUARTER_S
        found = known.get(quarter)
        if found is None:
            if len(known) > 10_000:
                known.clear()
            found = known[quarter] = local_day(quarter * _QUARTER_S, zone).isoformat()[:7]
        return found

    return month


class Months:
    """The month files of a folder, opened as they are needed."""

    def __init__(self, folder: Path, readonly: bool = False) -> None:
        self._folder = folder
        self._readonly = readonly
        self._open: dict[str, SeriesFile] = {}
        self._lock = RLock()

    def path(self, month: str) -> Path:
        """Where the file of a month lies."""
        if MONTH.fullmatch(month) is None:
            raise StoreError(f"month {month!r}: not of the form 2026-11")
        return self._folder / f"workstations-{month}.db"

    def names(self) -> list[str]:
        """Months that have a file, in order."""
        found = (path.name[13:-3] for path in self._folder.glob("workstations-*.db"))
        return sorted(name for name in found if MONTH.fullmatch(name))

    def file(self, month: str, create: bool = True) -> SeriesFile:
        """The file of a month, made if it is not there (StoreError if it may not be)."""
        with self._lock:
            found = self._open.get(month)
            if found is None:
                found = self._open[month] = SeriesFile(
                    self.path(month), STEPS, create, self._readonly
                )
            return found

    def existing(self, first: str = "", last: str = "9999-12") -> Iterator[tuple[str, SeriesFile]]:
        """(month, file) of the months from `first` to `last` that have one."""
        for month in self.names():
            if first <= month <= last:
                yield month, self.file(month, create=False)

    def drop(self, month: str) -> None:
        """Remove the file of a month with all that belongs to it."""
        with self._lock:
            path = self.path(month)
            opened = self._open.pop(month, None)
            if opened is not None:
                opened.close()
            try:
                for ending in ("", "-wal", "-shm", "-journal"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(
                    f"{path}: cannot be removed ({error.strerror}); "
                    "let the collector's user write to its folder"
                ) from error

    def close(self) -> None:
        """Give all files back."""
        with self._lock:
            for opened in self._open.values():
                opened.close()
            self._open.clear()
