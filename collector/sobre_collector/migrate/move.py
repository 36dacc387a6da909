"""Copy all series from one store to another, in order and in bounded memory, and prove it.

What is in the target is remembered window by window, after it is durable: cut anywhere, the window
that was under way is written again, which changes nothing. The source is only read.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import TypeVar

from sobre_collector.migrate.proof import (
    Tallies,
    Tally,
    differences,
    tally_aside,
    tally_days,
    tally_loads,
    tally_marks,
    total,
)
from sobre_collector.migrate.side import FOR_EVER, Counts, Position, Source, Target
from sobre_drivers.errors import ConfigError, StoreError

T = TypeVar("T")

# What is in memory at once, and the loads' time that is remembered as done together.
BATCH = 5_000
WINDOW_S = 86_400
WINDOW_DAYS = 31
_EPOCH = date(1970, 1, 1).toordinal()

LOADS, DAYS, ASIDE, MARKS, PROOF = range(5)
KINDS = ("loads", "days", "quarantine")
# After every place.
_LAST_PLACE = "~"
_END = Position(_LAST_PLACE, PROOF, 0)

Show = Callable[[float, str], None]


@dataclass(slots=True)
class Proof:
    """What both sides were found to hold; `differing` is empty if that is the same.

    `totals` by place (the last is the marks') and kind: the source's side and the target's.
    """

    totals: dict[str, dict[str, tuple[Tally, Tally]]] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)


class _Course:
    """How far the work is: each load is read once to be copied, and twice to be proved."""

    def __init__(self, loads: int, show: Show) -> None:
        self._all = max(1, 3 * loads)
        self._show = show
        self._done = 0

    def more(self, loads: int, text: str) -> None:
        self._done += loads
        self._show(min(1.0, self._done / self._all), text)


def count(source: Source) -> dict[str, Counts]:
    """What would be copied, by place."""
    return {place: source.counts(place) for place in source.places()}


def migrate(
    source: Source,
    target: Target,
    show: Show = lambda ratio, text: None,
    crash: Callable[[str], None] = lambda step: None,
) -> Proof:
    """Copy what is not in the target yet, and prove that it holds the same as the source.

    ConfigError if the target holds anything else; StoreError if the source moved meanwhile. The
    target is for collectors to use only if nothing differs. `crash` is called between the steps.
    """
    counts = count(source)
    fingerprint = _fingerprint(source, counts)
    position = _start(target, fingerprint)
    if position is None:
        position = Position(FOR_EVER, LOADS, 0)
        target.keep(fingerprint, position)
    course = _Course(sum(each.loads for each in counts.values()), show)
    for number, reached in enumerate(_copy(source, target, position, course, crash), 1):
        crash(f"written-{number}")
        target.keep(fingerprint, reached)
        crash(f"kept-{number}")
    crash("copied")
    proof = prove(source, target, course)
    if _fingerprint(source, count(source)) != fingerprint:
        raise StoreError(
            f"{source.name}: moved while it was copied; stop every collector that writes to it, "
            "empty the target, and start again"
        )
    crash("proved")
    if not proof.differing:
        target.finish(crash)
    return proof


def prove(source: Source, target: Source, course: _Course | None = None) -> Proof:
    """Read both sides through and compare them, one place after the other."""
    course = course or _Course(0, lambda ratio, text: None)
    proof = Proof()
    for place in sorted({*source.places(), *target.places()}):
        sides = [_tallies(side, place, course) for side in (source, target)]
        _compare(proof, place, *sides)
    marks: list[Tallies] = []
    for side in (source, target):
        marks.append({})
        tally_marks(marks[-1], side.marks())
    _compare(proof, "marks", *marks)
    ours, theirs = source.facts(), target.facts()
    if ours.forgotten != theirs.forgotten:
        odd = ", ".join(sorted(ours.forgotten ^ theirs.forgotten))
        proof.differing.append(f"months that one side alone has forgotten: {odd}")
    if dict(ours.late) != dict(theirs.late):
        proof.differing.append(f"late loads: source {ours.late}, target {theirs.late}")
    return proof


def _start(target: Target, fingerprint: str) -> Position | None:
    begun = target.begun()
    if begun is None:
        return None
    if begun[0] != fingerprint:
        raise ConfigError(
            f"{target.name}: holds a part of another migration, or the source has moved since; "
            "empty it, and start again"
        )
    return begun[1]


def _fingerprint(source: Source, counts: dict[str, Counts]) -> str:
    found: Tallies = {}
    tally_marks(found, source.marks())
    whole = total(found, "mark")
    whole.add([[place, each.loads, each.days, each.aside] for place, each in counts.items()])
    return f"{whole.digest:032x}"


def _copy(
    source: Source,
    target: Target,
    since: Position,
    course: _Course,
    crash: Callable[[str], None],
) -> Iterator[Position]:
    """Copy from a position on; after each step, what comes next."""
    for place in source.places():
        if Position(place, MARKS, 0) <= since:
            course.more(source.counts(place).loads, f"{_named(place)}: was copied before")
            continue
        first = since if place == since.place else Position(place, LOADS, 0)
        if first.kind <= LOADS:
            yield from _copy_loads(source, target, first, course, crash)
            first = Position(place, DAYS, 0)
        if first.kind <= DAYS:
            yield from _copy_days(source, target, first)
        for rows in _batches(source.aside(place), BATCH):
            target.put_aside(place, rows)
        yield Position(place, MARKS, 0)
    if since < _END:
        # Only now, so that a store that was cut knows of no stream.
        target.put_facts(source.facts())
        crash("facts")
        target.put_marks(source.marks())
        yield _END


def _copy_loads(
    source: Source,
    target: Target,
    first: Position,
    course: _Course,
    crash: Callable[[str], None],
) -> Iterator[Position]:
    place, _, at = first
    for since, before in _load_windows(source, place, at):
        for loads in _batches(source.loads(place, since, before), BATCH):
            target.put_loads(place, loads)
            course.more(len(loads), f"{_named(place)}: copied to {_day(before)}")
            crash("batch")
        yield Position(place, LOADS, before)
    yield Position(place, DAYS, 0)


def _copy_days(source: Source, target: Target, first: Position) -> Iterator[Position]:
    place, _, ordinal = first
    for since, last in _day_windows(source, place, date.fromordinal(max(1, ordinal))):
        for days in _batches(source.days(place, str(since), str(last)), BATCH):
            target.put_days(place, days)
        if last < date.max:
            yield Position(place, DAYS, last.toordinal() + 1)
    yield Position(place, ASIDE, 0)


def _tallies(side: Source, place: str, course: _Course) -> Tallies:
    found: Tallies = {}
    if place not in side.places():
        return found
    for since, before in _load_windows(side, place, 0):
        loads = tally_loads(found, side.loads(place, since, before))
        course.more(loads, f"{_named(place)}: proving {side.name}")
    for first, last in _day_windows(side, place, date.min):
        tally_days(found, side.days(place, str(first), str(last)))
    tally_aside(found, side.aside(place))
    return found


def _load_windows(side: Source, place: str, at: int) -> Iterator[tuple[int, int]]:
    """(since, before) of the days in which loads ended, from a Unix second on."""
    while (end := side.next_end(place, at)) is not None:
        before = (end // WINDOW_S + 1) * WINDOW_S
        yield at, before
        at = before


def _day_windows(side: Source, place: str, at: date) -> Iterator[tuple[date, date]]:
    """(first, last) of the months in which there are days, from a date on."""
    while (day := side.next_day(place, str(at))) is not None:
        first = date.fromisoformat(day)
        last = date.fromordinal(min(first.toordinal() + WINDOW_DAYS - 1, date.max.toordinal()))
        yield first, last
        if last == date.max:
            return
        at = last + timedelta(days=1)


def _compare(proof: Proof, place: str, source: Tallies, target: Tallies) -> None:
    kinds = sorted({subject.kind for subject in (*source, *target)})
    proof.totals[place] = {kind: (total(source, kind), total(target, kind)) for kind in kinds}
    where = _named(place)
    proof.differing += [f"{where}: {line}" for line in differences(source, target)]


def _named(place: str) -> str:
    return place or "infrastructure"


def _day(second: int) -> date:
    return date.fromordinal(min(_EPOCH + second // 86_400, date.max.toordinal()))


def _batches(rows: Iterable[T], most: int) -> Iterator[list[T]]:
    whole = iter(rows)
    while batch := list(islice(whole, most)):
        yield batch
