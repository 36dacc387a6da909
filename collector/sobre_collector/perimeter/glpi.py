"""GLPI's register of equipment as inventory and head-count: counts only, nobody's name or serial.

An item counts on the days on which it was in service, so that a month's units are a mean over its
days. What cannot be told of a past month widens the half-width instead of being guessed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from sobre_collector.indicators.moments import Stratum
from sobre_collector.months import month_bounds
from sobre_collector.perimeter.facts import Counts
from sobre_drivers.load import CLASSES

ITEM_TYPES = ("Computer", "Monitor", "Printer", "NetworkEquipment", "PDU")
# A computer's class is told by its type; the others are of one class each.
OF_ONE_CLASS = {
    "Monitor": "monitor",
    "Printer": "printer",
    "NetworkEquipment": "network",
    "PDU": "pdu",
}
SEPARATOR = " > "


@dataclass(frozen=True, slots=True)
class ApiTable:
    """`[api]`: GLPI's REST API; tokens come from files or the environment."""

    url: str
    items: tuple[str, ...] = ("Computer", "Monitor", "Printer")
    users: bool = False
    app_token_file: str | None = None
    user_token_file: str | None = None
    page: int = 500

    def __post_init__(self) -> None:
        strange = sorted(set(self.items) - set(ITEM_TYPES))
        if strange:
            raise ValueError(f"items: {', '.join(strange)}; known are {', '.join(ITEM_TYPES)}")
        if not 1 <= self.page <= 10_000:
            raise ValueError(f"page {self.page}: 1 to 10000 items at a time")


@dataclass(frozen=True, slots=True)
class Words:
    """The whole of glpi.toml: GLPI's words to ours; "" stands for known and not counted.

    An entity or location also speaks for what stands below it, unless that has a line of its own.
    """

    entities: dict[str, str]
    locations: dict[str, str]
    types: dict[str, str] = field(default_factory=dict)
    in_service: tuple[str, ...] = ()
    out_of_service: tuple[str, ...] = ()
    half_width_ratio: float = 0.02
    dates: Literal["ymd", "dmy", "mdy"] = "ymd"
    api: ApiTable | None = None

    def __post_init__(self) -> None:
        for word, name in self.types.items():
            if name and name not in CLASSES:
                raise ValueError(f"types: {word!r} is {name!r}; known: {', '.join(CLASSES)}")
        if not 0 < self.half_width_ratio < 1:
            raise ValueError(f"half_width_ratio {self.half_width_ratio}: write 0.02 for 2 %")
        both = sorted(set(self.in_service) & set(self.out_of_service))
        if both:
            raise ValueError(f"{', '.join(both)}: both in service and out of it; keep one")
        if not self.in_service:
            raise ValueError("in_service: none; name at least one status")


@dataclass(frozen=True, slots=True)
class Item:
    """What is read of one piece of equipment; dates None where GLPI has none."""

    kind: str
    entity: str
    location: str
    type: str
    status: str
    started: date | None = None
    decommissioned: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What is read of one account: whether it is active, and the entities it belongs to."""

    active: bool
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """Units by month and stratum, and how many items each unknown word stood on."""

    units: Mapping[str, Mapping[Stratum, Counts]]
    unknown: Mapping[str, int]
    left_out: int


def counted(items: Iterable[Item], table: Words, months: Sequence[str], today: date) -> Counted:
    """Items in service by month and stratum.

    An item with an unknown word counts nowhere. One that is out of service without a date, or has
    no date of its start, may or may not have been there in a month that is over: it adds to the
    half-width.
    """
    units: dict[str, dict[Stratum, list[float]]] = {month: {} for month in months}
    unknown: Counter[str] = Counter()
    left_out = 0
    for item in items:
        place, words = _placed(item, table)
        unknown.update(words)
        if words:
            continue
        if place is None:
            left_out += 1
            continue
        for month in months:
            days, doubt = _in_service(item, table, month, today)
            at = units[month].setdefault(place, [0.0, 0.0])
            at[0] += days
            at[1] += doubt
    ratio = table.half_width_ratio
    rows = {
        month: {
            stratum: (round(n, 3), round(n * ratio + doubt, 3))
            for stratum, (n, doubt) in sorted(found.items())
        }
        for month, found in units.items()
    }
    return Counted(rows, dict(sorted(unknown.items())), left_out)


def headcount(people: Iterable[Person], table: Words) -> tuple[dict[str, Counts], Counter[str]]:
    """Active accounts by organisation, each once, and the unknown words.

    Who belongs to several organisations counts in none: nobody can tell here where that person is.
    """
    users: dict[str, int] = defaultdict(int)
    unknown: Counter[str] = Counter()
    for person in people:
        if not person.active:
            continue
        found = {name: below(name, table.entities) for name in person.entities}
        unknown.update(f"entity {name!r}" for name, to in found.items() if to is None)
        homes = {to for to in found.values() if to}
        if len(homes) > 1:
            unknown[f"accounts of several organisations ({', '.join(sorted(homes))})"] += 1
        elif homes and None not in found.values():
            users[homes.pop()] += 1
        elif not person.entities:
            unknown["accounts without an entity"] += 1
    ratio = table.half_width_ratio
    return {o: (float(n), round(n * ratio, 3)) for o, n in sorted(users.items())}, unknown


def below(name: str, table: Mapping[str, str]) -> str | None:
    """What the nearest line of a tree's table says ("Root > City > Service"); None: no line."""
    parts = name.split(SEPARATOR)
    while parts:
        found = table.get(SEPARATOR.join(parts))
        if found is not None:
            return found
        parts.pop()
    return None


def _placed(item: Item, table: Words) -> tuple[Stratum | None, list[str]]:
    """The stratum (None: known and not counted), and the words that nobody mapped."""
    organisation = below(item.entity, table.entities)
    device_class = OF_ONE_CLASS.get(item.kind) or table.types.get(item.type)
    # What is not counted needs no place and no status.
    if organisation == "" or device_class == "":
        return None, []
    site = below(item.location, table.locations)
    unknown = [
        f"{what} {word!r}"
        for what, word, found in (
            ("entity", item.entity, organisation),
            ("location", item.location, site),
            ("type", item.type, device_class),
        )
        if found is None
    ]
    if item.status not in (*table.in_service, *table.out_of_service):
        unknown.append(f"status {item.status!r}")
    if unknown or not organisation or not site or not device_class:
        return None, unknown
    return Stratum(organisation, site, device_class), []


def _in_service(item: Item, table: Words, month: str, today: date) -> tuple[float, float]:
    """The part of a month in which an item was in service, and the part that nobody can tell."""
    first, last = month_bounds(month)
    begins = max(first, item.started) if item.started else first
    if item.decommissioned is not None:
        last = min(last, item.decommissioned - timedelta(days=1))
    elif item.status in table.out_of_service:
        # When it went, nobody noted: in a month that is over it may have been there.
        over = month_bounds(month)[1] < today
        return 0.0, float(over and begins <= last)
    whole = (month_bounds(month)[1] - first).days + 1
    part = max(0, (last - begins).days + 1) / whole
    doubtful = item.started is None and month_bounds(month)[1] < today.replace(day=1)
    return part, part if doubtful else 0.0
