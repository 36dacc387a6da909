"""What the figures are about: who, where, how many, from which baseline, towards which target.

All of it is stated by people and can be wrong or late, so counts carry their uncertainty, and a
month that nobody stated says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from sobre_collector.indicators.degree_days import DegreeDayTable
from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.correlation import Correlation
from sobre_collector.perimeter.metering import Tree
from sobre_collector.perimeter.printing import Printing
from sobre_collector.perimeter.rates import Rates
from sobre_collector.perimeter.rooms import Room
from sobre_collector.perimeter.scenarios import Scenario
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.load import CLASSES

BASELINE_KINDS = ("measured", "declared", "billed", "partial-year", "modelled")
# method.md 2.0: 1 where people drive the energy, 0 for rooms and network unless argued.
DRIVEN_BY_USERS = frozenset({"workstation.laptop", "workstation.desktop", "monitor", "printer"})
USER_FACTOR = {name: float(name in DRIVEN_BY_USERS) for name in CLASSES}

Counts = tuple[float, float]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One entity of the constant perimeter, from month `since` to month `until` (None: open)."""

    id: str
    name: str
    since: str | None = None
    until: str | None = None

    def holds(self, month: str) -> bool:
        """Whether the organisation belongs to the perimeter in a month ("2026-11")."""
        begun = self.since is None or self.since <= month
        return begun and (self.until is None or month <= self.until)


@dataclass(frozen=True, slots=True)
class Site:
    """A place where devices stand."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """A step of a stepwise path: the reduction due at the end of `year`."""

    year: int
    reduction_ratio: float


@dataclass(frozen=True, slots=True)
class Target:
    """The reduction due at the end of `year`, and the path that leads there."""

    reduction_ratio: float = 0.15
    year: int = 2026
    path: Literal["linear", "stepwise", "compound"] = "linear"
    milestones: tuple[Milestone, ...] = ()


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """Energy of a class of an organisation in the baseline year (or in its stated months), kWh.

    `half_width_kwh` bounds it (method.md 2.3: u = half-width / √3); `document` is the evidence.
    """

    organisation: str
    device_class: str
    kwh: float
    half_width_kwh: float
    document: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The reference situation. Kind "measured" has no rows: its months in the store say it.

    Kind "partial-year" covers `months` of the year, scaled up by the shares of `shares_year`.
    """

    year: int
    kind: Literal["measured", "declared", "billed", "partial-year", "modelled"]
    rows: tuple[BaselineRow, ...] = ()
    months: tuple[str, ...] = ()
    shares_year: int | None = None
    approved_by: str = ""
    approved_on: str = ""

    @property
    def unproven(self) -> tuple[BaselineRow, ...]:
        """Rows of which no document is named: an auditor will not take them."""
        return tuple(row for row in self.rows if not row.document.strip())


@dataclass(frozen=True, slots=True)
class Bill:
    """What an invoice or a utility's meter says of a month, and the document that says it."""

    kwh: float
    half_width_kwh: float
    document: str


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """What was stated for a month, and the month that stated it (None: nothing ever was)."""

    values: T
    month: str | None
    carried: bool


@dataclass(frozen=True, slots=True)
class Users:
    """Mean of a year's twelve month-end counts; `carried` of them were taken from earlier ones."""

    users: float
    half_width: float
    carried: int


