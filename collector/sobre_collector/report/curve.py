"""The months as a curve: estimate with interval, reference and target of each."""

from math import fsum

from sobre_collector.indicators.total import year_total
from sobre_collector.indicators.trajectory import Target, elapsed_years, path_ratio
from sobre_collector.report.model import MonthFigures
from sobre_collector.report.monthly import Fleet, users

LEVEL = 0.95


def curve(
    fleet: Fleet,
    target: Target | None,
    adjusted_ratio: float | None,
) -> tuple[MonthFigures, ...]:
    """All months since the baseline year began; those of too few workstations without energies.

    The target of a month is the same month of a measured baseline, adjusted as the whole is, less
    what the path asks at its end.
    """
    months = sorted((*fleet.complete, *fleet.too_few))
    return tuple(_month(fleet, month, target, adjusted_ratio) for month in months)


def _month(
    fleet: Fleet,
    month: str,
    target: Target | None,
    adjusted_ratio: float | None,
) -> MonthFigures:
    counted = users(fleet.perimeter, [month], fleet.organisations)
    users_n = counted.count if counted else None
    if month in fleet.too_few:
        return MonthFigures(month, None, None, None, None, None, None, users_n)
    total = year_total(fleet.absolute([month]))
    low_kwh, high_kwh = total.interval(LEVEL)
    stated = fleet.perimeter.baseline
    same = f"{stated.year:04}-{month[5:7]}"
    known = stated.kind == "measured" and same in fleet.complete
    baseline_kwh = fsum(one.total_kwh for one in fleet.of([same])) if known else None
    path_kwh = None
    if baseline_kwh is not None and target is not None and adjusted_ratio is not None:
        years = elapsed_years(month, stated.year)
        if years > 0:
            path_kwh = baseline_kwh * adjusted_ratio * (1 - path_ratio(target, years))
    return MonthFigures(
        month,
        total.total_kwh,
        max(0.0, low_kwh),
        high_kwh,
        fleet.naive_kwh([month]),
        baseline_kwh,
        path_kwh,
        users_n,
    )
