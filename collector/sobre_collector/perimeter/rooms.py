"""Rooms: which meters say what enters a room, what reaches its IT, and what cools it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from sobre_collector.indicators.datacentre import Category
from sobre_collector.perimeter.metering import Tree, shown
from sobre_collector.rows import Key

Measures = Literal["facility", "it", "cooling"]
MEASURES: tuple[Measures, ...] = ("facility", "it", "cooling")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of measurement; `where` is its line in the file."""

    room: str
    measures: Measures
    key: Key
    category: Category | None
    where: str = field(default="rooms", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Room:
    """A room with its points; `category` says where its IT energy is measured (1, 2 or 3)."""

    id: str
    category: Category
    points: tuple[Point, ...]

    def at(self, measures: Measures) -> tuple[Key, ...]:
        """The devices that measure one thing."""
        return tuple(point.key for point in self.points if point.measures == measures)


def rooms_of(points: Sequence[Point], tree: Tree) -> tuple[tuple[Room, ...], list[str]]:
    """The rooms, and what is wrong with their points, one line for each mistake."""
    by_room: dict[str, list[Point]] = {}
    for point in points:
        by_room.setdefault(point.room, []).append(point)
    found, problems = [], []
    for name, members in by_room.items():
        where, wrong = members[0].where, []
        for measures in ("facility", "it"):
            if not any(point.measures == measures for point in members):
                wrong.append(f"{where}: room {name} has no point that measures {measures}; add one")
        categories = {p.category for p in members if p.measures == "it"}
        if categories and (len(categories) > 1 or None in categories):
            wrong.append(
                f"{where}: room {name}: its IT is measured at one place; write the same category "
                "(1 UPS output, 2 PDU output, 3 IT input) on each line that measures it"
            )
        wrong += _twice(members, tree)
        problems += wrong
        if not wrong:
            category = categories.pop()
            assert category is not None
            found.append(Room(name, category, tuple(members)))
    return tuple(found), problems


def _twice(members: Sequence[Point], tree: Tree) -> list[str]:
    """Points of one thing of which one feeds the other: their joules would be added twice."""
    feeders = {link.key: link.fed_by for link in tree}
    problems = []
    for point in members:
        same = {p.key for p in members if p.measures == point.measures and p is not point}
        at: Key | None = point.key
        for _ in range(len(feeders) + 1):
            if at in same:
                problems.append(
                    f"{point.where}: {shown(point.key)} and {shown(at)} both measure "
                    f"{point.measures} of room {point.room}, and one feeds the other (or is it); "
                    "keep one"
                )
                break
            at = feeders.get(at) if at is not None else None
            if at is None:
                break
    return problems
