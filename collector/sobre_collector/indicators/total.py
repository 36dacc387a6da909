"""Totals of strata from partial coverage, and their sum over months and strata (method 2.2).

Within a stratum the standard errors of months are added linearly, since the same devices are seen
every month and their rows are forgotten: the bound holds whatever the months' correlation. Strata
are independent and add in quadrature, except for what they take from a common source.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf, sqrt

from sobre_collector.indicators.collapse import ClassMonth
from sobre_collector.indicators.moments import PAIRS, Stratum, StratumMonth
from sobre_collector.indicators.quantiles import satterthwaite, two_sided
from sobre_collector.indicators.ratio import (
    DAY_TYPES,
    covered_ratio,
    device_days,
    expanded_kwh,
    rate_kwh,
)

# Fewer monitored devices than this are too few to publish, and few to trust.
FEW_DEVICES = 10
# Σw may exceed N·D by rounding alone.
_ROUNDING = 1e-9

Inventory = Mapping[Stratum, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class StratumTotal:
    """A stratum's energy in one month; the three parts of the energy add up to `total_kwh`.

    `variance` (kWh²) is the whole of the stratum. Within it, `shared_kwh` is the standard error of
    a class mean that several strata took, and `common_kwh` that of a factor common to the class.
    """

    month: str
    stratum: Stratum
    inventory_n: float
    devices_n: int
    total_kwh: float
    variance: float
    df: float
    measured_kwh: float
    estimated_kwh: float
    extrapolated_kwh: float
    method: str
    flags: tuple[str, ...]
    covered_ratio: float = 0.0
    shared_kwh: float = 0.0
    common_kwh: float = 0.0


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

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided interval in kWh at `level`."""
        half = two_sided(level, self.df) * self.se_kwh
        return self.total_kwh - half, self.total_kwh + half


def month_total(
    month_rows: Sequence[StratumMonth],
    inventory: Inventory,
    *,
    month: str | None = None,
    earlier: Sequence[StratumMonth] = (),
    meter_u: Mapping[str, float] | None = None,
    common_u: Mapping[str, float] | None = None,
) -> list[StratumTotal]:
    """Totals of one month for each stratum that is in the inventory or that reports.

    `earlier` holds rows of the month before, for days that nobody of the class saw. By class, as
    relative standard uncertainties (k = 1): `meter_u` of one meter, added where sampling leaves no
    variance; `common_u` of a factor that all devices of the class share. `month` names the month
    when no row does.
    """
    months = {row.month for row in month_rows} | ({month} if month else set())
    if len(months) != 1:
        raise ValueError(f"one month at a time, got {sorted(months)}: call once for each month")
    named = months.pop()
    by_stratum = {row.stratum: row for row in month_rows}
    if len(by_stratum) != len(month_rows):
        raise ValueError(f"{named}: a stratum stands twice; merge its devices before the month")
    classes: dict[str, ClassMonth] = {}
    totals = []
    for stratum in sorted(by_stratum.keys() | inventory.keys()):
        name = stratum.device_class
        if name not in classes:
            classes[name] = ClassMonth(
                [row for row in month_rows if row.stratum.device_class == name],
                inventory,
                [row for row in earlier if row.stratum.device_class == name],
            )
        row = by_stratum.get(stratum)
        if row is not None and device_days(row) > 0:
            one = _sampled(row, inventory, classes[name], (meter_u or {}).get(name, 0.0))
        elif inventory.get(stratum, (0.0, 0.0))[0] > 0:
            days = _calendar_days(name, month_rows, earlier)
            one = _unseen(named, stratum, inventory[stratum], days, classes[name])
        else:
            continue
        totals.append(_with_common(one, (common_u or {}).get(name, 0.0)))
    return totals


def _calendar_days(
    name: str, rows: Sequence[StratumMonth], earlier: Sequence[StratumMonth]
) -> tuple[int, int]:
    same = [row for row in rows if row.stratum.device_class == name]
    found = same or rows or earlier
    return found[0].calendar_days if found else (0, 0)


