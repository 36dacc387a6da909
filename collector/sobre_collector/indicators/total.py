"""Totals of strata for a month, and their sum over months and strata (method 2.2.4).

Within a stratum the standard errors of months are added linearly, since the same devices are seen
every month and their rows are forgotten: the bound holds whatever the months' correlation. Strata
are independent and add in quadrature, except for what they take from a common source.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, sqrt

from sobre_collector.indicators.collapse import ClassMonth
from sobre_collector.indicators.moments import POOLED, Stratum, StratumMonth
from sobre_collector.indicators.quantiles import satterthwaite, two_sided
from sobre_collector.indicators.ratio import device_days
from sobre_collector.indicators.stratum_total import (
    Inventory,
    StratumTotal,
    billed,
    sampled,
    unseen,
)

__all__ = [
    "Inventory",
    "StratumTotal",
    "Total",
    "added",
    "month_total",
    "with_common",
    "year_total",
]


@dataclass(frozen=True, slots=True)
class Total:
    """Energy of a period with its standard error; shares are ratios that add up to 1."""

    total_kwh: float
    se_kwh: float
    df: float
    measured_share: float
    estimated_share: float
    extrapolated_share: float
    flags: tuple[str, ...]
    months: tuple[str, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether less than half was measured: a result drawn from it says so."""
        return self.measured_share < 0.5

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided interval in kWh at `level`."""
        half = two_sided(level, self.df) * self.se_kwh
        return self.total_kwh - half, self.total_kwh + half


def month_total(
    month_rows: Sequence[StratumMonth],
    inventory: Inventory,
    *,
    month: str | None = None,
    calendar_days: tuple[int, int] | None = None,
    earlier: Sequence[StratumMonth] = (),
    meter_u: Mapping[str, float] | None = None,
    common_u: Mapping[str, float] | None = None,
) -> list[StratumTotal]:
    """Totals of one month for each stratum that is in the inventory or that reports.

    Rows that join several strata (`POOLED`) inform their class and have no total of their own.
    `earlier` holds rows of the month before, for days that nobody of the class saw. By class, as
    relative standard uncertainties (k = 1): `meter_u` of one meter, added where sampling leaves no
    variance; `common_u` of a factor that all devices of the class share. `month` and
    `calendar_days` tell what rows cannot where no device of a class reports.
    """
    months = {row.month for row in month_rows} | ({month} if month else set())
    if len(months) != 1:
        raise ValueError(f"one month at a time, got {sorted(months)}: call once for each month")
    named = months.pop()
    by_stratum = {row.stratum: row for row in month_rows}
    # A factor is one for all of a class, also for strata that only borrow from it.
    factors = {row.stratum.device_class: row.calibration for row in month_rows if row.calibration}
    if len(by_stratum) != len(month_rows):
        raise ValueError(f"{named}: a stratum stands twice; merge its devices before the month")
    classes: dict[str, ClassMonth] = {}
    totals = []
    for stratum in sorted(by_stratum.keys() | inventory.keys()):
        if stratum.site == POOLED:
            continue
        name = stratum.device_class
        row = by_stratum.get(stratum)
        if row is not None and row.billed_u_kwh is not None:
            totals.append(billed(row))
            continue
        if name not in classes:
            classes[name] = ClassMonth(
                [row for row in month_rows if _tells(row, name)],
                inventory,
                [row for row in earlier if _tells(row, name)],
            )
        if row is not None and device_days(row) > 0:
            one = sampled(row, inventory, classes[name], (meter_u or {}).get(name, 0.0))
        elif inventory.get(stratum, (0.0, 0.0))[0] > 0:
            days = calendar_days or _calendar_days(name, month_rows)
            one = unseen(named, stratum, inventory[stratum], days, classes[name])
        else:
            continue
        if name in factors:
            one = replace(one, calibration=factors[name])
        totals.append(with_common(one, (common_u or {}).get(name, 0.0)))
    return totals


def _tells(row: StratumMonth, name: str) -> bool:
    # A bill is of a whole room: it says nothing of what one device of its class uses.
    return row.stratum.device_class == name and row.billed_u_kwh is None


def _calendar_days(name: str, rows: Sequence[StratumMonth]) -> tuple[int, int]:
    if not rows:
        raise ValueError("no device reports in this month: hand in its calendar_days")
    same = [row for row in rows if row.stratum.device_class == name]
    return (same or rows)[0].calendar_days


def with_common(one: StratumTotal, common_u: float) -> StratumTotal:
    """A total with the error of a factor that all devices of its class share (k = 1, relative)."""
    if common_u == 0 or one.total_kwh == 0:
        return one
    common_kwh = common_u * one.total_kwh
    return replace(
        one,
        variance=one.variance + common_kwh**2,
        df=satterthwaite([(one.variance, one.df), (common_kwh**2, inf)]),
        common_kwh=common_kwh,
    )


@dataclass(slots=True)
class _OverMonths:
    """A stratum's standard errors added linearly over its months (kWh), with the smallest df."""

    own_kwh: float = 0.0
    shared_kwh: float = 0.0
    common_kwh: float = 0.0
    df: float = inf
    monitored: bool = False

    def add(self, one: StratumTotal) -> None:
        own = one.variance - one.shared_kwh**2 - one.common_kwh**2
        self.own_kwh += sqrt(max(0.0, own))
        self.shared_kwh += one.shared_kwh
        self.common_kwh += one.common_kwh
        self.monitored = self.monitored or one.devices_n > 0
        if one.variance > 0:
            self.df = min(self.df, one.df)


