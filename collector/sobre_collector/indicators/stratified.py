"""The stratified mean: one period, every monitored device complete (method 2.2.1).

The ratio estimator is the rule; this is what it becomes when no day is missing, and what a one-off
campaign of measurements needs.
"""

from collections.abc import Iterable
from math import fsum, inf, sqrt
from typing import NamedTuple

from sobre_collector.indicators.quantiles import satterthwaite
from sobre_collector.indicators.total import Total


class Complete(NamedTuple):
    """N units, n of them monitored, and Σy and Σy² of these in kWh and kWh²."""

    inventory_n: float
    devices_n: int
    sum_kwh: float
    square_kwh2: float


def stratified_total(strata: Iterable[Complete]) -> Total:
    """T = Σ N·ȳ with V = Σ N²(1 − f)s²/n; a census has no sampling variance.

    ValueError for a stratum with fewer than two monitored devices that is no census: it has to
    borrow its spread first.
    """
    totals, monitored, variances = [], [], []
    for stratum in strata:
        n, units_n = stratum.devices_n, stratum.inventory_n
        if n < 1 or (n < 2 and n < units_n):
            raise ValueError(f"{n} of {units_n} devices monitored: no spread can be told from that")
        totals.append(max(units_n, n) * stratum.sum_kwh / n)
        monitored.append(stratum.sum_kwh)
        if n >= units_n:
            variances.append((0.0, inf))
            continue
        s_square = max(0.0, (stratum.square_kwh2 - stratum.sum_kwh**2 / n) / (n - 1))
        variances.append((units_n**2 * (1 - n / units_n) * s_square / n, n - 1.0))
    total_kwh, measured_kwh = fsum(totals), fsum(monitored)
    measured_share = measured_kwh / total_kwh if total_kwh > 0 else 0.0
    return Total(
        total_kwh,
        sqrt(fsum(variance for variance, _ in variances)),
        satterthwaite(variances),
        measured_share,
        0.0,
        1 - measured_share if total_kwh > 0 else 0.0,
        (),
    )
