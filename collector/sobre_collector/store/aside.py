"""The quarantine across the files of a folder: what may not count, and what is decided of it.

People's devices are set aside in the file of the month in which they came, so that their quarantine
is forgotten with their days.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge

from sobre_collector.rows import Arrival, Key, Quarantined, Refused
from sobre_collector.store.file import SeriesFile
from sobre_collector.store.mark import Mark, Place
from sobre_collector.store.personal import Months
from sobre_collector.store.sorting import FORK, LATE, Ident
from sobre_collector.store.streams import Streams

# Numbers of quarantined rows: those of a month's file follow its year and month.
_NUMBERS_PER_MONTH = 1_000_000_000
# Beyond every time that a load can claim (the wire's greatest integer).
EVER = 2**53


class Aside:
    """The quarantine of `series` and `months`; its caller holds their lock."""

    def __init__(
        self,
        series: SeriesFile,
        months: Months,
        streams: Streams,
        month: Callable[[int], str],
        forgotten: set[str],
    ) -> None:
        self._series, self._months, self._streams = series, months, streams
        self._month, self._forgotten = month, forgotten

    def put(self, arrivals: Iterable[Arrival]) -> int:
        """Set loads of people's devices aside; how many were new."""
        count = 0
        for month, ours in self._by_month(arrivals, lambda a: a.received).items():
            file = self._months.file(month)
            with file.write() as db:
                count += file.set_aside(db, ours)
        return count

    def refuse(self, payloads: Iterable[Refused]) -> None:
        """Keep payloads that are no messages; one may name a PC, so it is forgotten like one."""
        months: defaultdict[str, list[Refused]] = defaultdict(list)
        for payload in payloads:
            months[self._month(payload.received)].append(payload)
        for month, ours in months.items():
            self._months.file(month).refuse(ours)

    def rows(self) -> Iterator[Quarantined]:
        """All of it, oldest first."""
        parts = [self._series.quarantined()]
        for month, file in self._months.existing():
            parts.append(file.quarantined(int(month.replace("-", "")) * _NUMBERS_PER_MONTH))
        return merge(*parts, key=lambda row: row.received)

    def reason(self, arrival: Arrival) -> str | None:
        """Why this very load is quarantined; None if it is not."""
        return next((found for file in self.files() if (found := file.reason_aside(arrival))), None)

    def files(self) -> list[SeriesFile]:
        """All files, `series.db` first."""
        return [self._series, *(file for _, file in self._months.existing())]

    def drop_unconfirmed(self) -> None:
        """Undo what an append that was cut set aside: it comes again, and may count then."""
        for _, file in self._months.existing():
            rows = [row for row in file.quarantined() if self._unconfirmed(row)]
            if rows:
                with file.write() as db:
                    file.remove_rows(db, [row.number for row in rows])

    def late(self, file: SeriesFile, before: int = EVER) -> dict[str, tuple[int, int]]:
        """Late loads in one file that ended before a Unix second: (number, J) by their month."""
        found: dict[str, tuple[int, int]] = {}
        for row in file.quarantined(0, "reason = ?", (LATE,)):
            if row.load is not None and row.load.end < before:
                loads, energy_j = found.get(self._month(row.load.end), (0, 0))
                found[self._month(row.load.end)] = loads + 1, energy_j + row.load.energy_j
        return found

    def readmit(
        self, key: Key, reason: str, personal: bool, bound_w: float | None, step_j: int
    ) -> int:
        """Let the loads of a device count that are here for a reason, up to a mean power (W)."""
        where, values = "(node, device, reason) = (?, ?, ?)", (*key, reason)
        moved = []
        for row in (row for file in self.files() for row in file.quarantined(0, where, values)):
            load, stream = row.load, row.stream
            if load is None or stream is None:
                continue
            if bound_w is not None and load.energy_j > bound_w * load.span_s + step_j:
                continue
            moved.append(Arrival(key.node, stream, load, personal, row.received))
        return self.count(moved)

    def rule(self, arrivals: Sequence[Arrival]) -> int:
        """Let loads count, or set them aside, as their reasons say; how many stood otherwise."""
        counting = [each for each in arrivals if each.reason is None]
        counting = [each for each in counting if self.reason(each) not in (None, FORK)]
        refused = [each for each in arrivals if each.reason is not None]
        return self.count(counting) + self._discount(refused)

    def count(self, arrivals: Iterable[Arrival]) -> int:
        """Let loads count that are quarantined, unless their month was forgotten."""
        moved = [
            arrival
            for arrival in arrivals
            if not (arrival.personal and self._month(arrival.load.end) in self._forgotten)
        ]
        if not moved:
            return 0
        marks = self._touch(moved)
        count = 0
        personal = (each for each in moved if each.personal)
        for month, ours in self._by_month(personal, lambda a: a.load.end).items():
            file = self._months.file(month)
            with file.write() as db:
                count += file.insert(db, ours)
        with self._series.write() as db:
            count += self._series.insert(db, [each for each in moved if not each.personal])
            self._streams.put(db, marks)
        self._streams.keep(marks)
        for file in reversed(self.files()):
            with file.write() as db:
                file.remove_aside(db, moved)
        return count

    def _discount(self, arrivals: Sequence[Arrival]) -> int:
        count = 0
        for file in self.files():
            with file.write() as db:
                count += file.name_aside(db, arrivals)
        held = [each for each in arrivals if self._holds(each)]
        self._mark(self._touch(held))
        # In the file where it counted, so that it is forgotten with its month, in one step.
        personal = (each for each in held if each.personal)
        for month, ours in self._by_month(personal, lambda a: a.load.end).items():
            file = self._months.file(month)
            with file.write() as db:
                file.set_aside(db, ours)
                file.remove(db, ours)
        # Again, since the days may have been built from what was there a moment ago.
        marks = self._touch(held)
        ours = [each for each in held if not each.personal]
        with self._series.write() as db:
            self._series.set_aside(db, ours)
            self._series.remove(db, ours)
            self._streams.put(db, marks)
        self._streams.keep(marks)
        return count + len(held)

    def _holds(self, arrival: Arrival) -> bool:
        if not arrival.personal:
            return self._series.held(arrival) == arrival.load
        month = self._month(arrival.load.end)
        if month in self._forgotten or not self._months.path(month).exists():
            return False
        return self._months.file(month).held(arrival) == arrival.load

    def _touch(self, arrivals: Iterable[Arrival]) -> dict[Ident, Mark]:
        self._streams.number += 1
        marks: dict[Ident, Mark] = {}
        for arrival in arrivals:
            load = arrival.load
            ident = (arrival.node, load.device, arrival.stream)
            mark = marks.setdefault(ident, self._streams.marks[ident].copy())
            mark.personal = arrival.personal
            mark.count(load.start, load.end, self._streams.number)
        return marks

    def _mark(self, marks: dict[Ident, Mark]) -> None:
        with self._series.write() as db:
            self._streams.put(db, marks)
        self._streams.keep(marks)

    def _by_month(
        self, arrivals: Iterable[Arrival], moment: Callable[[Arrival], int]
    ) -> dict[str, list[Arrival]]:
        months: defaultdict[str, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            months[self._month(moment(arrival))].append(arrival)
        return months

    def _unconfirmed(self, row: Quarantined) -> bool:
        if row.load is None or row.stream is None:
            return False
        mark = self._streams.marks.get((row.node, row.load.device, row.stream), Mark())
        return mark.place(row.load.seq - row.load.replaces + 1, row.load.seq) is Place.NEW
