"""Where consumption should be by now, and whether it is (method 2.4).

A value is dated at the end of its twelve months. "On the path" is said only when the interval of
the gap lies within a margin: not being able to tell a difference proves nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sobre_collector.indicators.reduction import Reduction

Path = Literal["linear", "stepwise", "compound"]
Status = Literal["ahead", "behind", "on-path", "not-conclusive", "insufficient"]

ON_PATH_MARGIN_RATIO = 0.01


@dataclass(frozen=True, slots=True)
class Target:
    """The goal as a ratio (0.15) of the baseline year, to be reached in the target year.

    `milestones` gives ratios by calendar year, and serves the stepwise path.
    """

    goal_ratio: float
    baseline_year: int
    target_year: int
    path: Path = "linear"
    milestones: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.target_year <= self.baseline_year:
            raise ValueError(
                f"target year {self.target_year} is not after baseline year {self.baseline_year}"
            )
        if not self.goal_ratio < 1:
            raise ValueError(f"goal {self.goal_ratio}: give a ratio such as 0.15, not a percentage")

    @property
    def duration_years(self) -> int:
        """Years from the end of the baseline year to the end of the target year."""
        return self.target_year - self.baseline_year


@dataclass(frozen=True, slots=True)
class Standing:
    """A reduction against the path, in ratios; None where it cannot be told."""

    status: Status
    path_ratio: float
    gap_ratio: float | None
    gap_interval: tuple[float, float] | None
    required_linear_ratio_per_year: float | None
    required_compound_ratio_per_year: float | None


def elapsed_years(last_month: str, baseline_year: int) -> float:
    """Years from the end of the baseline year to the end of `last_month` ("2025-09")."""
    year, month = int(last_month[:4]), int(last_month[5:7])
    return year - baseline_year - 1 + month / 12


def path_ratio(target: Target, years: float) -> float:
    """The reduction that should be reached after so many years; 0 before, the goal afterwards."""
    if years <= 0:
        return 0.0
    done = min(1.0, years / target.duration_years)
    if target.path == "linear":
        return target.goal_ratio * done
    if target.path == "compound":
        return float(1 - (1 - target.goal_ratio) ** done)
    steps = {**target.milestones, target.target_year: target.goal_ratio}
    passed = [ratio for year, ratio in steps.items() if year - target.baseline_year <= years]
    return max(passed, default=0.0)


def standing(
    found: Reduction,
    target: Target,
    years: float,
    *,
    margin_ratio: float = ON_PATH_MARGIN_RATIO,
) -> Standing:
    """Status of a reduction dated `years` after the end of the baseline year."""
    wanted = path_ratio(target, years)
    value, low, high = found.reduction_ratio, found.low_ratio, found.high_ratio
    if value is None or low is None or high is None:
        return Standing("insufficient", wanted, None, None, None, None)
    gap_low, gap_high = low - wanted, high - wanted
    linear, compound = required(target, value, years)
    return Standing(
        _status(gap_low, gap_high, margin_ratio),
        wanted,
        value - wanted,
        (gap_low, gap_high),
        linear,
        compound,
    )


def _status(gap_low: float, gap_high: float, margin_ratio: float) -> Status:
    if gap_low > 0:
        return "ahead"
    if gap_high < 0:
        return "behind"
    if -margin_ratio <= gap_low and gap_high <= margin_ratio:
        return "on-path"
    return "not-conclusive"


def required(target: Target, now_ratio: float, years: float) -> tuple[float | None, float | None]:
    """What each remaining year must bring: ratio added (linear), and yearly change (compound).

    Both None once the target year is over.
    """
    left = target.duration_years - years
    if left <= 0:
        return None, None
    compound = ((1 - target.goal_ratio) / (1 - now_ratio)) ** (1 / left) - 1
    return (target.goal_ratio - now_ratio) / left, compound


def required_on_rest(
    target_kwh: float, so_far_kwh: float, baseline_rest_kwh: float
) -> float | None:
    """Reduction that the rest of the year must show for the year to meet `target_kwh`.

    `baseline_rest_kwh` is the adjusted baseline of the months to come; None if none are.
    """
    if baseline_rest_kwh <= 0:
        return None
    return 1 - (target_kwh - so_far_kwh) / baseline_rest_kwh


def trailing_months(complete: Iterable[str], last_month: str) -> tuple[str, ...] | None:
    """The twelve months that end with `last_month`; None if one of them is not complete."""
    number = int(last_month[:4]) * 12 + int(last_month[5:7]) - 1
    wanted = tuple(f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(number - 11, number + 1))
    return wanted if set(wanted) <= set(complete) else None
