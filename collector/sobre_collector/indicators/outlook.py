"""Will the target be met? Probability, wording, budget of the rest of the year, scenarios.

A step that is decided (a site closes, laptops are renewed) is stated with its own uncertainty. It
is never learnt from the series: a trend that swallowed it would go on for ever (method 2.4).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, hypot, log, sqrt
from typing import Literal

from sobre_collector.indicators.forecast import Forecast, number
from sobre_collector.indicators.quantiles import t_cdf
from sobre_collector.indicators.trajectory import required_on_rest

Chance = Literal["very-likely", "likely", "uncertain", "unlikely"]

# Probability above which each wording holds (method 2.4).
WORDINGS: tuple[tuple[float, Chance], ...] = (
    (0.9, "very-likely"),
    (0.66, "likely"),
    (0.33, "uncertain"),
)
WORDS = {
    "very-likely": {"fr": "très probable", "en": "very likely"},
    "likely": {"fr": "probable", "en": "likely"},
    "uncertain": {"fr": "incertain", "en": "uncertain"},
    "unlikely": {"fr": "peu probable", "en": "unlikely"},
}


@dataclass(frozen=True, slots=True)
class Budget:
    """kWh that the rest of the year may use, and the reduction that this asks of it.

    `required_ratio` is None when no month is left; it exceeds 1 when the budget is spent.
    """

    target_kwh: float
    seen_kwh: float
    remaining_kwh: float
    baseline_rest_kwh: float
    required_ratio: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """A decided change: kWh per user and month from `month` on (negative saves), with u (k = 1)."""

    name: str
    month: str
    kwh: float
    u_kwh: float


def target_probability(
    expected: Forecast,
    *,
    goal_ratio: float,
    baseline_kwh_per_user: float,
    cv_baseline_ratio: float,
    correlation_ratio: float = 0.0,
) -> float:
    """P(R ≥ goal): F_t of ln[(1 − g)·E*/U] − ln F over the errors of forecast, panel and baseline.

    `correlation_ratio` is that of the panel's error with the baseline's: the same devices err the
    same way in both, as far as they are the same.
    """
    if not (baseline_kwh_per_user > 0 and goal_ratio < 1):
        raise ValueError(f"goal {goal_ratio} of {baseline_kwh_per_user} kWh per user: no target")
    panel = expected.cv_panel_ratio
    square = (
        expected.se_log**2
        + cv_baseline_ratio**2
        + panel**2
        - 2 * correlation_ratio * cv_baseline_ratio * panel
    )
    distance = log((1 - goal_ratio) * baseline_kwh_per_user) - log(expected.total_kwh)
    if square <= 0:
        return float(distance >= 0)
    return t_cdf(distance / sqrt(square), expected.df)


def chance(probability: float) -> Chance:
    """The wording of a probability; `WORDS` has it in French and English."""
    for above, wording in WORDINGS:
        if probability > above:
            return wording
    # At the limits the weaker word is used, save that 0.33 itself is not yet unlikely.
    return "uncertain" if probability >= WORDINGS[-1][0] else "unlikely"


def in_year_budget(target_kwh: float, seen_kwh: float, baseline_rest_kwh: float) -> Budget:
    """What is left of `target_kwh`, against the adjusted baseline of the months to come."""
    return Budget(
        target_kwh,
        seen_kwh,
        target_kwh - seen_kwh,
        baseline_rest_kwh,
        required_on_rest(target_kwh, seen_kwh, baseline_rest_kwh),
    )


def renewal(name: str, month: str, devices_n: int, before_w: float, after_w: float) -> Step:
    """n devices replaced, from mean watts around the clock; kWh per mean month, of the whole fleet.

    What new devices will use is a guess: u is half of the change over √3.
    """
    kwh = devices_n * (after_w - before_w) * 8766 / 12 / 1000
    return Step(name, month, kwh, abs(kwh) / 2 / sqrt(3))


def per_user(step: Step, users: float) -> Step:
    """A step of the whole fleet, as the forecast takes it."""
    return replace(step, kwh=step.kwh / users, u_kwh=step.u_kwh / users)


def with_steps(expected: Forecast, steps: Sequence[Step]) -> Forecast:
    """The forecast if the steps happen: each acts on the year's months from its own on.

    Errors of a step add linearly over its months, and in quadrature to the forecast's. ValueError
    if nothing would be left.
    """
    by_month = dict(expected.by_month_kwh)
    u_steps = []
    for step in steps:
        after = [month for month in by_month if number(month) >= number(step.month)]
        for month in after:
            by_month[month] += step.kwh
        u_steps.append(len(after) * step.u_kwh)
    total_kwh = fsum(by_month.values())
    if min(by_month.values()) < 0 or total_kwh <= 0:
        names = ", ".join(step.name for step in steps)
        raise ValueError(f"steps {names} save more than is used: check their kWh")
    own_kwh = expected.se_log * expected.total_kwh
    return replace(
        expected,
        total_kwh=total_kwh,
        se_log=hypot(own_kwh, *u_steps) / total_kwh,
        by_month_kwh=by_month,
    )