def _sampled(
    row: StratumMonth, inventory: Inventory, of_class: ClassMonth, meter_u: float
) -> StratumTotal:
    days = sum(row.calendar_days)
    reporting_n = device_days(row) / days
    units_n, units_u = inventory.get(row.stratum, (reporting_n, 0.0))
    flags = []
    if row.stratum not in inventory:
        flags.append("not-in-inventory")
    elif reporting_n > units_n * (1 + _ROUNDING):
        units_n = reporting_n
        flags.append("inventory-too-small")
    if row.stratum in inventory and units_u == 0:
        flags.append("inventory-without-uncertainty")
    if row.devices < FEW_DEVICES:
        flags.append("few-devices")

    total_kwh = expanded_kwh(row, units_n, DAY_TYPES)
    variance, df, borrowed_cv = of_class.row_variance(row, units_n)
    f = covered_ratio(row, units_n)
    method = "ratio" if borrowed_cv is None else "class-cv"
    if f >= 1:
        method, variance = "census", _meter_variance(row, total_kwh, meter_u)
        df = inf
    elif borrowed_cv is not None:
        flags.append(borrowed_cv)
    parts = [(variance, df)]
    shared_kwh = 0.0
    unseen = tuple(t for t in DAY_TYPES if row.calendar_days[t] > 0 and row.sums[2 + t] <= 0)
    if unseen:
        found = of_class.borrow(row.stratum, row.calendar_days, unseen)
        flags.append("day-type-of-class" if found else "day-type-missing")
        if found:
            flags += found.flags
            total_kwh += units_n * found.unit_kwh
            shared_kwh = units_n * found.shared_kwh
            # The same devices and the class may lean the same way: added before squaring.
            whole = sqrt(variance) + units_n * sqrt(found.own_kwh**2 + found.shared_kwh**2)
            parts = [(whole**2, min(df, found.df))]
    parts.append(((total_kwh / units_n * units_u) ** 2, inf))
    measured, estimated, extrapolated = _parts(row, units_n, total_kwh)
    return StratumTotal(
        row.month,
        row.stratum,
        units_n,
        row.devices,
        total_kwh,
        fsum(part for part, _ in parts),
        satterthwaite(parts),
        measured,
        estimated,
        extrapolated,
        method,
        tuple(flags),
        covered_ratio=f,
        shared_kwh=shared_kwh,
    )


def _meter_variance(row: StratumMonth, total_kwh: float, meter_u: float) -> float:
    # Meters err independently of one another; without second moments the bound is one meter.
    if row.squares is None:
        return (meter_u * total_kwh) ** 2
    xx = dict(zip(PAIRS, row.squares, strict=True))
    return meter_u**2 * (xx[0, 0] + 2 * xx[0, 1] + xx[1, 1])


def _parts(row: StratumMonth, units_n: float, total_kwh: float) -> tuple[float, float, float]:
    """Measured, estimated and extrapolated kWh: Σx by origin, days missed by devices, the rest."""
    seen_kwh = row.measured_kwh + row.estimated_kwh
    if seen_kwh >= total_kwh:
        scale = total_kwh / seen_kwh if seen_kwh > 0 else 0.0
        return row.measured_kwh * scale, total_kwh - row.measured_kwh * scale, 0.0
    rest_kwh = total_kwh - seen_kwh
    missed_kwh = 0.0
    for t in DAY_TYPES:
        # Joiners and leavers make n exceed N: no more is filled than the inventory has room for.
        wanted = min(float(row.devices), units_n) * row.calendar_days[t] - row.sums[2 + t]
        missed_kwh += max(0.0, wanted) * (rate_kwh(row, t) or 0.0)
    filled_kwh = min(missed_kwh, rest_kwh)
    return row.measured_kwh, row.estimated_kwh + filled_kwh, rest_kwh - filled_kwh


def _unseen(
    month: str,
    stratum: Stratum,
    units: tuple[float, float],
    calendar_days: tuple[int, int],
    of_class: ClassMonth,
) -> StratumTotal:
    units_n, units_u = units
    found = of_class.borrow(stratum, calendar_days, DAY_TYPES)
    if found is None:
        return StratumTotal(
            month, stratum, units_n, 0, 0.0, 0.0, inf, 0.0, 0.0, 0.0, "no-data", ("no-data",)
        )
    flags = ["no-device", *found.flags]
    if units_u == 0:
        flags.append("inventory-without-uncertainty")
    total_kwh = units_n * found.unit_kwh
    borrowed = units_n**2 * (found.own_kwh**2 + found.shared_kwh**2)
    counted = (found.unit_kwh * units_u) ** 2
    return StratumTotal(
        month,
        stratum,
        units_n,
        0,
        total_kwh,
        borrowed + counted,
        satterthwaite([(borrowed, found.df), (counted, inf)]),
        0.0,
        0.0,
        total_kwh,
        "class-mean",
        tuple(flags),
        shared_kwh=units_n * found.shared_kwh,
    )
