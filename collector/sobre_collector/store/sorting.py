"""What becomes of each load of an append: new, there already, or set aside."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sobre_collector.rows import Arrival
from sobre_collector.store.mark import Mark, Place

Ident = tuple[str, str, str]

FORK = "fork"
LATE = "late"
OVERLAP = "overlap"
# Somebody decided that it may not count.
VOID = "void"


@dataclass(slots=True)
class Sorted:
    """Arrivals by where they go, and the marks as they will stand.

    `personal` is by month. `held` are those whose sequence numbers were seen: they are compared
    with what is stored. `aside` is quarantined, each with its reason.
    """

    infrastructure: list[Arrival] = field(default_factory=list)
    personal: dict[str, list[Arrival]] = field(default_factory=dict)
    held: list[Arrival] = field(default_factory=list)
    aside: list[Arrival] = field(default_factory=list)
    marks: dict[Ident, Mark] = field(default_factory=dict)


def sort(
    arrivals: Sequence[Arrival],
    marks: Mapping[Ident, Mark],
    streams: Mapping[tuple[str, str], Sequence[Ident]],
    month: Callable[[int], str],
    forgotten: Collection[str],
    number: int,
) -> Sorted:
    """Sort the arrivals of one commit (its `number`); `marks` and `streams` stay as they are."""
    found = Sorted()
    moved = found.marks
    families: dict[tuple[str, str], list[Ident]] = {}
    for arrival in arrivals:
        node, stream, load, personal, _, reason = arrival
        device, seq, end, span_s, _, register_j, _, _, _, _, replaces = load
        ident = (node, device, stream)
        mark = moved.get(ident)
        if mark is None:
            known = marks.get(ident)
            mark = moved[ident] = Mark(personal=personal) if known is None else known.copy()
            device_key = (node, device)
            family = families.get(device_key)
            if family is None:
                family = families[device_key] = [*streams.get(device_key, ())]
            if ident not in family:
                family.append(ident)
        first = seq - replaces + 1
        if first <= mark.seq:
            place = mark.place(first, seq)
            if place is Place.HELD:
                found.held.append(arrival)
                continue
            if place is Place.PART:
                found.aside.append(arrival._replace(reason=FORK))
                continue
        mark.take(first, seq, register_j)
        start = end - span_s
        if reason is None:
            family = families[node, device]
            if len(family) > 1 and _claimed(start, end, ident, family, marks, moved):
                reason = OVERLAP
            elif personal and month(end) in forgotten:
                reason = LATE
        if reason is not None:
            found.aside.append(arrival._replace(reason=reason))
            continue
        mark.count(start, end, number)
        mark.personal = personal
        if personal:
            found.personal.setdefault(month(end), []).append(arrival)
        else:
            found.infrastructure.append(arrival)
    return found


def _claimed(
    start: int,
    end: int,
    ident: Ident,
    family: Sequence[Ident],
    marks: Mapping[Ident, Mark],
    moved: Mapping[Ident, Mark],
) -> bool:
    others = (moved.get(other) or marks[other] for other in family if other != ident)
    return any(other.claims(start, end) for other in others)
