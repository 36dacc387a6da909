"""Reduction of what is counted rather than metered: running hours, printers, pages (method 2.5).

The same formula and the same logarithmic interval as for kWh. A census, such as pages of all
network printers, has no sampling error, and then its interval is a point: what is not counted
(printers on a USB cable) is a gap of coverage that must be declared, not an error to compute.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, hypot, inf, sqrt

from sobre_collector.indicators.quantiles import satterthwaite, two_sided


@dataclass(frozen=True, slots=True)
class Count:
    """A year's total of some unit with its standard uncertainty (k = 1) and degrees of freedom."""

    total: float
    u: float = 0.0
    df: float = inf


@dataclass(frozen=True, slots=True)
class CountReduction:
    """1 − after/before with its interval; all three None where nothing was counted before."""

    ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    level: float


def reduced(
    before: Count,
    after: Count,
    *,
    users_before: float | None = None,
    users_after: float | None = None,
    level: float = 0.95,
) -> CountReduction:
    """The reduction of a count, per user if both head-counts are given, else of the whole."""
    if (users_before is None) != (users_after is None):
        raise ValueError("head-count of one year only: give both, or none")
    if before.total <= 0 or after.total <= 0:
        # No logarithm of nothing; that all is gone is still an answer.
        if before.total > 0 and after.total == 0 and after.u == 0:
            return CountReduction(1.0, 1.0, 1.0, level)
        return CountReduction(None, None, None, level)
    q = after.total / before.total
    if users_before is not None and users_after is not None:
        q /= users_after / users_before
    cv_before, cv_after = before.u / before.total, after.u / after.total
    df = satterthwaite([(cv_before**2, before.df), (cv_after**2, after.df)])
    half = two_sided(level, df) * hypot(cv_before, cv_after)
    return CountReduction(1 - q, 1 - q * exp(half), 1 - q * exp(-half), level)


def added(counts: Iterable[Count]) -> Count:
    """Independent counts together: sites, or models."""
    parts = list(counts)
    return Count(
        sum(part.total for part in parts),
        sqrt(sum(part.u**2 for part in parts)),
        satterthwaite([(part.u**2, part.df) for part in parts]),
    )
