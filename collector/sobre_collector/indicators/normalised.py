"""Normalised savings: both periods as their own regressions see them under the same weather.

Avoided energy stands at the conditions of the reporting period; this stands at standard ones. The
two answer different questions and are never mixed (method 2.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot, sqrt

from sobre_collector.indicators.quantiles import satterthwaite, two_sided
from sobre_collector.indicators.regression import Regression


@dataclass(frozen=True, slots=True)
class Normalised:
    """kWh of a standard year in both periods, and the saving between them (positive: a fall)."""

    before_kwh: float
    after_kwh: float
    saving_ratio: float
    low_ratio: float
    high_ratio: float


def normalised(
    before: Regression, after: Regression, degree_days: Sequence[float], level: float
) -> Normalised | None:
    """The saving under these degree-days, one of each month, with its interval at `level`.

    Each model errs as its coefficients do, widened where residuals follow one another, and apart
    from the other's. None where a model has no energy under these conditions.
    """
    row = [float(len(degree_days)), sum(degree_days)]
    before_kwh, after_kwh = before.fit.at(row), after.fit.at(row)
    if before_kwh <= 0 or after_kwh <= 0:
        return None
    cvs = [_u_kwh(before, row) / before_kwh, _u_kwh(after, row) / after_kwh]
    df = satterthwaite(
        [(cv**2, float(one.fit.df)) for cv, one in zip(cvs, (before, after), strict=True)]
    )
    half = two_sided(level, df) * hypot(*cvs)
    q = after_kwh / before_kwh
    return Normalised(before_kwh, after_kwh, 1 - q, 1 - q * exp(half), 1 - q * exp(-half))


def _u_kwh(one: Regression, row: Sequence[float]) -> float:
    rho = min(max(one.rho_ratio, 0.0), 0.99)
    return sqrt(one.fit.variance(row) * (1 + rho) / (1 - rho))
