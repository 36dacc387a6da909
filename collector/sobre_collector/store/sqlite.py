"""Series in SQLite: the default, with nothing to set up.

`series.db` holds the infrastructure's loads and days and how far every stream has come; people's
devices have a file per local month of their loads' ends. An append writes the months' files first
and `series.db` last: cut between the two, nothing was confirmed, the agent sends again, and what
the months already have is left as it is.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from pathlib import Path
from threading import RLock
from zoneinfo import ZoneInfo

from sobre_collector.rows import (
    Arrival,
    DayRow,
    Key,
    Outcome,
    Quarantined,
    StoredLoad,
    StreamMark,
    Touched,
)
from sobre_collector.store.file import SeriesFile, first_tables
from sobre_collector.store.mark import Mark, Place
from sobre_collector.store.personal import Months, month_of
from sobre_collector.store.schema import Step
from sobre_collector.store.sorting import FORK, Ident, Sorted, sort
from sobre_collector.store.streams import Streams
from sobre_drivers.wire import MAX_SPAN_S

# Numbers of quarantined rows: those of a month's file follow its year and month.
_NUMBERS_PER_MONTH = 1_000_000_000


def _first_version(db: sqlite3.Connection) -> None:
    first_tables(db)
    for statement in (
        "CREATE TABLE marks (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
        " register_j INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,"
        " personal INTEGER NOT NULL, holes TEXT, touched_start INTEGER, touched_end INTEGER,"
        " touched_number INTEGER) STRICT",
        "CREATE TABLE forgotten (month TEXT PRIMARY KEY) STRICT",
    ):
        db.execute(statement)


STEPS: tuple[Step, ...] = (_first_version,)


def nowhere(step: str) -> None:
    """Where a test would cut the power."""


class SqliteSeries:
    """The `Series` protocol on the files of one folder; safe for use from several threads.

    `zone` decides which month a load belongs to. Every method raises StoreError where the disk
    refuses, and works again when the disk does. `crash` is called between the steps of an append.
    """

    def __init__(
        self,
        folder: Path,
        create: bool = True,
        zone: ZoneInfo | None = None,
        crash: Callable[[str], None] = nowhere,
    ) -> None:
        self._series = SeriesFile(folder / "series.db", STEPS, create)
        self._months = Months(folder)
        self._month = month_of(zone or ZoneInfo("Europe/Paris"))
        self._crash = crash
        self._lock = RLock()
        self._streams = Streams(self._series)
        self._healed = False
        with self._lock:
            self._streams.refresh()
            rows = self._series.rows("SELECT month FROM forgotten")
            self._forgotten = {month for (month,) in rows}
            # Cut between forgetting a month and removing its file, the file is still there.
            for month in self._forgotten & set(self._months.names()):
                self._months.drop(month)

    def close(self) -> None:
        """Give the files back."""
        with self._lock:
            self._months.close()
            self._series.close()

    def append(self, arrivals: Sequence[Arrival]) -> Outcome:
        """Store loads once; durable when this returns, nothing confirmed if it raises."""
        with self._lock:
            self._begin()
            found = sort(
                arrivals,
                self._streams.marks,
                self._streams.families,
                self._month,
                self._forgotten,
                self._streams.number,
            )
            stored = 0
            for month, ours in found.personal.items():
                stored += self._append_month(month, ours, found)
            held = [arrival for arrival in found.held if arrival.personal]
            found.aside += filter(None, map(self._forked, held))
            aside = self._set_aside([each for each in found.aside if each.personal])
            self._crash("between-files")
            with self._series.write() as db:
                added = self._series.insert(db, found.infrastructure)
                if added < len(found.infrastructure):
                    found.held += found.infrastructure
                stored += added
                held = [arrival for arrival in found.held if not arrival.personal]
                found.aside += filter(None, map(self._forked, held))
                ours = [each for each in found.aside if not each.personal]
                aside += self._series.set_aside(db, ours)
                self._streams.put(db, found.marks)
                self._crash("before-commit")
            self._streams.keep(found.marks)
            self._crash("after-commit")
            return Outcome(stored, len(arrivals) - stored - aside, aside)

    def quarantine(self, node: str, payload: bytes, reason: str, received: int) -> None:
        """Keep a payload that is no message; it may name a PC, so it is forgotten like one."""
        with self._lock:
            file = self._months.file(self._month(received))
            file.set_payload_aside(node, payload, reason, received)

    def quarantined(self) -> Iterator[Quarantined]:
        """What may not count, oldest first."""
        parts = [self._series.quarantined()]
        for month, file in self._months.existing():
            parts.append(file.quarantined(int(month.replace("-", "")) * _NUMBERS_PER_MONTH))
        return merge(*parts, key=lambda row: row.received)

    def readmit(self, key: Key, reason: str, personal: bool, bound_w: float | None = None) -> int:
        """Let loads count that were quarantined for `reason`; how many they were.

        With a bound, those of a higher mean power (W) stay, for that reason; so do those of a
        month that was forgotten meanwhile.
        """
        with self._lock:
            self._begin()
            files = [self._series, *(file for _, file in self._months.existing())]
            where, values = "(node, device, reason) = (?, ?, ?)", (*key, reason)
            moved: list[Arrival] = []
            marks: dict[Ident, Mark] = {}
            for row in (row for file in files for row in file.quarantined(0, where, values)):
                load, stream = row.load, row.stream
                if load is None or stream is None:
                    continue
                if bound_w is not None and load.energy_j > bound_w * load.span_s:
                    continue
                if personal and self._month(load.end) in self._forgotten:
                    continue
                moved.append(Arrival(key.node, stream, load, personal, row.received))
                ident = (key.node, key.device, stream)
                mark = marks.setdefault(ident, self._streams.marks[ident].copy())
                mark.personal = personal
                mark.count(load.start, load.end, self._streams.number)
            count = self._readmit(moved, marks)
            for file in reversed(files):
                with file.write() as db:
                    file.remove_aside(db, moved)
            return count

    def loads(self, start: int, end: int, key: Key | None = None) -> Iterator[StoredLoad]:
        """Loads whose span overlaps [start, end), by device and end.

        Loads lie by time: many devices are read far faster in one call than one by one.
        """
        first, last = self._month(max(start, 0) + 1), self._month(end + MAX_SPAN_S)
        files = [self._series, *(file for _, file in self._months.existing(first, last))]
        parts = [file.loads(start, end, key) for file in files]
        return merge(*parts, key=lambda row: (row.node, row.load.device, row.load.end))

    def marks(self) -> Iterator[StreamMark]:
        """How far each stream has come."""
        with self._lock:
            self._streams.refresh()
            return iter(self._streams.shown())

    def touched(self, limit: int = 10_000) -> Sequence[Touched]:
        """Devices whose days must be rebuilt, the longest waiting first."""
        with self._lock:
            self._streams.refresh()
            return self._streams.touched(limit)

    def put_days(self, rows: Iterable[DayRow], done: Iterable[Touched]) -> None:
        """Replace days and forget what was touched; a touch since `touched` was read stays."""
        with self._lock:
            self._streams.refresh()
            infrastructure: list[DayRow] = []
            months: dict[str, list[DayRow]] = {}
            for row in rows:
                (months.setdefault(row.day[:7], []) if row.personal else infrastructure).append(row)
            for month in months.keys() - self._forgotten:
                file = self._months.file(month)
                with file.write() as db:
                    file.put_days(db, months[month])
            settled = self._streams.settled(done)
            with self._series.write() as db:
                self._series.put_days(db, infrastructure)
                self._streams.put(db, settled)
            self._streams.keep(settled)

    def days(self, first: str, last: str, key: Key | None = None) -> Iterator[DayRow]:
        """Days from `first` to `last`, by device and day."""
        parts = [self._series.days(first, last, key, personal=False)]
        for _, file in self._months.existing(first[:7], last[:7]):
            parts.append(file.days(first, last, key, personal=True))
        return merge(*parts, key=lambda row: (row.key, row.day))

    def forget(self, month: str) -> None:
        """Remove the file of a month; what still comes for it is late."""
        with self._lock:
            self._months.path(month)
            with self._series.write() as db:
                db.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", (month,))
            self._forgotten.add(month)
            self._months.drop(month)

    def _begin(self) -> None:
        self._streams.refresh()
        self._streams.number += 1
        if self._healed:
            return
        # What an append that was cut set aside in a month's file was never confirmed. It comes
        # again, and may count then.
        for _, file in self._months.existing():
            rows = [row for row in file.quarantined() if self._unconfirmed(row)]
            if rows:
                with file.write() as db:
                    file.remove_rows(db, [row.number for row in rows])
        self._healed = True

    def _unconfirmed(self, row: Quarantined) -> bool:
        if row.load is None or row.stream is None:
            return False
        mark = self._streams.marks.get((row.node, row.load.device, row.stream), Mark())
        return mark.place(row.load.seq - row.load.replaces + 1, row.load.seq) is Place.NEW

    def _append_month(self, month: str, arrivals: list[Arrival], found: Sorted) -> int:
        file = self._months.file(month)
        with file.write() as db:
            added = file.insert(db, arrivals)
        # An append that was cut after this file: what came then may be another content.
        if added < len(arrivals):
            found.held += arrivals
        return added

    def _readmit(self, moved: list[Arrival], marks: dict[Ident, Mark]) -> int:
        months: dict[str, list[Arrival]] = {}
        for arrival in moved:
            if arrival.personal:
                months.setdefault(self._month(arrival.load.end), []).append(arrival)
        count = 0
        for month, ours in months.items():
            file = self._months.file(month)
            with file.write() as db:
                count += file.insert(db, ours)
        with self._series.write() as db:
            count += self._series.insert(db, [each for each in moved if not each.personal])
            self._streams.put(db, marks)
        self._streams.keep(marks)
        return count

    def _forked(self, arrival: Arrival) -> Arrival | None:
        """The arrival as a fork; None if it repeats what is stored, quarantined or forgotten."""
        file: SeriesFile | None = self._series
        if arrival.personal:
            month = self._month(arrival.load.end)
            if month in self._forgotten:
                return None
            file = self._months.file(month) if self._months.path(month).exists() else None
        if file is not None and file.held(arrival) == arrival.load:
            return None
        if any(each.holds_aside(arrival) for _, each in self._months.existing()):
            return None
        if self._series.holds_aside(arrival):
            return None
        return arrival._replace(reason=FORK)

    def _set_aside(self, arrivals: list[Arrival]) -> int:
        months: dict[str, list[Arrival]] = {}
        for arrival in arrivals:
            months.setdefault(self._month(arrival.received), []).append(arrival)
        count = 0
        for month, ours in months.items():
            file = self._months.file(month)
            with file.write() as db:
                count += file.set_aside(db, ours)
        return count
