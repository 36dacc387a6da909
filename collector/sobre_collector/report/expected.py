"""Where the target year will end at this pace, what it still asks, and what decided steps change.

The forecast learns from the months; a scenario is stated by people and stands apart from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators import outlook as looking
from sobre_collector.indicators.forecast import LEAST_MONTHS, Forecast, forecast, number
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.indicators.trajectory import elapsed_years, path_ratio, standing
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note
from sobre_collector.report.monthly import users
from sobre_collector.report.target import target_of

LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class Expected:
    """A forecast of the target year as a reduction (positive: fall), with its interval at 90 %.

    `probability_ratio` is that of reaching the target, the baseline's error included, and `chance`
    its wording. `per_user_kwh` is what a user would use in the year.
    """

    name: str
    per_user_kwh: float
    reduction_ratio: float
    low_ratio: float
    high_ratio: float
    probability_ratio: float
    chance: str


@dataclass(frozen=True, slots=True)
class Budget:
    """What the running year may still use; `required_ratio` is the reduction that asks of it."""

    year: int
    months_left: int
    target_kwh: float
    seen_kwh: float
    remaining_kwh: float
    baseline_rest_kwh: float
    required_ratio: float | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """Required pace (ratios per year), budget, forecast and scenarios; None where there is none.

    `missing` says why there is no forecast. `rho_ratio` is the correlation of the residuals,
    stated by people or estimated,
    `trend_ratio_per_year` the drift that the months show (negative when falling).
    """

    target_year: int
    target_ratio: float
    required_linear_ratio: float | None
    required_compound_ratio: float | None
    budget: Budget | None
    months_known: int
    forecast: Expected | None
    rho_ratio: float | None
    trend_ratio_per_year: float | None
    scenarios: tuple[Expected, ...]
    missing: tuple[Note, ...]
    notes: tuple[Note, ...] = ()
    rho_stated: bool = False


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Outlook | None:
    """The outlook from a result; without one there is nothing to reach out from."""
    target = target_of(drawn)
    if not found or target is None:
        return None
    last = drawn.months[-1]
    stands = standing(found[0], target, elapsed_years(last, target.baseline_year))
    history = per_user_kwh(drawn)
    months = months_of(target.target_year)
    missing = _missing(history, months, target.target_year)
    seen = None if missing else forecast_of(drawn, found[0], history, months)
    scenarios, notes = _scenarios(drawn, found[0], seen, target.goal_ratio)
    return Outlook(
        target.target_year,
        target.goal_ratio,
        stands.required_linear_ratio_per_year,
        stands.required_compound_ratio_per_year,
        _budget(drawn, found[0]),
        len(history),
        None if seen is None else _expected("", seen, found[0], target.goal_ratio),
        None if seen is None else seen.rho_ratio,
        None if seen is None else seen.trend_log_per_year,
        scenarios,
        missing,
        notes,
        drawn.fleet.perimeter.correlation.months_ratio is not None,
    )


def per_user_kwh(drawn: Drawn) -> dict[str, float]:
    """kWh per user of each complete month that has both."""
    history = {}
    for month in drawn.fleet.complete:
        if month > drawn.months[-1]:
            continue
        counted = users(drawn.fleet.perimeter, [month], drawn.fleet.organisations)
        kwh = fsum(one.total_kwh for one in drawn.fleet.of([month]))
        if counted is not None and kwh > 0:
            history[month] = kwh / counted.count
    return history


def _missing(history: dict[str, float], months: Sequence[str], year: int) -> tuple[Note, ...]:
    if all(month in history for month in months) or (history and max(history) >= months[-1]):
        return (Note("forecast-over", {"target_year": year}),)
    if len(history) < LEAST_MONTHS:
        values: dict[str, str | int | float] = {"known": len(history), "least": LEAST_MONTHS}
        return (Note("forecast-short", values),)
    seasons = {number(month) % 12 for month in history}
    if len(seasons) < 12:
        return (Note("forecast-season", {"count": 12 - len(seasons)}),)
    if any(month not in history and month < max(history) for month in months):
        lacking = [m for m in months if m not in history and m < max(history)]
        return (Note("forecast-hole", {"months": ", ".join(lacking)}),)
    return ()


def forecast_of(
    drawn: Drawn, found: Reduction, history: dict[str, float], months: Sequence[str]
) -> Forecast | None:
    """The target year in kWh per user, from what is known of `history`."""
    # The panel errs the same way in all months, which no residual can show (method 2.0).
    cv_panel = found.reporting.u_kwh / found.reporting.total_kwh
    rho = drawn.fleet.perimeter.correlation.months_ratio
    return forecast(history, months, rho_ratio=rho, cv_panel_ratio=cv_panel)


def _expected(label: str, seen: Forecast, found: Reduction, goal_ratio: float) -> Expected:
    reference_kwh = reference_per_user_kwh(found)
    low_kwh, high_kwh = seen.interval_kwh(LEVEL)
    probability = looking.target_probability(
        seen,
        goal_ratio=goal_ratio,
        baseline_kwh_per_user=reference_kwh,
        cv_baseline_ratio=found.adjusted.u_kwh / found.adjusted.total_kwh,
    )
    return Expected(
        label,
        seen.total_kwh,
        1 - seen.total_kwh / reference_kwh,
        1 - high_kwh / reference_kwh,
        1 - low_kwh / reference_kwh,
        probability,
        looking.chance(probability),
    )


def reference_per_user_kwh(found: Reduction) -> float:
    """The adjusted baseline per user of the reporting period: R is the same per user or in all."""
    return found.adjusted.total_kwh * found.reporting_kwh_per_user / found.reporting.total_kwh


def _scenarios(
    drawn: Drawn, found: Reduction, seen: Forecast | None, goal_ratio: float
) -> tuple[tuple[Expected, ...], tuple[Note, ...]]:
    stated = drawn.fleet.perimeter.scenarios
    if not stated or seen is None or drawn.after is None:
        return (), ()
    steps = [looking.per_user(one.step(), drawn.after.count) for one in stated]
    choices = [(step.name, [step]) for step in steps]
    if len(steps) > 1:
        choices.append(("*", steps))
    expected, notes = [], []
    for label, chosen in choices:
        try:
            changed = looking.with_steps(seen, chosen)
        except ValueError:
            notes.append(Note("scenario-too-large", {"names": label}))
            continue
        expected.append(_expected(label, changed, found, goal_ratio))
    return tuple(expected), tuple(notes)


def _budget(drawn: Drawn, found: Reduction) -> Budget | None:
    """The rest of the calendar year in which the last month lies; None when the year is whole."""
    year = int(drawn.months[-1][:4])
    months, target = months_of(year), target_of(drawn)
    seen = [m for m in months if m in drawn.fleet.complete and m <= drawn.months[-1]]
    rest = [m for m in months if m > drawn.months[-1]]
    if not rest or not seen or len(seen) + len(rest) < 12 or target is None:
        return None
    adjusted_kwh = found.adjusted.total_kwh
    goal = path_ratio(target, float(year - target.baseline_year))
    found_budget = looking.in_year_budget(
        (1 - goal) * adjusted_kwh,
        fsum(one.total_kwh for one in drawn.fleet.of(seen)),
        adjusted_kwh * _share(drawn, rest),
    )
    return Budget(
        year,
        len(rest),
        found_budget.target_kwh,
        found_budget.seen_kwh,
        found_budget.remaining_kwh,
        found_budget.baseline_rest_kwh,
        found_budget.required_ratio,
    )


def _share(drawn: Drawn, rest: Sequence[str]) -> float:
    """What part of a year these months make: of a measured baseline, else of the last twelve."""
    stated = drawn.fleet.perimeter.baseline
    whole = months_of(stated.year) if stated.kind == "measured" else list(drawn.months)
    wanted = {month[5:] for month in rest}
    by_month = {m: fsum(one.total_kwh for one in drawn.fleet.of([m])) for m in whole}
    return fsum(kwh for m, kwh in by_month.items() if m[5:] in wanted) / fsum(by_month.values())