def year_total(totals: Iterable[StratumTotal]) -> Total:
    """The sum of monthly stratum totals, of a year or of any other set of months.

    Flagged "month-lacking" if a stratum misses a month that another one has, "no-data" if one could
    not be told at all: then the total is too small, and no reduction may be drawn from it.
    """
    parts = list(totals)
    strata: dict[Stratum, _OverMonths] = defaultdict(_OverMonths)
    seen: dict[Stratum, set[str]] = defaultdict(set)
    for one in parts:
        strata[one.stratum].add(one)
        if one.month in seen[one.stratum]:
            raise ValueError(f"{one.month}: {one.stratum} stands twice; it would count twice")
        seen[one.stratum].add(one.month)
    classes: dict[str, list[_OverMonths]] = defaultdict(list)
    for stratum in sorted(strata):
        classes[stratum.device_class].append(strata[stratum])
    variances: list[tuple[float, float]] = []
    for members in classes.values():
        variances += _class_variances(members)

    months = sorted({one.month for one in parts})
    flags = {flag for one in parts for flag in one.flags}
    if any(len(of_stratum) < len(months) for of_stratum in seen.values()):
        flags.add("month-lacking")
    return _total(
        fsum(one.total_kwh for one in parts),
        variances,
        (
            fsum(one.measured_kwh for one in parts),
            fsum(one.estimated_kwh for one in parts),
            fsum(one.extrapolated_kwh for one in parts),
        ),
        flags,
        months,
    )


def _class_variances(members: Sequence[_OverMonths]) -> list[tuple[float, float]]:
    """Independent variances with their df that make up a class.

    What strata borrow from the class leans the same way as the strata that it came from, so the
    borrowed error is added once, linearly, to theirs.
    """
    own = fsum(m.own_kwh**2 for m in members if m.monitored)
    shared = fsum(m.shared_kwh for m in members)
    common = fsum(m.common_kwh for m in members)
    variances = [(m.own_kwh**2, m.df) for m in members]
    if shared > 0:
        borrowing = min(m.df for m in members if m.shared_kwh > 0)
        variances.append((shared**2 + 2 * shared * sqrt(own), borrowing))
    variances.append((common**2, inf))
    return variances


def added(totals: Iterable[Total]) -> Total:
    """The sum of totals whose errors are independent: other classes, or what is only billed."""
    parts = list(totals)
    flags = {flag for one in parts for flag in one.flags}
    if len({one.months for one in parts}) > 1:
        flags.add("months-differ")
    return _total(
        fsum(one.total_kwh for one in parts),
        [(one.se_kwh**2, one.df) for one in parts],
        (
            fsum(one.total_kwh * one.measured_share for one in parts),
            fsum(one.total_kwh * one.estimated_share for one in parts),
            fsum(one.total_kwh * one.extrapolated_share for one in parts),
        ),
        flags,
        sorted({month for one in parts for month in one.months}),
    )


def _total(
    total_kwh: float,
    variances: list[tuple[float, float]],
    origins_kwh: tuple[float, float, float],
    flags: set[str],
    months: Sequence[str],
) -> Total:
    measured, estimated, extrapolated = (
        kwh / total_kwh if total_kwh > 0 else 0.0 for kwh in origins_kwh
    )
    return Total(
        total_kwh,
        sqrt(fsum(variance for variance, _ in variances)),
        satterthwaite(variances),
        measured,
        estimated,
        extrapolated,
        tuple(sorted(flags)),
        tuple(months),
    )
