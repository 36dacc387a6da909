"""Loads and days as they lie in the databases: written, looked up, and read in order."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from sobre_collector.rows import Arrival, DayRow, Key, StoredLoad
from sobre_collector.store.influx.database import Database, MissingError, RefusedError
from sobre_collector.store.influx.lines import UnstorableError, any_of
from sobre_collector.store.influx.points import (
    DAY,
    DAY_S,
    LOAD,
    LOADS,
    LONG,
    NS,
    TAGS,
    day_line,
    day_time,
    days_of,
    load_line,
    load_time,
    loads_of,
    of_device,
    of_stream,
    series_key,
)
from sobre_drivers.load import Load
from sobre_drivers.wire import MAX_SPAN_S

log = logging.getLogger(__name__)

T = TypeVar("T")

# Most loads of meters are not longer: those that are can be asked for apart.
SHORT_S = 600
# What is read into memory at once: nodes of a reader (some hundred outlets each), PCs (one each).
# InfluxQL takes more than its share of time for hundreds of alternatives.
NODES, PERSONAL_NODES = 2, 50
# What is written at once: a part of what 1.x takes (25 MB), and of what it does in time.
MAX_LINES = 10_000
_STATEMENTS = 200
_MAX_KEYS = 50_000


class Stored:
    """Loads and days in databases whose names the caller gives."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[tuple[str, str, str], str] = {}

    def key(self, arrival: Arrival) -> str:
        """The tags of a load; UnstorableError if they cannot be written."""
        ident = (arrival.node, arrival.load.device, arrival.stream)
        found = self._keys.get(ident)
        if found is None:
            if len(self._keys) > _MAX_KEYS:
                self._keys.clear()
            found = self._keys[ident] = series_key(*ident)
        return found

    def write(self, database: str, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Store loads; those that InfluxDB will never have, each with its reason."""
        refused: list[Arrival] = []
        lines, written = [], []
        for arrival in arrivals:
            try:
                lines.append(load_line(self.key(arrival), arrival.load))
                written.append(arrival)
            except UnstorableError as error:
                refused.append(arrival._replace(reason=str(error)))
        for index, reason in write_lines(self._database, database, lines):
            refused.append(written[index]._replace(reason=f"InfluxDB refuses it: {reason}"))
        return refused

    def remove(self, database: str, arrivals: Iterable[Arrival]) -> None:
        """Take loads out, one after the other: this is rare."""
        for arrival in arrivals:
            load, at = arrival.load, load_time(arrival.load)
            tags = {"device": load.device, "node": arrival.node, "stream": arrival.stream}
            self._database.delete(database, LONG if load.span_s > DAY_S else LOAD, tags, at, at)

    def expire(self, database: str, measurement: str, before: int) -> int:
        """Drop what is older than a time (ns); how many points."""
        field = "valid" if measurement == DAY else "seq"
        statement = f'SELECT count("{field}") FROM "{measurement}" WHERE time < {before}'
        groups = self._database.query(database, statement)
        count = sum(int(row["count"]) for group in groups for row in group.rows())
        if count:
            self._database.delete(database, measurement, {}, 0, before - 1)
        return count

    def write_days(self, database: str, rows: Sequence[DayRow]) -> None:
        """Replace days; one that is older than what is kept is left out."""
        lines = [day_line(row) for row in rows]
        for index, reason in write_lines(self._database, database, lines):
            log.warning("%s: day %s is not kept: %s", rows[index].key, rows[index].day, reason)

    def same_place(self, database: str, arrivals: Sequence[Arrival]) -> list[Load | None]:
        """For each load, what is stored under its very tags and time stamp."""
        by_node: dict[tuple[str, int], list[Arrival]] = {}
        for arrival in arrivals:
            by_node.setdefault((arrival.node, arrival.load.end // 86_400), []).append(arrival)
        statements = []
        for (node, _), ours in by_node.items():
            times = [load_time(arrival.load) for arrival in ours]
            # Of a few, each device is named: a reader has hundreds.
            names = {arrival.load.device for arrival in ours}
            devices = f" AND {any_of('device', sorted(names))}" if len(names) < 20 else ""
            statements.append(
                f"SELECT * FROM {LOADS} WHERE {any_of('node', [node])}{devices}"
                f" AND time >= {min(times)} AND time <= {max(times)} GROUP BY {TAGS}"
            )
        at = {
            (row.node, row.load.device, row.stream, load_time(row.load)): row.load
            for row in self._rows(database, statements)
        }
        return [at.get((a.node, a.load.device, a.stream, load_time(a.load))) for a in arrivals]

    def meeting(self, database: str, arrival: Arrival) -> list[StoredLoad]:
        """Loads of the same stream that cover one of this load's numbers, whenever they ended."""
        load = arrival.load
        first = load.seq - load.replaces + 1
        covers = (
            f'(("seq" >= {first} AND "seq" <= {load.seq})'
            f' OR ("replaces" > 1 AND "seq" > {load.seq}))'
        )
        stream = of_stream(arrival.node, load.device, arrival.stream)
        statement = f"SELECT * FROM {LOADS} WHERE {stream} AND {covers} GROUP BY {TAGS}"
        rows = self._rows(database, [statement])
        return [row for row in rows if row.load.seq - row.load.replaces + 1 <= load.seq]

    def loads(
        self, database: str, start: int, end: int, key: Key | None, personal: bool
    ) -> Iterator[StoredLoad]:
        """Loads that overlap [start, end), by device and end."""
        # A load that ends later than its kind is long cannot begin before `end`.
        spans = [(LOAD, start + 1, end + DAY_S, ""), (LONG, start + 1, end + MAX_SPAN_S, "")]
        # Few points of many series cost less each with its tags.
        grouping = ""
        if not personal:
            grouping = f" GROUP BY {TAGS}"
            spans[:1] = [
                (LOAD, start + 1, end + SHORT_S, ""),
                (LOAD, end + SHORT_S, end + DAY_S, f' AND "span_s" > {SHORT_S}'),
            ]

        def statements(of: str) -> list[str]:
            return [
                f'SELECT * FROM "{kind}" WHERE {of}{more} AND time >= {_ns(since)}'
                f" AND time < {_ns(before)}{grouping}"
                for kind, since, before, more in spans
            ]

        def part(of: str) -> list[StoredLoad]:
            rows = self._rows(database, statements(of))
            found = [row for row in rows if row.load.start < end and row.load.end > start]
            found.sort(key=lambda row: (row.node, row.load.device, row.load.end, row.load.seq))
            return found

        yield from self._parts(database, LOADS, key, personal, part)

    def days(
        self, database: str, first: str, last: str, key: Key | None, personal: bool
    ) -> Iterator[DayRow]:
        """Days from `first` to `last`, by device and day."""
        between = f"time >= {day_time(first)} AND time <= {day_time(last)}"

        def part(of: str) -> list[DayRow]:
            statement = f'SELECT * FROM "{DAY}" WHERE {of} AND {between} GROUP BY "device", "node"'
            found: list[DayRow] = []
            for group in self._database.query(database, statement):
                found += days_of(group, personal)
            return sorted(found, key=lambda row: (row.key, row.day))

        yield from self._parts(database, f'"{DAY}"', key, personal, part)

    def _parts(
        self,
        database: str,
        measurements: str,
        key: Key | None,
        personal: bool,
        part: Callable[[str], list[T]],
    ) -> Iterator[T]:
        """What `part` reads for one device, or for some nodes after the others."""
        try:
            if key is not None:
                yield from part(of_device(key))
                return
            nodes = self._nodes(database, measurements)
            step = PERSONAL_NODES if personal else NODES
            for at in range(0, len(nodes), step):
                yield from part(any_of("node", nodes[at : at + step]))
        except MissingError:
            # A month that was forgotten while it was read.
            if not personal:
                raise

    def _nodes(self, database: str, measurements: str) -> list[str]:
        statement = f'SHOW TAG VALUES FROM {measurements} WITH KEY = "node"'
        groups = self._database.query(database, statement)
        return sorted({row["value"] for group in groups for row in group.rows()})

    def _rows(self, database: str, statements: Sequence[str]) -> Iterator[StoredLoad]:
        for at in range(0, len(statements), _STATEMENTS):
            for group in self._database.query(database, *statements[at : at + _STATEMENTS]):
                yield from loads_of(group)


def write_lines(database: Database, name: str, lines: Sequence[str]) -> list[tuple[int, str]]:
    """Store lines; the numbers of those that are refused, with the reasons.

    An answer does not tell which point it means: halves are written again until one is left,
    which changes nothing for those that were stored.
    """
    refused: list[tuple[int, str]] = []
    starts = range(0, len(lines), MAX_LINES)
    parts = [(first, min(first + MAX_LINES, len(lines))) for first in reversed(starts)]
    while parts:
        first, last = parts.pop()
        try:
            database.write(name, "\n".join(lines[first:last]))
        except RefusedError as error:
            if last - first == 1:
                refused.append((first, error.reason))
            else:
                middle = (first + last) // 2
                parts += [(middle, last), (first, middle)]
    return refused


def _ns(second: int) -> int:
    """A time stamp (ns), at most the last that there is."""
    return min(second * NS, 2**63 - 2)
