"""Fractional savings uncertainty, where the adjusted baseline comes from a regression.

ASHRAE Guideline 14-2014, annex B, with the polynomial correction of Sun & Baltazar (2013) for daily
and monthly data. Only for one metered series against its regressors, such as a server room against
the weather; a fleet's sampling has its own variance.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Literal

from sobre_collector.indicators.quantiles import two_sided

Step = Literal["hourly", "daily", "monthly"]

# Guideline 14 accepts a saving whose uncertainty is at most half of it, at 68 % confidence.
ACCEPTED_RATIO = 0.50
ACCEPTED_AT_LEVEL = 0.68


@dataclass(frozen=True, slots=True)
class BaselineModel:
    """What a regression leaves: n rows, p coefficients (intercept counted), CV(RMSE), and ρ."""

    step: Step
    rows_n: int
    coefficients_n: int
    cv_rmse_ratio: float
    rho_ratio: float


def effective_rows(model: BaselineModel) -> float:
    """n' = n(1 − ρ)/(1 + ρ), never more than n nor less than p + 1.

    Without the clip a ρ near 1 leaves less than one row, and a negative one more than there are.
    """
    n, rho = model.rows_n, model.rho_ratio
    free = n * (1 - rho) / (1 + rho) if rho > -1 else float(n)
    return min(float(n), max(model.coefficients_n + 1.0, free))


def polynomial(step: Step, months_elapsed: float) -> float:
    """The factor a, by the months that the reporting period lasted."""
    m = months_elapsed
    if step == "hourly":
        return 1.26
    if step == "daily":
        return -0.00024 * m * m + 0.03535 * m + 1.00286
    return -0.00022 * m * m + 0.03306 * m + 0.94054


def months_elapsed(first: date, last: date) -> float:
    """Months from `first` to `last`, both counted: 15 March to 14 April is one month, not two."""
    if last < first:
        raise ValueError(f"period from {first} to {last}: it ends before it begins")
    end = last + timedelta(days=1)
    whole = (end.year - first.year) * 12 + end.month - first.month
    return whole + (end.day - first.day) / (365.25 / 12)


def fractional_uncertainty(
    model: BaselineModel,
    *,
    savings_ratio: float,
    reporting_n: int,
    months_elapsed: float,
    level: float,
) -> float:
    """Half-width of the saving as a ratio of the saving, at `level`.

    `savings_ratio` is F, the saving over the adjusted baseline; t has n − p degrees of freedom.
    ValueError for no saving: then there is nothing to be uncertain of.
    """
    if savings_ratio == 0 or reporting_n < 1:
        raise ValueError(
            f"savings ratio {savings_ratio} over {reporting_n} rows: nothing to assess"
        )
    n, few = model.rows_n, effective_rows(model)
    t = two_sided(level, n - model.coefficients_n)
    spread = sqrt(n / few * (1 + 2 / few) / reporting_n)
    factor = polynomial(model.step, months_elapsed)
    return factor * t * model.cv_rmse_ratio / abs(savings_ratio) * spread


def u_of_baseline_kwh(
    model: BaselineModel, adjusted_kwh: float, *, reporting_n: int, months_elapsed: float
) -> float:
    """Standard uncertainty (k = 1) of an adjusted baseline that a regression gave.

    The same formula without t, as u(E*) = u(saving) when the reporting period is metered.
    """
    few = effective_rows(model)
    spread = sqrt(model.rows_n / few * (1 + 2 / few) / reporting_n)
    factor = polynomial(model.step, months_elapsed)
    return factor * model.cv_rmse_ratio * adjusted_kwh * spread


def acceptable(
    model: BaselineModel, *, savings_ratio: float, reporting_n: int, months_elapsed: float
) -> bool:
    """Whether Guideline 14 accepts the saving: at most 50 % uncertain at 68 % confidence."""
    found = fractional_uncertainty(
        model,
        savings_ratio=savings_ratio,
        reporting_n=reporting_n,
        months_elapsed=months_elapsed,
        level=ACCEPTED_AT_LEVEL,
    )
    return found <= ACCEPTED_RATIO
