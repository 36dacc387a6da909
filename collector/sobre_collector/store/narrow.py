"""Reads that take only what is needed, grouped by device: what days and the check live on.

A load as an object costs more than everything that is then done with it. What one SQL statement can
add up exactly is added up there; the rest comes as narrow rows, unsorted but for their time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

from sobre_collector.rows import Key, LoadPart, Run
from sobre_collector.store.file import LONG_S, ORIGINS, SeriesFile, scan
from sobre_collector.store.personal import Months
from sobre_collector.store.streams import Streams
from sobre_drivers.wire import MAX_SPAN_S

# An unbroken run: equal spans on one grid, each cell once, so that first and last tell the rest.
_RUNS = """
SELECT sid, min(end), max(end), min(span_s), count(*),
    sum(energy_j), sum(energy_j) FILTER (WHERE origin = 1), sum(energy_j) FILTER (WHERE origin = 2),
    sum(energy_j) FILTER (WHERE end > :work_begins AND end <= :work_ends), max(energy_j)
FROM loads WHERE end > :begins AND end < :latest AND end - span_s < :ends
GROUP BY sid
HAVING max(end) <= :ends AND min(span_s) = max(span_s) AND min(end % span_s) = max(end % span_s)
    AND min(end) - min(span_s) >= :begins AND count(state_s) + count(pages) = 0
    AND (max(end) - min(end)) / min(span_s) + 1 = count(*)
"""
_TWICE = "SELECT sid FROM loads WHERE end > ? AND end < ? GROUP BY end, sid HAVING count(*) > 1"
# SQLite refuses a sum beyond 63 bits, and what claims so much is no run of a meter.
_LARGEST_J = 2**40

# (first seq, seq, J, register after it in J, end) of loads that follow each other, as of one.
Chain = tuple[int, int, int, int, int]
# Of each stream the bounds (after, up to) of the numbers that may be chained; None: none.
Due = Mapping[tuple[Key, str], tuple[int, int] | None]
EVER = 2**53

# A chain is unbroken where each number and each register begin where the one before ended.
_CHAINS = """
SELECT sid, min(first), max(seq), sum(energy_j), max(register_j), max(end), sum(broken) FROM (
    SELECT sid, seq - replaces + 1 AS first, seq, energy_j, register_j, end,
        (seq - replaces <> lag(seq) OVER stream)
        OR (register_j - energy_j <> lag(register_j) OVER stream) AS broken
    FROM loads JOIN temp.due USING (sid)
    WHERE end > ? AND seq > after AND seq <= upto
    WINDOW stream AS (PARTITION BY sid ORDER BY seq)
) GROUP BY sid
"""
_SINGLE = """
SELECT sid, seq - replaces + 1, seq, energy_j, register_j, end FROM loads JOIN temp.due USING (sid)
WHERE end > ? AND seq > upto
"""

_PART = "sid, end, span_s, energy_j, origin, state_s, pages"
_USUAL = "end > ? AND end < ? AND end - span_s < ?"


class NarrowReads:
    """The reads of `base.Narrow` on the files of a folder."""

    def __init__(
        self, series: SeriesFile, months: Months, streams: Streams, month: Callable[[int], str]
    ) -> None:
        self._series, self._months, self._streams = series, months, streams
        self._month = month

    def runs(self, begins: int, ends: int, work_begins: int, work_ends: int) -> Iterator[Run]:
        """Infrastructure of which one stream's loads in [begins, ends) are an unbroken run."""
        file = self._series
        latest = ends + file.longest_s()
        values = {"begins": begins, "ends": ends, "latest": latest}
        work = {"work_begins": work_begins, "work_ends": work_ends}
        names, several = _names(file), self._several()
        odd = {sid for (sid,) in file.stream(_TWICE, (begins, latest))}
        odd |= {
            row[0] for row in file.stream(f"SELECT sid FROM loads WHERE {_LONG}", (begins, ends))
        }
        for (
            sid,
            first,
            last,
            span_s,
            count,
            all_j,
            estimated_j,
            allocated_j,
            in_j,
            most_j,
        ) in file.stream(_RUNS, {**values, **work}):
            key = names[sid]
            aligned = (work_begins - first) % span_s == 0 == (work_ends - first) % span_s
            if sid in odd or key in several or not aligned or most_j > _LARGEST_J:
                continue
            guessed = estimated_j or 0, allocated_j or 0
            yield Run(key, first - span_s, last, all_j - sum(guessed), *guessed, in_j or 0, count)

    def parts(self, start: int, end: int, personal: bool) -> Iterator[tuple[Key, list[LoadPart]]]:
        """Each device with the loads that overlap [start, end), by their ends."""
        files = [self._series]
        if personal:
            first, last = self._month(max(start, 0) + 1), self._month(end + MAX_SPAN_S)
            files = [file for _, file in self._months.existing(first, last)]
        found: dict[Key, list[LoadPart]] = {}
        for file in files:
            for key, parts in self._of_file(file, start, end).items():
                here = found.setdefault(key, parts)
                if here is not parts:
                    here += parts
                    here.sort(key=lambda part: part[0])
        yield from found.items()

    def mixed(self) -> set[Key]:
        """Devices that are in people's files and in the infrastructure's: no read here is whole."""
        marks = self._streams.marks
        return {
            Key(*key)
            for key, family in self._streams.families.items()
            if len(family) > 1 and len({marks[ident].personal for ident in family}) > 1
        }

    def claims(self, since: int, due: Due) -> Iterator[tuple[Key, str, Chain]]:
        """Chains of the loads of `due` streams that end after a Unix second, in any order."""
        for file in [self._series, *(file for _, file in self._months.existing())]:
            rows = file.rows("SELECT id, node, device, stream FROM streams")
            idents = {sid: (Key(node, device), stream) for sid, node, device, stream in rows}
            wanted = {sid: due[ident] for sid, ident in idents.items() if ident in due}
            if wanted:
                for sid, chain in _chains(file, since, wanted):
                    yield *idents[sid], chain

    def _of_file(self, file: SeriesFile, start: int, end: int) -> dict[Key, list[LoadPart]]:
        by_sid: defaultdict[int, list[LoadPart]] = defaultdict(list)
        latest = end + file.longest_s()
        make, origins = tuple.__new__, ORIGINS
        for where, values in (_SHORT, (start, latest, end)), (_LONG, (start, end)):
            for sid, ends, span_s, energy_j, origin, states, pages in file.stream(
                f"SELECT {_PART} FROM loads WHERE {where}", values
            ):
                state_s = None if states is None else scan(states, 0)[0]
                row = (ends, span_s, energy_j, origins[origin], state_s, pages)
                by_sid[sid].append(make(LoadPart, row))
        names = _names(file)
        found: dict[Key, list[LoadPart]] = {}
        for sid, parts in by_sid.items():
            here = found.setdefault(names[sid], parts)
            if here is not parts:
                here += parts
            if here is not parts or parts[-1].span_s > LONG_S:
                here.sort(key=lambda part: part[0])
        return found

    def _several(self) -> set[Key]:
        return {Key(*key) for key, family in self._streams.families.items() if len(family) > 1}


