"""A baseline that follows the weather: one metered series by ordinary least squares.

It serves the server room, whose cooling depends on the outside temperature. Days are regressed on
degree-days (or on any other columns), and the reporting period is predicted under its own weather.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from sobre_collector.indicators.baseline import Baseline
from sobre_collector.indicators.fsu import BaselineModel, Step, u_of_baseline_kwh
from sobre_collector.indicators.least_squares import Fit, lag_correlation, least_squares


@dataclass(frozen=True, slots=True)
class Regression:
    """Coefficients by column ("1" is the intercept, kWh per row), and how well they describe.

    `cv_rmse_ratio` is RMSE/mean with n − p; `bias_ratio` the sum of residuals over the sum.
    """

    columns: tuple[str, ...]
    fit: Fit
    rows_n: int
    mean_kwh: float
    r_square: float
    rho_ratio: float
    bias_ratio: float

    @property
    def cv_rmse_ratio(self) -> float:
        """Scatter around the model over the mean of the series."""
        return self.fit.sigma / self.mean_kwh

    def slope_kwh(self, column: str) -> tuple[float, float]:
        """A coefficient and its standard uncertainty, widened where residuals follow each other.

        Neighbouring days are alike; each counts for (1 − ρ)/(1 + ρ) of one.
        """
        at = self.columns.index(column)
        rho = min(max(self.rho_ratio, 0.0), 0.99)
        u = self.fit.sigma * sqrt(self.fit.inverse[at][at] * (1 + rho) / (1 - rho))
        return self.fit.coefficients[at], u

    def model(self, step: Step) -> BaselineModel:
        """What the fractional savings uncertainty needs."""
        return BaselineModel(
            step, self.rows_n, len(self.columns), self.cv_rmse_ratio, self.rho_ratio
        )


def degree_days(outside_c: Sequence[float], base_c: float) -> tuple[float, float]:
    """Cooling and heating degree-days of one day, from its outside temperatures (°C).

    Hand in the hours of the day where they are known: a day from 10 to 26 °C cools, although its
    mean does not. On a synthetic meter hours found a saving of 10.0 % where means found 8.5 %.
    """
    n = len(outside_c)
    if n == 0:
        raise ValueError("a day without temperatures has no degree-days")
    cooling = fsum(max(0.0, t - base_c) for t in outside_c) / n
    return cooling, fsum(max(0.0, base_c - t) for t in outside_c) / n


def fitted(energy_kwh: Sequence[float], columns: Mapping[str, Sequence[float]]) -> Regression:
    """The regression of a series, in the order of time, on named columns and an intercept "1".

    ValueError if columns are of another length, depend on one another, or outnumber the rows.
    """
    n = len(energy_kwh)
    wrong = sorted(name for name, column in columns.items() if len(column) != n)
    if wrong:
        raise ValueError(f"columns {', '.join(wrong)} do not have the {n} rows of the energy")
    rows = [[1.0, *(column[k] for column in columns.values())] for k in range(n)]
    fit = least_squares(rows, energy_kwh)
    mean = fsum(energy_kwh) / n
    around = fsum((y - mean) ** 2 for y in energy_kwh)
    left = fsum(e * e for e in fit.residuals)
    return Regression(
        ("1", *columns),
        fit,
        n,
        mean,
        1 - left / around if around > 0 else 0.0,
        lag_correlation(fit.residuals),
        fsum(fit.residuals) / (n * mean),
    )


def predicted_kwh(regression: Regression, columns: Mapping[str, Sequence[float]]) -> list[float]:
    """The baseline under other conditions, row by row; columns by the names of the fit."""
    names = regression.columns[1:]
    lengths = {len(columns[name]) for name in names}
    if len(lengths) != 1:
        raise ValueError(f"columns of {sorted(lengths)} rows: all need the same rows")
    return [
        regression.fit.at([1.0, *(columns[name][k] for name in names)])
        for k in range(lengths.pop())
    ]


def adjusted_by_weather(
    regression: Regression,
    columns: Mapping[str, Sequence[float]],
    step: Step,
    months_elapsed: float,
) -> Baseline:
    """E* of a metered series: the baseline's behaviour under the reporting period's weather.

    It already is under reporting conditions: no degree-day adjustment is added to it.
    """
    predicted = predicted_kwh(regression, columns)
    total_kwh = fsum(predicted)
    u_kwh = u_of_baseline_kwh(
        regression.model(step),
        total_kwh,
        reporting_n=len(predicted),
        months_elapsed=months_elapsed,
    )
    return Baseline("measured", total_kwh, u_kwh, float(regression.fit.df), ("weather-regression",))
