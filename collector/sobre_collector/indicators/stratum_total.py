"""One stratum in one month: from its sufficient statistics and the inventory to kWh (method 2.2).

Every rule for the awkward cases stands here: no device, one or two devices, more reporting than the
inventory knows, a day type that nobody saw.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, inf, sqrt

from sobre_collector.indicators.collapse import ClassMonth
from sobre_collector.indicators.moments import PAIRS, Stratum, StratumMonth
from sobre_collector.indicators.quantiles import satterthwaite
from sobre_collector.indicators.ratio import (
    DAY_TYPES,
    covered_ratio,
    device_days,
    expanded_kwh,
    rate_kwh,
    reporting_units,
)

# Fewer monitored devices than this are too few to publish, and few to trust.
FEW_DEVICES = 10
# Of fewer of their devices' days than this, a month is half there, and what it lacked is a guess.
LEAST_SEEN_RATIO = 2 / 3
# Σw may exceed N·D by rounding alone.
_ROUNDING = 1e-9

Inventory = Mapping[Stratum, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class StratumTotal:
    """A stratum's energy in one month; the three parts of the energy add up to `total_kwh`.

    `variance` (kWh²) is the whole of the stratum. Within it, `shared_kwh` is the standard error of
    a class mean that several strata took, and `common_kwh` that of a factor common to the class;
    `calibration` is the number of that factor, None where the model stands as it is.
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
    calibration: int | None = None


def sampled(
    row: StratumMonth, inventory: Inventory, of_class: ClassMonth, meter_u: float
) -> StratumTotal:
    """A stratum with monitored devices; `meter_u` is one meter's relative standard uncertainty."""
    reporting_n = reporting_units(row)
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
    if device_days(row) < LEAST_SEEN_RATIO * row.devices * sum(row.calendar_days):
        flags.append("half-month")

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
    rates = [rate_kwh(row, t) or 0.0 for t in DAY_TYPES]
    blind = tuple(t for t in DAY_TYPES if row.calendar_days[t] > 0 and row.sums[2 + t] <= 0)
    if blind:
        found = of_class.borrow(row.stratum, row.calendar_days, blind)
        flags.append("day-type-of-class" if found else "day-type-missing")
        if found:
            flags += found.flags
            total_kwh += units_n * found.unit_kwh
            rates[blind[0]] = found.unit_kwh / row.calendar_days[blind[0]]
            shared_kwh = units_n * found.shared_kwh
            # The same devices and the class may lean the same way: added before squaring.
            whole = sqrt(variance) + units_n * sqrt(found.own_kwh**2 + found.shared_kwh**2)
            parts = [(whole**2, min(df, found.df))]
    parts.append(((total_kwh / units_n * units_u) ** 2, inf))
    measured, estimated, extrapolated = _parts(row, units_n, total_kwh, rates)
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


def billed(row: StratumMonth) -> StratumTotal:
    """A stratum that a bill tells whole: measured by a utility, with its stated uncertainty alone.

    Where the bill of the month is missing nothing takes its place: other rooms are other rooms.
    """
    days = sum(row.sums[2:])
    kwh = fsum(row.sums[:2])
    return StratumTotal(
        row.month,
        row.stratum,
        inventory_n=1.0,
        devices_n=row.devices,
        total_kwh=kwh,
        variance=(row.billed_u_kwh or 0.0) ** 2,
        df=inf,
        measured_kwh=kwh,
        estimated_kwh=0.0,
        extrapolated_kwh=0.0,
        method="billed" if days > 0 else "no-data",
        flags=() if days > 0 else ("bill-missing", "no-data"),
        covered_ratio=1.0 if days > 0 else 0.0,
    )


def _meter_variance(row: StratumMonth, total_kwh: float, meter_u: float) -> float:
    # Meters err independently of one another; without second moments the bound is one meter.
    if row.squares is None:
        return (meter_u * total_kwh) ** 2
    xx = dict(zip(PAIRS, row.squares, strict=True))
    return meter_u**2 * (xx[0, 0] + 2 * xx[0, 1] + xx[1, 1])


def _parts(
    row: StratumMonth, units_n: float, total_kwh: float, rates: list[float]
) -> tuple[float, float, float]:
    """Measured, estimated and extrapolated kWh: Σx by origin, days missed by devices, the rest."""
    seen_kwh = row.measured_kwh + row.estimated_kwh
    if seen_kwh >= total_kwh:
        scale = total_kwh / seen_kwh if seen_kwh > 0 else 0.0
        return row.measured_kwh * scale, total_kwh - row.measured_kwh * scale, 0.0
    rest_kwh = total_kwh - seen_kwh
    missed_kwh = 0.0
    for t in DAY_TYPES:
        wanted = row.devices * row.calendar_days[t] - row.sums[2 + t]
        missed_kwh += max(0.0, wanted) * rates[t]
    # Joiners and leavers make n exceed N: no more is filled than the inventory has room for.
    filled_kwh = min(missed_kwh, rest_kwh)
    return row.measured_kwh, row.estimated_kwh + filled_kwh, rest_kwh - filled_kwh


def unseen(
    month: str,
    stratum: Stratum,
    units: tuple[float, float],
    calendar_days: tuple[int, int],
    of_class: ClassMonth,
) -> StratumTotal:
    """A stratum of the inventory that nobody monitors: all of it is extrapolated from its class."""
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