def _chains(
    file: SeriesFile, since: int, wanted: dict[int, tuple[int, int] | None]
) -> Iterator[tuple[int, Chain]]:
    with file.translated(), closing(file.reader()) as db:
        db.execute("CREATE TEMP TABLE due (sid INTEGER PRIMARY KEY, after INTEGER, upto INTEGER)")
        # Nothing of a stream that must be read load by load lies between its own bounds.
        rows = [(sid, *(bounds or (EVER, -1))) for sid, bounds in wanted.items()]
        db.executemany("INSERT INTO due VALUES (?, ?, ?)", rows)
        broken = []
        for sid, *chain, breaks in db.execute(_CHAINS, (since,)):
            if breaks:
                broken.append((sid, EVER, -1))
            else:
                yield sid, (chain[0], chain[1], chain[2], chain[3], chain[4])
        db.executemany("INSERT OR REPLACE INTO due VALUES (?, ?, ?)", broken)
        for sid, *chain in db.execute(_SINGLE, (since,)):
            yield sid, (chain[0], chain[1], chain[2], chain[3], chain[4])


_SHORT = f"{_USUAL} AND span_s <= {LONG_S}"
_LONG = f"span_s > {LONG_S} AND end > ? AND end - span_s < ?"


def _names(file: SeriesFile) -> dict[int, Key]:
    rows = file.rows("SELECT id, node, device FROM streams")
    return {sid: Key(node, device) for sid, node, device in rows}
