"""The ratio estimator with day types, from sufficient statistics (method 2.2.2).

Energy per valid device-day of each day type, times the device-days of the inventory; its variance
is that of the linearised values u_i = Σ_τ c_τ (x_iτ − r_τ w_iτ), here a quadratic form in the
stored second moments.
"""

from collections.abc import Iterable, Sequence
from math import fsum

from sobre_collector.indicators.moments import PAIRS, StratumMonth

DAY_TYPES = (0, 1)


def rate_kwh(row: StratumMonth, day_type: int) -> float | None:
    """kWh per valid device-day of the day type; None if no such day was valid."""
    days = row.sums[2 + day_type]
    return row.sums[day_type] / days if days > 0 else None


def device_days(row: StratumMonth) -> float:
    """Valid device-days of both day types, Σw."""
    return row.sums[2] + row.sums[3]


def reporting_units(row: StratumMonth) -> float:
    """Units that Σw alone proves to be in service: Σw / D over the day types that were seen."""
    seen_days = sum(row.calendar_days[t] for t in DAY_TYPES if row.sums[2 + t] > 0)
    return device_days(row) / seen_days if seen_days > 0 else 0.0


def covered_ratio(row: StratumMonth, inventory_n: float) -> float:
    """The finite population correction's f = min(1, Σw / (N·D)), counted in device-days."""
    wanted = inventory_n * sum(row.calendar_days)
    return min(1.0, device_days(row) / wanted) if wanted > 0 else 1.0


def residual_square(
    sums: Sequence[float], squares: Sequence[float], weights: tuple[float, float]
) -> float:
    """Σ u_i² with c_τ = `weights`; a day type without valid days takes no part."""
    vector = [0.0, 0.0, 0.0, 0.0]
    for day_type in DAY_TYPES:
        x, w = sums[day_type], sums[2 + day_type]
        if w > 0:
            vector[day_type] = weights[day_type]
            vector[2 + day_type] = -weights[day_type] * x / w
    terms = (
        vector[i] * vector[j] * moment * (1.0 if i == j else 2.0)
        for (i, j), moment in zip(PAIRS, squares, strict=True)
    )
    # Devices that are all alike leave rounding, which may fall below zero.
    return max(0.0, fsum(terms))


def expanded_kwh(row: StratumMonth, inventory_n: float, day_types: Iterable[int]) -> float:
    """N·D_τ·r_τ summed over those of the day types that have a rate."""
    return fsum(
        inventory_n * row.calendar_days[day_type] * (rate_kwh(row, day_type) or 0.0)
        for day_type in day_types
    )


def sampling_variance(
    row: StratumMonth, inventory_n: float, day_types: Iterable[int] = DAY_TYPES
) -> float | None:
    """V = (1 − f)·n/(n−1)·Σu_i² in kWh² of the total of `inventory_n` units; None if not kept."""
    if row.squares is None or row.devices < 2:
        return None
    weights = [0.0, 0.0]
    for day_type in day_types:
        days = row.sums[2 + day_type]
        weights[day_type] = inventory_n * row.calendar_days[day_type] / days if days > 0 else 0.0
    spread = residual_square(row.sums, row.squares, (weights[0], weights[1]))
    f = covered_ratio(row, inventory_n)
    return (1 - f) * row.devices / (row.devices - 1) * spread


def device_cv(rows: Iterable[StratumMonth]) -> tuple[float, float] | None:
    """Coefficient of variation between devices of the collapsed stratum, and its df (n − 1).

    Rows that keep no squares cannot take part; None if none is left or nothing was used.
    """
    kept = [row for row in rows if row.squares is not None]
    if not kept:
        return None
    devices = sum(row.devices for row in kept)
    sums = [fsum(row.sums[k] for row in kept) for k in range(4)]
    squares = [fsum((row.squares or ())[k] for row in kept) for k in range(len(PAIRS))]
    days = kept[0].calendar_days
    weights = [0.0, 0.0]
    for day_type in DAY_TYPES:
        if sums[2 + day_type] > 0:
            weights[day_type] = days[day_type] / sums[2 + day_type]
    unit_kwh = weights[0] * sums[0] + weights[1] * sums[1]
    if unit_kwh <= 0:
        return None
    spread = residual_square(sums, squares, (weights[0], weights[1]))
    cv_square = devices**2 / (devices - 1) * spread / unit_kwh**2
    return float(cv_square**0.5), float(devices - 1)
