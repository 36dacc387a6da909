"""One fleet's answer: R with its intervals by the product, and what other ways would say."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, sqrt

from coverage_study.fleet import METERED, USERS, YEARS, Fleet, Rollout, fleet
from coverage_study.months import Month, months
from sobre_collector.indicators import device_year
from sobre_collector.indicators.baseline import Baseline, measured
from sobre_collector.indicators.exchangeability import verdict
from sobre_collector.indicators.linked import (
    Linked,
    LinkedStratum,
    disagrees,
    linked_reduction,
    matched,
)
from sobre_collector.indicators.moments import Stratum, stratum_month
from sobre_collector.indicators.naive import naive_sum_kwh, pooled_mean_kwh
from sobre_collector.indicators.quantiles import satterthwaite
from sobre_collector.indicators.reduction import Energy, Users, reduction, reported
from sobre_collector.indicators.total import StratumTotal, month_total, year_total

LEVELS = (0.90, 0.95)
# What the accumulator of single devices may hold; here every class stands for one of these.
IMPERSONAL = "network"


@dataclass(frozen=True)
class Answer:
    """Estimates of R by the name of the way, and intervals by (way, level)."""

    truth: float
    estimates: dict[str, float]
    intervals: dict[tuple[str, float], tuple[float, float]]
    alarm: bool
    link_alarm: bool


def answer(seed: int, rollout: Rollout, device_years: bool = True) -> Answer:
    """Simulate a fleet and evaluate it."""
    made = fleet(seed, rollout)
    return evaluated(made, months(made), device_years)


def evaluated(made: Fleet, closed: Sequence[Month], device_years: bool = True) -> Answer:
    """Through months, totals and reduction of the product."""
    years = [[m for m in closed if m.name.startswith(str(year))] for year in YEARS]
    totals = [
        [
            one
            for before, m in pairwise([None, *year])
            if m is not None
            for one in month_total(m.rows, m.inventory, earlier=before.rows if before else ())
        ]
        for year in years
    ]
    before, after = (year_total(of_year) for of_year in totals)
    users = [Users(count) for count in USERS]
    estimates: dict[str, float] = {}
    intervals: dict[tuple[str, float], tuple[float, float]] = {}

    def reduced(way: str, baseline: Baseline, energy: Energy, rho: float = 0.0) -> float:
        for level in LEVELS:
            found = reduction(
                baseline,
                energy,
                before=users[0],
                after=users[1],
                level=level,
                correlation_ratio=rho,
            )
            assert found.reduction_ratio is not None, found.insufficient
            assert found.low_ratio is not None
            assert found.high_ratio is not None
            estimates[way] = found.reduction_ratio
            intervals[way, level] = (found.low_ratio, found.high_ratio)
        return found.se_ratio or 0.0

    se = reduced("product", measured(before), reported(after))
    if device_years:
        for way, rho, energies in _device_years(years, (before.total_kwh, after.total_kwh)):
            reduced(way, Baseline("measured", *energies[0]), Energy(*energies[1]), rho)
    per_user = USERS[1] / USERS[0]
    sums = [sum(naive_sum_kwh(m.rows) for m in year) for year in years]
    estimates["naive sum"] = 1 - sums[1] / sums[0] / per_user
    pooled = [sum(_pooled_kwh(m) for m in year) for year in years]
    estimates["pooled mean"] = 1 - pooled[1] / pooled[0] / per_user
    link = _linked(years, totals)
    estimates["linked"] = link.reduction_ratio
    asked = verdict(one for m in closed for one in m.comparisons)
    return Answer(
        made.true_reduction(),
        estimates,
        intervals,
        asked.alarm,
        disagrees(estimates["product"], se, link),
    )


def _pooled_kwh(m: Month) -> float:
    """The metered room as it is, all else as mean device × inventory."""
    room = [row for row in m.rows if row.stratum == METERED]
    sampled = [row for row in m.rows if row.stratum != METERED]
    units = {s: n for s, n in m.inventory.items() if s != METERED}
    return naive_sum_kwh(room) + (pooled_mean_kwh(sampled, units) or 0.0)


def _linked(years: Sequence[Sequence[Month]], totals: Sequence[Sequence[StratumTotal]]) -> Linked:
    kwh = [
        {s: sum(t.total_kwh for t in of_year if t.stratum == s) for s in years[0][0].inventory}
        for of_year in totals
    ]
    strata = []
    for stratum in years[0][0].inventory:
        if stratum == METERED:
            continue
        n = [sum(m.inventory[stratum][0] for m in year) / 12 for year in years]
        pairs = tuple(
            matched(b.devices[stratum], r.devices[stratum], r.calendar_days)
            for b, r in zip(*years, strict=True)
        )
        strata.append(LinkedStratum(stratum, kwh[0][stratum], n[0], n[1], pairs))
    found = linked_reduction(
        strata,
        census_before_kwh=kwh[0][METERED],
        census_after_kwh=kwh[1][METERED],
        users_before=USERS[0],
        users_after=USERS[1],
    )
    assert found is not None
    return found


def _device_years(
    years: Sequence[Sequence[Month]], kwh: tuple[float, float]
) -> list[tuple[str, float, list[tuple[float, float, float]]]]:
    """(way, correlation, [(kWh, u, df) of both years]) by the running value of each device."""
    variances, covariance = [0.0, 0.0], 0.0
    parts: tuple[list[tuple[float, float]], ...] = ([], [])
    for stratum in years[0][0].inventory:
        as_network = replace(stratum, device_class=IMPERSONAL)
        of_years = [_accumulated(year, stratum, as_network) for year in years]
        for k, one in enumerate(of_years):
            variance = device_year.variance_kwh2(one)
            variances[k] += variance
            parts[k].append((variance, device_year.degrees_of_freedom(one)))
        covariance += device_year.covariance_kwh2(*of_years)
    energies = [
        (kwh[k], sqrt(variances[k]), satterthwaite(parts[k]) if variances[k] else inf)
        for k in (0, 1)
    ]
    rho = covariance / sqrt(variances[0] * variances[1])
    return [("device-year", 0.0, energies), ("device-year, matched", rho, energies)]


def _accumulated(
    year: Sequence[Month], stratum: Stratum, renamed: Stratum
) -> device_year.DeviceYear:
    so_far = device_year.DeviceYear(renamed)
    for m in year:
        devices = m.devices[stratum]
        row = stratum_month(m.name, renamed, m.calendar_days, devices.values())
        so_far = device_year.month_closed(so_far, row, devices, m.inventory[stratum][0])
    return so_far
