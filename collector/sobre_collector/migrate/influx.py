"""The databases of an InfluxDB as a migration reads them."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from zoneinfo import ZoneInfo

from sobre_collector.migrate.side import FOR_EVER, Counts, Facts
from sobre_collector.rows import DayRow, Quarantined, StoredLoad
from sobre_collector.store.influx.aside import HERE, Aside
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.databases import Databases
from sobre_collector.store.influx.joined import joined
from sobre_collector.store.influx.marks import Known, Marks
from sobre_collector.store.influx.points import (
    DAY,
    LOADS,
    NS,
    TAGS,
    day_time,
    days_of,
    loads_of,
)
from sobre_collector.store.influx.series import InfluxSeries
from sobre_collector.store.influx.stored import Stored
from sobre_collector.store.mark import Mark
from sobre_collector.store.personal import month_of
from sobre_collector.store.sorting import LATE, Ident
from sobre_drivers.errors import StoreError

# What a migration writes, it writes under this name among those of the collectors.
WRITER = "sobre-migrate"
# A collector that was heard of this short ago may be at work still.
AT_WORK_S = 120
_AT_ONCE = 1_000
# The last second that a time stamp can tell.
_LAST_NS = 2**63 - 2


def heal(database: Database, prefix: str, zone: ZoneInfo) -> None:
    """Let a store undo what a cut forgetting left; StoreError if a collector writes to it."""
    with closing(InfluxSeries(database, WRITER, zone, prefix)) as series:
        series.rule([])
        writers = Marks(database, Databases(database, prefix).state, WRITER).writers()
    now = int(time.time())
    for by, writer in writers.items():
        if by != WRITER and now - AT_WORK_S < writer.at:
            raise StoreError(
                f"{by}: wrote to this store {max(0, now - writer.at)} s ago; stop every collector, "
                f"and wait {AT_WORK_S} s"
            )
        if by != WRITER and writer.done < writer.begun:
            raise StoreError(
                f"{by}: was cut while it stored; start it until agents have sent again, then stop "
                "it with SIGTERM"
            )


class InfluxSource:
    """The databases of one prefix, as they are."""

    _half = False

    def __init__(self, database: Database, prefix: str, zone: ZoneInfo) -> None:
        self.name = f"InfluxDB, {prefix}_*"
        self._database = database
        self._databases = Databases(database, prefix, self._half)
        self._stored = Stored(database)
        self._aside = Aside(database)
        self._marks = Marks(database, self._databases.state, WRITER)
        self._month = month_of(zone)
        self._databases.check()

    def places(self) -> list[str]:
        """What is kept for ever, then the months that were not forgotten."""
        forgotten = self._databases.forgotten()
        months = [month for month, _ in self._databases.months()]
        return [FOR_EVER, *(month for month in months if month not in forgotten)]

    def counts(self, place: str) -> Counts:
        """How much is there."""
        loads, days, aside = self._names(place)
        return Counts(
            self._count(loads, f'SELECT count("seq") FROM {LOADS}'),
            self._count(days, f'SELECT count("valid") FROM "{DAY}"'),
            self._count(aside, f'SELECT count("received") FROM "quarantine" WHERE "gone" = {HERE}'),
        )

    def next_end(self, place: str, since: int) -> int | None:
        """The end of the first load that ended at or after a Unix second."""
        statement = f'SELECT first("seq") FROM {LOADS} WHERE time >= {_ns(since)}'
        found = self._first(self._names(place)[0], statement)
        return None if found is None else found // NS

    def loads(self, place: str, since: int, before: int) -> Iterator[StoredLoad]:
        """Loads that ended in [since, before), by stream."""
        statement = (
            f"SELECT * FROM {LOADS} WHERE time >= {_ns(since)} AND time < {_ns(before)}"
            f" GROUP BY {TAGS}"
        )
        for group in self._database.query(self._names(place)[0], statement):
            yield from loads_of(group)

    def next_day(self, place: str, since: str) -> str | None:
        """The first day from an ISO date on."""
        statement = f'SELECT first("valid") FROM "{DAY}" WHERE time >= {_day_ns(since)}'
        found = self._first(self._names(place)[1], statement)
        if found is None:
            return None
        return time.strftime("%Y-%m-%d", time.gmtime(found // NS))

    def days(self, place: str, first: str, last: str) -> Iterator[DayRow]:
        """Days from `first` to `last`, by device."""
        statement = (
            f'SELECT * FROM "{DAY}" WHERE time >= {_day_ns(first)} AND time <= {_day_ns(last)}'
            ' GROUP BY "device", "node"'
        )
        for group in self._database.query(self._names(place)[1], statement):
            yield from days_of(group, place != FOR_EVER)

    def aside(self, place: str) -> Iterator[Quarantined]:
        """What may not count."""
        for row in self._aside.rows(self._names(place)[2], 0):
            yield row.row

    def marks(self) -> Iterator[tuple[Ident, Mark]]:
        """How far each stream has come for all collectors together, and what must be rebuilt."""
        found: defaultdict[Ident, list[Known]] = defaultdict(list)
        for known in self._marks.every():
            found[known.ident].append(known)
        for ident in sorted(found):
            yield ident, _together(found[ident])

    def facts(self) -> Facts:
        """What outlives the rows."""
        late = dict(self._databases.late())
        for place in self.places():
            name = self._names(place)[2]
            # Rows that expired are shown no more, and still count as late.
            for load in self._aside.late(name, LATE):
                _add(late, self._month(load.end), 1, load.energy_j)
            for row in self._aside.rows(name, 0):
                if row.row.reason == LATE and row.row.load is not None:
                    load = row.row.load
                    _add(late, self._month(load.end), -1, -load.energy_j)
        late = {month: figures for month, figures in late.items() if any(figures)}
        return Facts(frozenset(self._databases.forgotten()), late, self._databases.expired())

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def _names(self, place: str) -> tuple[str, str, str]:
        """The databases of a place's loads, days and quarantine."""
        if place:
            return (self._databases.name(place),) * 3
        return self._databases.loads, self._databases.days, self._databases.state

    def _count(self, name: str, statement: str) -> int:
        groups = self._database.query(name, statement)
        return sum(int(row["count"]) for group in groups for row in group.rows())

    def _first(self, name: str, statement: str) -> int | None:
        groups = self._database.query(name, statement)
        return min((int(row["time"]) for group in groups for row in group.rows()), default=None)


def _together(all_known: Sequence[Known]) -> Mark:
    mark = joined(known.mark for known in all_known)
    touched = [known.mark.touched for known in all_known if known.mark.touched]
    if touched:
        low, high, number = zip(*touched, strict=True)
        mark.touched = min(low), max(high), max(number)
    return mark


def _add(late: dict[str, tuple[int, int]], month: str, loads: int, energy_j: int) -> None:
    before = late.get(month, (0, 0))
    late[month] = before[0] + loads, before[1] + energy_j


def _ns(second: int) -> int:
    return min(second * NS, _LAST_NS)


def _day_ns(day: str) -> int:
    """The time stamp of a day, as far as there are time stamps (1677 to 2262)."""
    return max(-_LAST_NS, min(day_time(day), _LAST_NS))