@dataclass(frozen=True, slots=True)
class Perimeter:
    """Everything that people state about the fleet; see config/perimeter.example.toml.

    `inventory` holds units in service and head-counts the users at the end of each stated month,
    each with its half-width. `user_factor` is φ by class. `billed` holds what has no meter of ours,
    by month and stratum; `degree_days` those of each site and base temperature, by month.
    """

    baseline: Baseline
    organisations: tuple[Organisation, ...] = ()
    sites: tuple[Site, ...] = ()
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Paris"))
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    target: Target = field(default_factory=Target)
    user_factor: Mapping[str, float] = field(default_factory=lambda: dict(USER_FACTOR))
    user_definition: str = ""
    user_source: str = ""
    inventory: Mapping[str, Mapping[Stratum, Counts]] = field(default_factory=dict)
    headcount: Mapping[str, Mapping[str, Counts]] = field(default_factory=dict)
    metering: Tree = ()
    publish_at_least: int = 10
    billed: Mapping[str, Mapping[Stratum, Bill]] = field(default_factory=dict)
    degree_days: DegreeDayTable = field(default_factory=dict)
    printing: Printing = field(default_factory=Printing)
    rooms: tuple[Room, ...] = ()
    rates: Rates = field(default_factory=Rates)
    scenarios: tuple[Scenario, ...] = ()
    correlation: Correlation = field(default_factory=Correlation, repr=False)

    def inventory_of(self, month: str) -> Stated[Mapping[Stratum, Counts]]:
        """Units and half-width by stratum; a month that was not stated takes the one before it."""
        return _stated(self.inventory, month)

    def headcount_of(self, month: str) -> Stated[Mapping[str, Counts]]:
        """Users and half-width by organisation; an unstated month takes the one before it."""
        return _stated(self.headcount, month)

    def users_of(self, organisation: str, year: int) -> Users | None:
        """Users of an organisation in a year; None if no count is known for one of its months."""
        counts, carried = [], 0
        for month in months_of(year):
            stated = [m for m in self.headcount if m <= month and organisation in self.headcount[m]]
            if not stated:
                return None
            last = max(stated)
            carried += last != month
            counts.append(self.headcount[last][organisation])
        # Counts of one register err the same way, so half-widths do not average out.
        users = sum(users for users, _ in counts) / 12
        return Users(users, sum(half for _, half in counts) / 12, carried)

    def headcount_holes(
        self, months: Iterable[str], organisations: Iterable[str]
    ) -> list[tuple[str, str]]:
        """(organisation, month) without a count of their own: an earlier one, or none, serves."""
        named = sorted(organisations)
        return [(o, m) for m in months for o in named if o not in self.headcount.get(m, {})]

    def constant(self, first: str, last: str) -> tuple[Organisation, ...]:
        """Organisations that belong to the perimeter in both months and all between them."""
        return tuple(o for o in self.organisations if o.holds(first) and o.holds(last))

    def listed(self, organisation: str, site: str) -> bool:
        """Whether both stand in the perimeter."""
        return any(o.id == organisation for o in self.organisations) and any(
            s.id == site for s in self.sites
        )


def months_of(year: int) -> list[str]:
    """The twelve months of a year ("2026-01" to "2026-12")."""
    return [f"{year:04}-{month:02}" for month in range(1, 13)]


def remarks(perimeter: Perimeter) -> list[str]:
    """What is allowed but weakens the figures, one line each, for `sobre check` to show."""
    found = []
    certain = {
        stratum
        for units in perimeter.inventory.values()
        for stratum, (_, half_width) in units.items()
        if half_width == 0
    }
    if certain:
        found.append(
            f"inventory: {len(certain)} strata claim to be counted without error (half_width 0); "
            "state how far a count may be wrong"
        )
    if not perimeter.inventory:
        found.append("inventory: none; totals cover only the devices that report")
    if not perimeter.headcount:
        found.append("headcount: none; nothing can be said at constant user perimeter")
    elif any(half == 0 for counts in perimeter.headcount.values() for _, half in counts.values()):
        found.append("headcount: some counts claim no error (half_width 0); state one")
    baseline = perimeter.baseline
    if baseline.unproven:
        rows = ", ".join(f"{row.organisation} / {row.device_class}" for row in baseline.unproven)
        found.append(f"baseline: no document for {rows}; the report says so until one is named")
    if not baseline.approved_by or not baseline.approved_on:
        found.append("baseline: approved_by or approved_on is missing; say which role signed, when")
    lost = _gone(perimeter)
    if lost:
        found.append(lost)
    if not perimeter.user_definition or not perimeter.user_source:
        found.append("users: no definition or source; an auditor will ask who counts as a user")
    return found


def counted_twice(perimeter: Perimeter) -> list[str]:
    """What stands in the bills and in the inventory of one month: one problem a stratum."""
    found: dict[Stratum, str] = {}
    for name in sorted(perimeter.billed):
        units = perimeter.inventory_of(name).values
        for s in perimeter.billed[name]:
            if units.get(s, (0.0, 0.0))[0] > 0:
                found.setdefault(
                    s,
                    f"{s.organisation} / {s.site} / {s.device_class} of {name} stands in the "
                    "inventory too; give what is billed a site of its own, or write 0 units there",
                )
    return list(found.values())


def _gone(perimeter: Perimeter) -> str | None:
    months = sorted(perimeter.inventory)
    for before, after in pairwise(months):
        missing = perimeter.inventory[before].keys() - perimeter.inventory[after].keys()
        still = sorted(s for s in missing if perimeter.inventory[before][s][0] > 0)
        if still:
            s = still[0]
            return (
                f"inventory: {s.organisation} / {s.site} / {s.device_class} stands in {before} but "
                f"not in {after}; a stated month is complete, so write 0 units if none are left"
            )
    return None


def _stated(by_month: Mapping[str, Mapping[T, Counts]], month: str) -> Stated[Mapping[T, Counts]]:
    last = max((m for m in by_month if m <= month), default=None)
    return Stated({} if last is None else by_month[last], last, last != month)


def month_of(day: date) -> str:
    """The month that a day belongs to ("2026-11")."""
    return f"{day.year:04}-{day.month:02}"
