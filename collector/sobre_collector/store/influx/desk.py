"""What appending and ruling share: the steps by which loads get their place in InfluxDB."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from zoneinfo import ZoneInfo

from sobre_collector.rows import Arrival
from sobre_collector.store.influx.aside import Aside
from sobre_collector.store.influx.compare import Comparison
from sobre_collector.store.influx.database import Database, MissingError
from sobre_collector.store.influx.databases import Databases
from sobre_collector.store.influx.lines import GREATEST, LAST_S, UnstorableError, taggable
from sobre_collector.store.influx.marks import Marks
from sobre_collector.store.influx.stored import Stored
from sobre_collector.store.personal import month_of
from sobre_collector.store.sorting import LATE, Ident, Sorted

TOO_GREAT = "an integer is greater than InfluxDB can tell, or the end later (2262)"


class Desk:
    """The databases and their parts; its caller holds the lock."""

    def __init__(self, database: Database, by: str, zone: ZoneInfo, prefix: str) -> None:
        self.database = database
        self.databases = Databases(database, prefix)
        self.marks = Marks(database, self.databases.state, by)
        self.stored = Stored(database)
        self.aside = Aside(database)
        self.month: Callable[[int], str] = month_of(zone)
        self.forgotten: Collection[str] = ()
        self._healed = False

    def begin(self, nodes: Iterable[str]) -> None:
        """Know the marks of these nodes, and what is forgotten, as the database has them now."""
        if not self._healed:
            self.databases.check()
            self.databases.heal()
            self._healed = True
        self.forgotten = self.databases.forgotten()
        self.marks.refresh(nodes)

    @contextmanager
    def retold(self) -> Iterator[None]:
        """Look again which months are there, should one of them be gone: another may drop it."""
        try:
            yield
        except MissingError:
            self.databases.lost()
            raise

    def fitting(self, arrivals: Iterable[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
        """Loads that can have a place in InfluxDB, and the others with the reason."""
        fit, unfit = [], []
        for arrival in arrivals:
            try:
                self.stored.key(arrival)
                load = arrival.load
                if load.end <= LAST_S and load.register_j <= GREATEST and load.seq <= GREATEST:
                    fit.append(arrival)
                    continue
                reason = TOO_GREAT
            except UnstorableError as error:
                reason = str(error)
            node = taggable(arrival.node)
            unfit.append(arrival._replace(node=node, reason=arrival.reason or reason))
        return fit, unfit

    def comparison(self, found: Sorted) -> Comparison:
        """A comparison with what is stored, set aside, and under way in `found`."""
        made = Comparison(
            self.stored,
            self.aside,
            self.home,
            [name for name, _ in self.databases.holding_loads()],
            [name for name, _ in self.databases.holding_quarantine()],
            self.databases.expired(),
        )
        for ours in (found.infrastructure, *found.personal.values(), found.aside):
            made.expect(ours)
        return made

    def home(self, arrival: Arrival) -> str:
        """The database where a load counts."""
        if arrival.personal:
            return self.databases.name(self.month(arrival.load.end))
        return self.databases.loads

    def gone(self, arrival: Arrival) -> bool:
        """Whether a load belongs to a month that was forgotten."""
        return arrival.personal and self.month(arrival.load.end) in self.forgotten

    def touch(self, found: Sorted, arrival: Arrival) -> None:
        """Let the days of a load be built again."""
        load = arrival.load
        ident: Ident = (arrival.node, load.device, arrival.stream)
        mark = found.marks.get(ident)
        if mark is None:
            mark = found.marks[ident] = self.marks.copy(ident)
            mark.personal = arrival.personal
        mark.count(load.start, load.end, self.marks.number + 1)

    def place(self, found: Sorted, arrival: Arrival) -> None:
        """Let a load be written where it counts."""
        if arrival.personal:
            found.personal.setdefault(self.month(arrival.load.end), []).append(arrival)
        else:
            found.infrastructure.append(arrival)

    def write(self, found: Sorted) -> tuple[int, list[Arrival]]:
        """Write the loads; how many, and those that can have no place, with the reason."""
        refused = self.stored.write(self.databases.loads, found.infrastructure)
        for month, ours in found.personal.items():
            try:
                refused += self.stored.write(self.databases.of_month(month), ours)
            except MissingError:
                # Another collector dropped it since we asked.
                if month not in self.databases.forgotten():
                    raise
                self.databases.lost()
                refused += [arrival._replace(reason=LATE) for arrival in ours]
        count = len(found.infrastructure) + sum(map(len, found.personal.values()))
        return count - len(refused), refused

    def set_aside(
        self, arrivals: Sequence[Arrival], moment: Callable[[Arrival], int]
    ) -> list[Arrival]:
        """Quarantine loads, people's in the month of a moment of theirs; those that are new."""
        homes: defaultdict[str, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            if arrival.personal:
                homes[self.databases.of_month(self.month(moment(arrival)))].append(arrival)
            else:
                homes[self.databases.state].append(arrival)
        return [new for name, ours in homes.items() for new in self.aside.put(name, ours)]
