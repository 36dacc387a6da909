"""What perimeter.toml may say, table by table; config/perimeter.example.toml explains each key."""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sobre_collector.perimeter.correlation import Correlation
from sobre_collector.perimeter.scenarios import Scenario
from sobre_collector.perimeter.tables import month
from sobre_drivers.load import CLASSES

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class HoursTable:
    """`[working_hours]`: hours of presence, local."""

    start_h: int = 7
    end_h: int = 20
    days: tuple[int, ...] = (1, 2, 3, 4, 5)

    def __post_init__(self) -> None:
        if not 0 <= self.start_h < self.end_h <= 24:
            raise ValueError(f"start_h {self.start_h} to end_h {self.end_h}: write 7 and 20")
        if not set(self.days) <= set(range(1, 8)):
            raise ValueError(f"days {list(self.days)}: 1 is Monday, 7 Sunday")


@dataclass(frozen=True, slots=True)
class UsersTable:
    """`[users]`: who counts as a user, and which register says how many there are."""

    definition: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class OrganisationTable:
    """`[[organisations]]`: one entity; months in which it belongs to the perimeter."""

    id: str
    name: str
    since: str | None = None
    until: str | None = None

    def __post_init__(self) -> None:
        _identifier(self.id)
        for key in ("since", "until"):
            _month_key(key, getattr(self, key))
        if self.since and self.until and self.until < self.since:
            raise ValueError(f"until {self.until} is before since {self.since}; correct one")


@dataclass(frozen=True, slots=True)
class SiteTable:
    """`[[sites]]`: one place."""

    id: str
    name: str

    def __post_init__(self) -> None:
        _identifier(self.id)


@dataclass(frozen=True, slots=True)
class MilestoneTable:
    """`[[target.milestones]]`: a step of a stepwise path."""

    year: int
    reduction_ratio: float


@dataclass(frozen=True, slots=True)
class TargetTable:
    """`[target]`: the reduction due, and the path to it."""

    reduction_ratio: float = 0.15
    year: int = 2026
    path: Literal["linear", "stepwise", "compound"] = "linear"
    milestones: tuple[MilestoneTable, ...] = ()

    def __post_init__(self) -> None:
        for ratio in (self.reduction_ratio, *(m.reduction_ratio for m in self.milestones)):
            if not 0 < ratio < 1:
                raise ValueError(f"reduction_ratio {ratio}: write 0.15 for a reduction of 15 %")
        years = [m.year for m in self.milestones]
        if years != sorted(set(years)):
            raise ValueError(f"milestones of the years {years}: put each year once, in order")
        if (self.path == "stepwise") != bool(years):
            raise ValueError("milestones belong to path = 'stepwise', and it needs at least one")


@dataclass(frozen=True, slots=True)
class BaselineTable:
    """`[baseline]`: the reference situation; its year has no default on purpose."""

    year: int
    kind: Literal["measured", "declared", "billed", "partial-year", "modelled"]
    months: tuple[str, ...] = ()
    shares_year: int | None = None
    approved_by: str = ""
    approved_on: str = ""

    def __post_init__(self) -> None:
        if not 1990 <= self.year <= 2100:
            raise ValueError(f"year {self.year}: write the baseline year, such as 2022")
        partial = self.kind == "partial-year"
        if partial != bool(self.months) or partial != (self.shares_year is not None):
            raise ValueError(
                "months and shares_year belong to kind = 'partial-year'; it needs both"
            )
        for text_ in self.months:
            _month_key("months", text_)
            if not text_.startswith(f"{self.year:04}-"):
                raise ValueError(f"months: {text_} is not of the baseline year {self.year}")
        if self.shares_year is not None and self.shares_year <= self.year:
            raise ValueError(f"shares_year {self.shares_year}: a later, fully measured year is due")
        if self.approved_on:
            try:
                date.fromisoformat(self.approved_on)
            except ValueError as error:
                raise ValueError(f"approved_on {self.approved_on!r}: write 2026-11-30") from error


@dataclass(frozen=True, slots=True)
class FilesTable:
    """`[files]`: tables beside this file."""

    inventory: Path | None = None
    headcount: Path | None = None
    baseline: Path | None = None
    metering: Path | None = None
    billed: Path | None = None
    degree_days: Path | None = None
    printers: Path | None = None
    page_counters: Path | None = None
    printing: Path | None = None
    rooms: Path | None = None
    emission_factors: Path | None = None
    prices: Path | None = None


@dataclass(frozen=True, slots=True)
class PerimeterTable:
    """The whole of perimeter.toml."""

    baseline: BaselineTable
    organisations: tuple[OrganisationTable, ...]
    sites: tuple[SiteTable, ...]
    timezone: str = "Europe/Paris"
    publish_at_least: int = 10
    working_hours: HoursTable = field(default_factory=HoursTable)
    users: UsersTable = field(default_factory=UsersTable)
    target: TargetTable = field(default_factory=TargetTable)
    user_factor: dict[str, float] = field(default_factory=dict)
    files: FilesTable = field(default_factory=FilesTable)
    scenarios: tuple[Scenario, ...] = ()
    correlation: Correlation = field(default_factory=Correlation)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"timezone {self.timezone!r}: write one such as Europe/Paris"
            ) from error
        if self.publish_at_least < 10:
            # Nobody may weaken what protects people (design.md, people's data).
            raise ValueError(f"publish_at_least {self.publish_at_least}: 10 or more")
        for kind, entries in (("organisations", self.organisations), ("sites", self.sites)):
            ids = [entry.id for entry in entries]
            if not ids:
                raise ValueError(f"{kind}: none; list at least one")
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"{kind}: {', '.join(twice)} twice; keep one of each")
        for name, ratio in self.user_factor.items():
            if name not in CLASSES:
                raise ValueError(f"user_factor: {name!r} is no class; known: {', '.join(CLASSES)}")
            if not 0 <= ratio <= 1:
                raise ValueError(f"user_factor of {name}: {ratio}; 0 to 1")
        if self.target.year <= self.baseline.year:
            raise ValueError(
                f"target.year {self.target.year} is not after baseline.year {self.baseline.year}"
            )
        if (self.baseline.kind == "measured") == (self.files.baseline is not None):
            raise ValueError(
                "files.baseline is needed unless baseline.kind is 'measured', and useless then"
            )


def _identifier(value: str) -> None:
    if _ID.fullmatch(value) is None:
        raise ValueError(f"id {value!r}: small letters, digits, '.', '_' and '-' only, 63 at most")


def _month_key(key: str, value: str | None) -> None:
    if value is not None:
        try:
            month(value)
        except ValueError as error:
            raise ValueError(f"{key} {value!r}: write the month as 2026-11") from error
