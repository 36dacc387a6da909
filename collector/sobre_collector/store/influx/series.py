"""Series in InfluxDB: for a fleet, and for several collectors on one store.

`PREFIX_loads` and `PREFIX_days` hold the infrastructure's loads and days, `PREFIX_state` the marks
of all streams and the quarantine; people's devices have a database per local month, dropped whole.
There are no transactions. An append writes marks, loads and quarantine in this order and is
confirmed after the last; cut in between, the agent sends again, and what its mark knows is compared
with what is stored.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
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
from sobre_collector.store.influx import rulings
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.desk import Desk
from sobre_collector.store.influx.points import wraps
from sobre_collector.store.influx.rivals import Rivals
from sobre_collector.store.influx.touches import Touches
from sobre_collector.store.mark import Mark, Place
from sobre_collector.store.sorting import LATE, Ident, Sorted, sort
from sobre_drivers.wire import MAX_SPAN_S

# How long an append waits for another collector that stores the same: a write takes a tenth of it.
# Whoever waits for one that was killed keeps all others waiting.
PATIENCE_S = 3.0


def nowhere(step: str) -> None:
    """Where a test would cut the power."""


class InfluxSeries:
    """The `Series` protocol on an InfluxDB; safe for use from several threads.

    `by` is this collector's name among those that write to the same store: no two may have the
    same. `zone` decides which month a load belongs to. Nothing is asked of the database before the
    first call, so that a collector starts while it is away. `crash` is called between the steps of
    an append, `patience_s` bounds how long one waits for another collector that stores the same.
    """

    def __init__(
        self,
        database: Database,
        by: str,
        zone: ZoneInfo | None = None,
        prefix: str = "sobre",
        crash: Callable[[str], None] = nowhere,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._desk = Desk(database, by, zone or ZoneInfo("Europe/Paris"), prefix)
        self._touches = Touches(self._desk.marks)
        self._patience_s = patience_s
        self._crash = crash
        self._lock = RLock()

    def close(self) -> None:
        """Give the connections back."""
        self._desk.database.close()

    def append(self, arrivals: Sequence[Arrival]) -> Outcome:
        """Store loads once; stored when this returns, nothing confirmed if it raises."""
        if not arrivals:
            return Outcome()
        desk = self._desk
        with self._lock, desk.retold():
            desk.begin({arrival.node for arrival in arrivals})
            fit, unfit = desk.fitting(arrivals)
            found = self._sort(fit, desk.marks.marks, desk.marks.families)
            forks = self._place_held(found)
            # First: of a forgotten month, what was seen cannot be told from what was cut off.
            late = [each for each in found.aside if each.reason == LATE]
            new = desk.set_aside(late, _moment)
            desk.marks.put(found.marks)
            self._crash("marked")
            forks += self._yield(found)
            self._crash("yielded")
            stored, refused = desk.write(found)
            self._crash("stored")
            aside = [each for each in found.aside if each.reason != LATE]
            new += desk.set_aside([*unfit, *aside, *forks, *refused], _moment)
            self._crash("set-aside")
            desk.marks.done()
        told = tuple(each for each in new if each.reason == LATE)
        return Outcome(stored, len(arrivals) - stored - len(new), len(new), told)

    def quarantine(self, node: str, payload: bytes, reason: str, received: int) -> None:
        """Keep a payload that is no message, once for the same bytes of the same node."""
        self.refuse([Refused(node, payload, reason, received)])

    def refuse(self, payloads: Sequence[Refused]) -> None:
        """Keep payloads that are no messages; one may name a PC, so it is forgotten like one."""
        desk = self._desk
        months: defaultdict[str, list[Refused]] = defaultdict(list)
        with self._lock, desk.retold():
            for payload in payloads:
                months[desk.month(payload.received)].append(payload)
            for month, ours in months.items():
                desk.aside.refuse(desk.databases.of_month(month), ours)

    def quarantined(self) -> Iterator[Quarantined]:
        """What may not count, oldest first."""
        desk = self._desk
        found = [
            row.row
            for name, number in desk.databases.holding_quarantine()
            for row in desk.aside.rows(name, number)
        ]
        return iter(sorted(found, key=_age))

    def readmit(
        self,
        key: Key,
        reason: str,
        personal: bool,
        bound_w: float | None = None,
        step_j: int = 0,
    ) -> int:
        """Let loads count that were quarantined for `reason`; how many they were.

        With a bound, those of a higher mean power (W) than that and a register's step (J) stay, for
        that reason; so do those of a month that was forgotten meanwhile, and those in whose place
        another load counts.
        """
        with self._lock, self._desk.retold():
            self._desk.begin([key.node])
            return rulings.readmit(self._desk, key, reason, personal, bound_w, step_j)

    def rule(self, arrivals: Sequence[Arrival]) -> int:
        """Let loads that are here count, or set them aside; how many stood otherwise before."""
        with self._lock, self._desk.retold():
            self._desk.begin({arrival.node for arrival in arrivals})
            return rulings.rule(self._desk, arrivals)

    def late(self) -> Mapping[str, tuple[int, int]]:
        """Number and energy (J) of the loads that are late, by the month of their end."""
        return rulings.late(self._desk)

    def loads(self, start: int, end: int, key: Key | None = None) -> Iterator[StoredLoad]:
        """Loads whose span overlaps [start, end), by device and end."""
        desk = self._desk
        first, last = desk.month(max(start, 0) + 1), desk.month(end + MAX_SPAN_S)
        parts = [
            desk.stored.loads(name, start, end, key, personal)
            for name, personal in desk.databases.holding_loads(first, last)
        ]
        return merge(*parts, key=lambda row: (row.node, row.load.device, row.load.end))

    def marks(self) -> Iterator[StreamMark]:
        """How far each stream has come."""
        return self._desk.marks.shown()

    def touched(self, limit: int = 10_000) -> Sequence[Touched]:
        """Devices whose days must be rebuilt, those of the oldest loads first."""
        with self._lock:
            return self._touches.touched(limit)

    def put_days(self, rows: Iterable[DayRow], done: Iterable[Touched]) -> None:
        """Replace days and forget what was touched; a touch since `touched` was read stays."""
        databases = self._desk.databases
        homes: defaultdict[str, list[DayRow]] = defaultdict(list)
        for row in rows:
            homes[row.day[:7] if row.personal else ""].append(row)
        with self._desk.retold():
            # No month is asked for where there is none to write.
            forgotten = databases.forgotten() if homes.keys() - {""} else set()
            for month in sorted(homes.keys() - forgotten):
                name = databases.of_month(month) if month else databases.days
                self._desk.stored.write_days(name, homes[month])
        with self._lock:
            self._touches.settle(done)

    def days(self, first: str, last: str, key: Key | None = None) -> Iterator[DayRow]:
        """Days from `first` to `last`, by device and day."""
        databases, stored = self._desk.databases, self._desk.stored
        parts = [stored.days(databases.days, first, last, key, personal=False)]
        for _, name in databases.months(first[:7], last[:7]):
            parts.append(stored.days(name, first, last, key, personal=True))
        return merge(*parts, key=lambda row: (row.key, row.day))

    def forget(self, month: str) -> None:
        """Drop the database of a month; what still comes for it is late."""
        desk = self._desk
        with self._lock:
            name = desk.databases.name(month)
            here = name in {each for _, each in desk.databases.months()}
            desk.databases.forget(month, rulings.late_in(desk, name) if here else {})

    def expire(self, loads_before: int, days_before: str) -> int:
        """Drop loads and days of the infrastructure that are no longer kept; how many."""
        with self._lock:
            return rulings.expire(self._desk, loads_before, days_before)

    def _sort(
        self,
        arrivals: Sequence[Arrival],
        marks: Mapping[Ident, Mark],
        families: Mapping[tuple[str, str], Sequence[Ident]],
    ) -> Sorted:
        desk = self._desk
        return sort(arrivals, marks, families, desk.month, desk.forgotten, desk.marks.number + 1)

    def _place_held(self, found: Sorted) -> list[Arrival]:
        """Place what was seen and is not stored; the forks among what was seen."""
        for ours in (found.infrastructure, *found.personal.values()):
            # Their time stamps may be taken: they are looked for like what was seen.
            found.held += (arrival for arrival in ours if wraps(arrival.load))
            ours[:] = (arrival for arrival in ours if not wraps(arrival.load))
        held = [arrival for arrival in found.held if not self._desk.gone(arrival)]
        if not held:
            return []
        compared = self._desk.comparison(found).compare(held)
        for arrival in compared.repeated:
            # A write that nobody waited for to its end may have come after its day was built.
            if arrival.reason is None:
                self._desk.touch(found, arrival)
        for arrival in compared.cut:
            _open(found.marks[arrival.node, arrival.load.device, arrival.stream], arrival)
        again = self._sort(compared.cut, found.marks, self._families(found))
        found.marks.update(again.marks)
        found.infrastructure += again.infrastructure
        for month, ours in again.personal.items():
            found.personal.setdefault(month, []).extend(ours)
        found.aside += again.aside
        return compared.forks

    def _yield(self, found: Sorted) -> list[Arrival]:
        """Leave out what another collector stores at the same time; the forks among it."""
        rivals = Rivals(self._desk.marks, self._patience_s)
        forks: list[Arrival] = []
        while contested := rivals.contested(_counting(found)):
            _leave_out(found, contested)
            compared = self._desk.comparison(found).compare(contested)
            for arrival in compared.cut:
                self._desk.place(found, arrival)
            forks += compared.forks
        return forks

    def _families(self, found: Sorted) -> dict[tuple[str, str], list[Ident]]:
        families: dict[tuple[str, str], list[Ident]] = {}
        for ident in found.marks:
            known = self._desk.marks.families.get(ident[:2], ())
            family = families.setdefault(ident[:2], [*known])
            if ident not in family:
                family.append(ident)
        for family in families.values():
            for ident in family:
                found.marks.setdefault(ident, self._desk.marks.copy(ident))
        return families


def _moment(arrival: Arrival) -> int:
    """People's quarantine is forgotten with the month in which it came."""
    return arrival.received


def _counting(found: Sorted) -> list[Arrival]:
    return [each for ours in (found.infrastructure, *found.personal.values()) for each in ours]


def _leave_out(found: Sorted, arrivals: Iterable[Arrival]) -> None:
    gone = {(a.node, a.stream, a.load.device, a.load.seq) for a in arrivals}
    for ours in (found.infrastructure, *found.personal.values()):
        ours[:] = [a for a in ours if (a.node, a.stream, a.load.device, a.load.seq) not in gone]


def _age(row: Quarantined) -> tuple[int, int, int, int]:
    load = row.load
    return row.received, load.end if load else 0, load.seq if load else 0, row.number


def _open(mark: Mark, arrival: Arrival) -> None:
    """Let the numbers of a load be new once more."""
    first, last = arrival.load.seq - arrival.load.replaces + 1, arrival.load.seq
    if mark.place(first, last) is Place.HELD:
        insort(mark.holes, (first, last))
