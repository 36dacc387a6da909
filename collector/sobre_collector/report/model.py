"""The report as data: every figure that a page, file or terminal shows, computed once.

Energies are kWh, shares and evolutions are ratios (0.092 for 9.2 %), times ISO texts. None is "not
known" or "not to be published"; `missing` and `notes` say which and why, as codes that `wording`
turns into sentences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Values = Mapping[str, str | int | float]

# method.md 2.3: a result of which less was measured says that it is provisional.
PROVISIONAL_BELOW_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Note:
    """A weakness or a missing thing: a code of the wording, and what its sentence names.

    The end of a value's name says how it is written: `_ratio` as a percentage, `_kwh` as energy.
    """

    code: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RatioInterval:
    """A two-sided interval of a reduction; positive is a fall."""

    level_ratio: float
    low_ratio: float
    high_ratio: float


@dataclass(frozen=True, slots=True)
class KwhInterval:
    """A two-sided interval of an energy."""

    level_ratio: float
    low_kwh: float
    high_kwh: float


@dataclass(frozen=True, slots=True)
class Period:
    """What is reported for a year: ISO dates of the first and last day, and the complete months.

    `complete` is False unless these are the twelve months of the year itself.
    """

    year: int
    start: str
    end: str
    months: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Baseline:
    """The reference situation and its evidence; `u_kwh` is a standard uncertainty (k = 1).

    It is that of the kWh themselves, with what power models err by; `u_compared_kwh` is without,
    as R takes it, since the same model errs alike in both periods.
    """

    year: int
    kind: str
    energy_kwh: float | None
    u_kwh: float | None
    evidence: str
    approved_by: str = ""
    approved_on: str = ""
    u_compared_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Users:
    """Users in the constant perimeter, as means over each period."""

    baseline: float | None
    reporting: float | None
    definition: str


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of the reporting period: its estimate, and what it is made of.

    The three shares add up to 1. `naive_kwh` is what adding up the monitored devices gives.
    `u_kwh` is that of the kWh themselves; `u_compared_kwh` that which R takes, with only so much of
    the power models' error as does not cancel (None without a result).
    """

    energy_kwh: float | None
    u_kwh: float | None
    interval: KwhInterval | None
    measured_share_ratio: float | None
    estimated_share_ratio: float | None
    extrapolated_share_ratio: float | None
    naive_kwh: float | None
    u_compared_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A reduction R = 1 − E_R/E*, positive when falling; `evolution_ratio` is its negative.

    `intervals` hold R at 95 % and at 90 %.
    """

    adjusted_baseline_kwh: float
    reduction_ratio: float
    evolution_ratio: float
    intervals: tuple[RatioInterval, ...]
    avoided_kwh: float
    avoided_interval: KwhInterval | None
    baseline_kwh_per_user: float | None
    reporting_kwh_per_user: float | None


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the result so that it can be judged; each a reduction, positive = fall.

    `raw_ratio` leaves the users out, `phi0_ratio` takes no use as driven by them, `naive_ratio` is
    what the sum of a dashboard would say per user.
    """

    raw_ratio: float | None
    phi0_ratio: float | None
    naive_ratio: float | None
    phi0_interval: RatioInterval | None = None
    raw_interval: RatioInterval | None = None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Where the reduction stands on its way to the target; gap = trailing reduction − path.

    `status`: ahead, behind, on-path, not-conclusive, or insufficient (then the figures are None).
    """

    target_year: int
    target_ratio: float
    status: str
    window_end: str | None = None
    trailing_ratio: float | None = None
    path_ratio: float | None = None
    gap_ratio: float | None = None
    gap_low_ratio: float | None = None
    gap_high_ratio: float | None = None
    required_yearly_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """One month of the trajectory: the estimate with its interval, and what it is set against.

    `path_kwh` is the month's share of the adjusted baseline on the target path, None where the
    baseline has no months.
    """

    month: str
    energy_kwh: float | None
    low_kwh: float | None
    high_kwh: float | None
    naive_kwh: float | None
    baseline_kwh: float | None
    path_kwh: float | None
    users: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Energy of an organisation or a class; None where publishing it would tell of too few."""

    name: str
    energy_kwh: float | None
    low_kwh: float | None
    high_kwh: float | None

    @property
    def suppressed(self) -> bool:
        """Whether the figure is kept back for privacy."""
        return self.energy_kwh is None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a stratum is monitored: `inventory` units (N), `devices` (n), f in device-days.

    `devices` and `coverage_ratio` are None for fewer workstations than may be published, and for
    so few printers of which one may stand in an office.
    """

    organisation: str
    site: str
    device_class: str
    inventory: float
    devices: int | None
    coverage_ratio: float | None
    method: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Conserved:
    """The account of every joule since the store began (J).

    The first four are None while there are a few workstations only: they would tell of these.
    """

    stored_j: int | None
    quarantined_j: int | None
    voided_j: int | None
    late_j: int | None
    missing_j: int
    doubled_j: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an auditor needs to compute it again."""

    generated_at: str
    method_version: str
    software_version: str
    input_sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """One published result with everything beside it; `result` is None where it is insufficient.

    `publish_at_least` is the least number of workstations of which anything is said. `sections`
    holds the figures of each section of `sobre_collector.report.sections` by its name.
    """

    simulated: bool
    perimeter: str
    period: Period
    baseline: Baseline
    users: Users
    energy: Energy
    result: Result | None
    missing: tuple[Note, ...]
    beside: Beside
    trajectory: Trajectory
    months: tuple[MonthFigures, ...]
    organisations: tuple[Group, ...]
    classes: tuple[Group, ...]
    coverage: tuple[Coverage, ...]
    conservation: Conserved | None
    notes: tuple[Note, ...]
    provenance: Provenance
    publish_at_least: int
    sections: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weak(self) -> tuple[str, ...]:
        """Why a result is provisional.

        "months" (not the whole year), "measured" (under half), or "inventory" (below what is seen
        in most strata: it is then a part of the fleet that is called the whole).
        """
        measured = self.energy.measured_share_ratio
        too_small = sum("inventory-too-small" in one.flags for one in self.coverage)
        return tuple(
            name
            for name, holds in (
                ("months", not self.period.complete),
                ("measured", measured is not None and measured < PROVISIONAL_BELOW_RATIO),
                ("inventory", 2 * too_small > len(self.coverage)),
            )
            if holds
        )

    @property
    def status(self) -> str:
        """What the result is worth: complete, provisional or insufficient (then there is none)."""
        if self.result is None:
            return "insufficient"
        return "provisional" if self.weak else "complete"

    @property
    def empty(self) -> bool:
        """Whether no month is over yet, not even one that may not be shown."""
        return not self.months
