"""Series in SQLite: the default, with nothing to set up.

`series.db` holds the infrastructure's loads and days and how far every stream has come; people's
devices have a file per local month of their loads' ends. An append writes the months' files first
and `series.db` last: cut between the two, nothing was confirmed, the agent sends again, and what
the months already have is left as it is.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    Refused,
    StoredLoad,
    StreamMark,
    Touched,
)
from sobre_collector.store.aside import Aside
from sobre_collector.store.expiry import added, expire, expire_aside, keep_late
from sobre_collector.store.file import SeriesFile, first_tables, index_long_loads
from sobre_collector.store.narrow import NarrowReads
from sobre_collector.store.personal import Months, month_of
from sobre_collector.store.schema import Step
from sobre_collector.store.sorting import FORK, LATE, Sorted, sort
from sobre_collector.store.streams import Streams
from sobre_drivers.wire import MAX_SPAN_S


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


def _second_version(db: sqlite3.Connection) -> None:
    index_long_loads(db)
    # Late loads whose quarantine was dropped with its month.
    db.execute(
        "CREATE TABLE late (month TEXT PRIMARY KEY, loads INTEGER NOT NULL,"
        " energy_j INTEGER NOT NULL) STRICT"
    )


STEPS: tuple[Step, ...] = (_first_version, _second_version)


def nowhere(step: str) -> None:
    """Where a test would cut the power."""


class SqliteSeries:
    """The `Series` protocol on the files of one folder; safe for use from several threads.

    `zone` decides which month a load belongs to. Every method raises StoreError where the disk
    refuses, and works again when the disk does. `crash` is called between the steps of an append.
    With `readonly` nothing in the folder is made, migrated, dropped or written.
    """

    def __init__(
        self,
        folder: Path,
        create: bool = True,
        zone: ZoneInfo | None = None,
        crash: Callable[[str], None] = nowhere,
        readonly: bool = False,
    ) -> None:
        self._series = SeriesFile(folder / "series.db", STEPS, create, readonly)
        self._months = Months(folder, readonly)
        self._month = month_of(zone or ZoneInfo("Europe/Paris"))
        self._crash = crash
        self._lock = RLock()
        self._streams = Streams(self._series)
        self._healed = False
        self.narrow = NarrowReads(self._series, self._months, self._streams, self._month)
        with self._lock:
            self._streams.refresh()
            rows = self._series.rows("SELECT month FROM forgotten")
            self._forgotten = {month for (month,) in rows}
            self._aside = Aside(
                self._series, self._months, self._streams, self._month, self._forgotten
            )
            # Cut between forgetting a month and removing its file, the file is still there.
            for month in self._forgotten & set(self._months.names()):
                if not readonly:
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
            aside = self._aside.put([each for each in found.aside if each.personal])
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
            late = tuple(each for each in found.aside if each.reason == LATE)
            return Outcome(stored, len(arrivals) - stored - aside, aside, late)

    def quarantine(self, node: str, payload: bytes, reason: str, received: int) -> None:
        """Keep a payload that is no message, once for the same bytes of the same node."""
        self.refuse([Refused(node, payload, reason, received)])

    def refuse(self, payloads: Sequence[Refused]) -> None:
        """Keep payloads that are no messages, in one step for each month in which they came."""
        with self._lock:
            self._aside.refuse(payloads)

    def quarantined(self) -> Iterator[Quarantined]:
        """What may not count, oldest first."""
        return self._aside.rows()

    def readmit(
        self,
        key: Key,
        reason: str,
        personal: bool,
        bound_w: float | None = None,
        step_j: int = 0,
    ) -> int:
        """Let loads count that were quarantined for `reason`; how many they were.

        With a bound, those of a higher mean power (W) stay, for that reason; so do those of a
        month that was forgotten meanwhile.
        """
        with self._lock:
            self._begin()
            return self._aside.readmit(key, reason, personal, bound_w, step_j)

    def rule(self, arrivals: Sequence[Arrival]) -> int:
        """Let loads that are here count, or set them aside; how many stood otherwise before."""
        with self._lock:
            self._begin()
            return self._aside.rule(arrivals)

    def late(self) -> Mapping[str, tuple[int, int]]:
        """Number and energy (J) of the loads that are late, by the month of their end."""
        with self._lock:
            rows = self._series.rows("SELECT month, loads, energy_j FROM late")
            found = {month: (loads, energy_j) for month, loads, energy_j in rows}
            for file in self._aside.files():
                found = added(found, self._aside.late(file))
            return found

    def loads(self, start: int, end: int, key: Key | None = None) -> Iterator[StoredLoad]:
        """Loads whose span overlaps [start, end), by device and end.

        Loads lie by time: many devices are read far faster in one call than one by one.
        """
        first, last = self._month(max(start, 0) + 1), self._month(end + MAX_SPAN_S)
        files = [self._series, *(file for _, file in self._months.existing(first, last))]
        if key is not None and self._personal(key):
            del files[0]
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
            if not (infrastructure or settled):
                return
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
            late: dict[str, tuple[int, int]] = {}
            for _, file in self._months.existing(month, month):
                late = self._aside.late(file)
            with self._series.write() as db:
                sql = "INSERT OR IGNORE INTO forgotten VALUES (?)"
                if db.execute(sql, (month,)).rowcount:
                    keep_late(db, late)
            self._forgotten.add(month)
            self._months.drop(month)

    def expire(self, loads_before: int, days_before: str) -> int:
        """Drop loads and days of the infrastructure that are no longer kept; how many."""
        with self._lock:
            gone = self._aside.late(self._series, loads_before)
            with self._series.write() as db:
                keep_late(db, gone)
                count = expire_aside(db, loads_before)
        return count + expire(self._series, loads_before, days_before)

    def _personal(self, key: Key) -> bool:
        with self._lock:
            self._streams.refresh()
            family = self._streams.families.get(key, ())
            return bool(family) and all(self._streams.marks[ident].personal for ident in family)

    def _begin(self) -> None:
        self._streams.refresh()
        self._streams.number += 1
        if not self._healed:
            self._aside.drop_unconfirmed()
            self._healed = True

    def _append_month(self, month: str, arrivals: list[Arrival], found: Sorted) -> int:
        file = self._months.file(month)
        with file.write() as db:
            added = file.insert(db, arrivals)
        # An append that was cut after this file: what came then may be another content.
        if added < len(arrivals):
            found.held += arrivals
        return added

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
        return None if self._aside.reason(arrival) else arrival._replace(reason=FORK)
