"""What a dashboard would say, for comparison only: it takes the roll-out of agents for consumption.

These figures are shown beside the result, so that a reader who added up kWh sees why they differ.
"""

from collections.abc import Iterable, Mapping
from math import fsum

from sobre_collector.indicators.moments import POOLED, Stratum, StratumMonth


def naive_sum_kwh(rows: Iterable[StratumMonth]) -> float:
    """kWh that monitored devices were seen to use, whatever part of the fleet they are.

    Rows that join several organisations (`POOLED`) are left out: some may not be of this fleet.
    """
    return fsum(
        row.measured_kwh + row.estimated_kwh for row in rows if row.stratum.organisation != POOLED
    )


def naive_sum_change(
    baseline_rows: Iterable[StratumMonth],
    reporting_rows: Iterable[StratumMonth],
    users_before: float,
    users_after: float,
) -> float | None:
    """Change of the monitored kWh per user, positive when rising (+0.33); None without a baseline.

    Signed like a published evolution, the reverse of R.
    """
    before = naive_sum_kwh(baseline_rows) / users_before
    return naive_sum_kwh(reporting_rows) / users_after / before - 1 if before > 0 else None


def pooled_mean_kwh(
    rows: Iterable[StratumMonth], inventory: Mapping[Stratum, tuple[float, float]]
) -> float | None:
    """Mean monitored device × inventory, classes and sites mixed; None if nothing is monitored."""
    listed = list(rows)
    devices = sum(row.devices for row in listed)
    if devices == 0:
        return None
    return naive_sum_kwh(listed) / devices * fsum(n for n, _ in inventory.values())
