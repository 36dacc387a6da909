"""Printers by model and size, and what a schedule would save: energy of monitored printers.

Never one printer by itself: models and sizes of fewer than are published together make one group,
since a printer may stand in one person's office.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum

from sobre_collector.indicators.printer_fleet import ModelUse, uses
from sobre_collector.indicators.printer_use import (
    Saving,
    WindowUse,
    page_energy_of,
    schedule_saving,
    smaller_range_saving,
)
from sobre_collector.indicators.unit_month import Printing, UnitMonth
from sobre_collector.perimeter.printing import SIZES
from sobre_collector.report.model import KwhInterval
from sobre_collector.report.printer_years import LEVEL, Period
from sobre_drivers.calendar import WorkingHours

OTHER = "other"
YEAR_DAYS = 365
# What a schedule leaves and costs: off mode of Regulation (EU) 2023/826, and a warm-up a morning,
# known to a factor of two. `sobre printers schedule` takes others.
OFF_W = 0.5
RESTART_KWH, U_RESTART_KWH = 0.02, 0.01


@dataclass(frozen=True, slots=True)
class Group:
    """Monitored printers of a model or size; energy per page holds all standby, or only a page."""

    name: str
    printers: int
    kwh_per_week: float
    wh_per_page: float | None
    wh_per_further_page: float | None
    standby_kwh_per_day: float | None


@dataclass(frozen=True, slots=True)
class SizeSaving:
    """kWh per year if `printers` of the `larger` range used what those of the `smaller` do."""

    larger: str
    smaller: str
    printers: int
    kwh: float
    interval: KwhInterval


def groups(
    rows: Sequence[UnitMonth], name: Callable[[Printing], str], at_least: int
) -> tuple[Group, ...]:
    """Models or sizes; those of too few printers are one group, shown if it is large enough."""
    few = {use.name for use in uses(rows, name) if use.printers_n < at_least}

    def grouped(printing: Printing) -> str:
        return OTHER if name(printing) in few else name(printing)

    return tuple(_group(use) for use in uses(rows, grouped) if use.printers_n >= at_least)


def size_savings(rows: Sequence[UnitMonth], at_least: int) -> tuple[SizeSaving, ...]:
    """Does the smaller range pay? Each size against the next larger one, for its monitored ones."""
    sizes = {use.name: use for use in uses(rows, lambda p: p.size) if use.printers_n >= at_least}
    present = [sizes[size] for size in SIZES if size in sizes]
    found = []
    for smaller, larger in pairwise(present):
        n = larger.printers_n
        saved = smaller_range_saving(_yearly(larger), _yearly(smaller), n)
        interval = KwhInterval(LEVEL, *saved.interval_kwh(LEVEL))
        found.append(SizeSaving(larger.name, smaller.name, n, saved.kwh, interval))
    return tuple(found)


def schedule(hours: WorkingHours, of: Period) -> Saving | None:
    """What being off outside working hours on work days would save in a year; None for too few.

    Pages printed in those hours are not taken off here, for days do not tell them;
    `sobre printers schedule` does, from the loads.
    """
    window_h = 24 - (hours.end_h - hours.start_h)
    by_unit: dict[tuple[str, str], list[UnitMonth]] = {}
    for row in of.rows:
        by_unit.setdefault((row.node, row.device), []).append(row)
    windows = [
        WindowUse(fsum(row.out_kwh[0] for row in rows), 0.0, window_h * days, days)
        for rows in by_unit.values()
        if (days := fsum(row.valid_days[0] for row in rows)) > 0
    ]
    if len(windows) < 2:
        return None
    return schedule_saving(
        windows,
        fleet_n=max(of.printers_n, len(windows)),
        off_w=OFF_W,
        restart_kwh=RESTART_KWH,
        u_restart_kwh=U_RESTART_KWH,
        days_per_year=of.calendar_days[0] * YEAR_DAYS / sum(of.calendar_days),
    )


def _group(use: ModelUse) -> Group:
    energy = page_energy_of(use.sums, use.sums.days) if use.sums.days else None
    return Group(
        use.name,
        use.printers_n,
        use.kwh_per_day * 7,
        energy.wh_per_page if energy else None,
        energy.wh_per_further_page if energy else None,
        energy.standby_kwh_per_day if energy else None,
    )


def _yearly(use: ModelUse) -> tuple[float, float]:
    return use.kwh_per_day * YEAR_DAYS, (use.u_kwh_per_day or 0.0) * YEAR_DAYS
