"""What becomes of loads whose sequence numbers were seen: there already, a fork, or cut off.

Marks are written before loads. A load that its mark knows and that is nowhere was cut off between
the two, and is stored now.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sobre_collector.rows import Arrival
from sobre_collector.store.influx.aside import Aside, content
from sobre_collector.store.influx.points import load_time
from sobre_collector.store.influx.stored import Stored
from sobre_collector.store.sorting import FORK, Ident
from sobre_drivers.load import Load


@dataclass(slots=True)
class Compared:
    """Arrivals by what they turned out to be; `repeated` lie in the store, counted."""

    repeated: list[Arrival] = field(default_factory=list)
    forks: list[Arrival] = field(default_factory=list)
    cut: list[Arrival] = field(default_factory=list)


class Comparison:
    """Compares arrivals with loads, quarantine, and what is under way in the same append."""

    def __init__(
        self,
        stored: Stored,
        aside: Aside,
        home: Callable[[Arrival], str],
        loads: Sequence[str],
        asides: Sequence[str],
        expired: int = 0,
    ) -> None:
        self._stored = stored
        self._aside = aside
        self._home = home
        self._loads = loads
        self._asides = asides
        self._expired = expired
        self._under_way: defaultdict[Ident, list[Arrival]] = defaultdict(list)

    def expect(self, arrivals: Iterable[Arrival]) -> None:
        """These are stored or set aside by the same append."""
        for arrival in arrivals:
            self._under_way[_ident(arrival)].append(arrival)

    def compare(self, arrivals: Sequence[Arrival], quarantined: bool = True) -> Compared:
        """Sort arrivals; without `quarantined`, rows of the quarantine do not stand against them.

        What lies at its very place is told in few queries; only the rest is looked for.
        """
        found, rest = Compared(), []
        for arrival, load in zip(arrivals, self._places(arrivals), strict=True):
            if load == arrival.load:
                found.repeated.append(arrival)
            else:
                rest.append((arrival, load))
        asides = self._asides if quarantined else ()
        held = self._aside.held(asides, [arrival for arrival, _ in rest])
        for arrival, load in rest:
            ours = self._under_way[_ident(arrival)]
            if (arrival.node, content(arrival)) in held or _among(arrival, ours):
                continue
            here = [] if load is None else [load]
            here += [
                row.load for name in self._loads for row in self._stored.meeting(name, arrival)
            ]
            if arrival.load in here:
                found.repeated.append(arrival)
            elif (
                load is not None
                or self._expires(arrival)
                or self._claimed(arrival, here, ours, asides)
            ):
                found.forks.append(arrival._replace(reason=FORK))
                self.expect(found.forks[-1:])
            else:
                found.cut.append(arrival)
                self.expect([arrival])
        return found

    def _places(self, arrivals: Sequence[Arrival]) -> list[Load | None]:
        homes: defaultdict[str, list[int]] = defaultdict(list)
        for index, arrival in enumerate(arrivals):
            homes[self._home(arrival)].append(index)
        found: list[Load | None] = [None] * len(arrivals)
        for home, indices in homes.items():
            if home not in self._loads:
                continue
            loads = self._stored.same_place(home, [arrivals[index] for index in indices])
            for index, load in zip(indices, loads, strict=True):
                found[index] = load
        return found

    def _expires(self, arrival: Arrival) -> bool:
        # What was dropped for its age was seen, and nobody can say with which content.
        return not arrival.personal and arrival.load.end < self._expired

    def _claimed(
        self,
        arrival: Arrival,
        here: Iterable[Load],
        ours: Iterable[Arrival],
        asides: Iterable[str],
    ) -> bool:
        others = [*here, *(each.load for each in ours if each.reason != FORK)]
        if any(_meet(arrival.load, other) for other in others):
            return True
        ident = (arrival.node, arrival.load.device, arrival.stream)
        # A fork claims what another load already tells of: it has no place in the stream.
        return any(
            row.row.reason != FORK and row.row.load and _meet(arrival.load, row.row.load)
            for name in asides
            for row in self._aside.of_stream(name, *ident)
        )


def _among(arrival: Arrival, others: Iterable[Arrival]) -> bool:
    return any(other.load == arrival.load for other in others)


def _meet(one: Load, other: Load) -> bool:
    same_place = load_time(one) == load_time(other)
    return same_place or (
        one.seq - one.replaces < other.seq and other.seq - other.replaces < one.seq
    )


def _ident(arrival: Arrival) -> Ident:
    return arrival.node, arrival.load.device, arrival.stream
