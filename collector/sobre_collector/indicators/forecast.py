"""Where the target year will end if nothing else is decided (method 2.4).

Monthly kWh per user on a logarithmic scale: a trend, twelve seasonal levels, and residuals that
follow one another (AR(1)) by generalised least squares. The forecast carries the last residuals
forward (BLUP). Below 24 months there is none, since a season seen once is no season.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, hypot, log, sqrt

from sobre_collector.indicators.least_squares import Fit, lag_correlation, least_squares
from sobre_collector.indicators.quantiles import two_sided

LEAST_MONTHS = 24
# Bounds within which the correlation of residuals is believed (method 2.0).
RHO_RANGE = (0.3, 0.85)
# One trend and twelve levels use up this many residuals.
COLUMNS_N = 13


@dataclass(frozen=True, slots=True)
class Forecast:
    """The year's kWh per user, `seen_kwh` of it known, and its standard error on the log scale.

    `se_log` is what the residuals show; `cv_panel_ratio` the sampling error common to all months,
    which they cannot show. `by_month_kwh` holds known and expected months.
    """

    total_kwh: float
    se_log: float
    df: float
    rho_ratio: float
    trend_log_per_year: float
    by_month_kwh: Mapping[str, float]
    seen_kwh: float = 0.0
    cv_panel_ratio: float = 0.0

    @property
    def cv_ratio(self) -> float:
        """Relative standard error of the year, the panel's common error included."""
        return hypot(self.se_log, self.cv_panel_ratio)

    def interval_kwh(self, level: float = 0.90) -> tuple[float, float]:
        """Prediction interval F·exp(± t·cv) of the year (kWh per user)."""
        half = two_sided(level, self.df) * self.cv_ratio
        return self.total_kwh * exp(-half), self.total_kwh * exp(half)


def number(month: str) -> int:
    """Months since year 0 of "2026-11", so that months can be subtracted."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def month_names(year: int) -> tuple[str, ...]:
    """The twelve months of a calendar year."""
    return tuple(f"{year:04d}-{n:02d}" for n in range(1, 13))


def estimated_rho(residuals: Sequence[float]) -> float:
    """ρ of residuals that a trend and twelve levels left: r + 13(1 + r)/n, within [0.3, 0.85].

    So many coefficients pull the lag correlation r down; the usual correction for a mean alone,
    (1 + 3r)/n, leaves intervals too narrow.
    """
    r = lag_correlation(residuals)
    n = len(residuals)
    return min(max(r + COLUMNS_N * (1 + r) / n, RHO_RANGE[0]), RHO_RANGE[1])


def forecast(
    history_kwh: Mapping[str, float],
    target_months: Sequence[str],
    *,
    rho_ratio: float | None = None,
    cv_panel_ratio: float = 0.0,
    cv_seen_ratio: float | None = None,
) -> Forecast | None:
    """Forecast of the sum over `target_months` from kWh per user by month ("2026-11").

    None with fewer than 24 months, with a month of the year never seen, or without a month to come:
    then there is nothing to forecast. Months of the target that are in `history_kwh` are known, up
    to their sampling cv (`cv_seen_ratio`, else the panel's). Residuals follow the calendar, so that
    a month that lacks leaves a gap and no wrong neighbour. ValueError for a value of 0 or less.
    """
    for month, kwh in history_kwh.items():
        if not kwh > 0:
            raise ValueError(f"{month}: {kwh} kWh per user has no logarithm; leave the month out")
    months = sorted(history_kwh, key=number)
    coming = [month for month in target_months if month not in history_kwh]
    known = [month for month in target_months if month in history_kwh]
    seasons = {number(month) % 12 for month in months}
    if len(months) < LEAST_MONTHS or len(seasons) < 12 or not coming:
        return None
    if min(map(number, coming)) < number(months[-1]):
        return None

    rows = [_row(number(month), number(months[0])) for month in months]
    values = [log(history_kwh[month]) for month in months]
    if rho_ratio is None:
        rho_ratio = estimated_rho(least_squares(rows, values).residuals)
    times = [number(month) for month in months]
    fit = least_squares(*_whitened(rows, values, times, rho_ratio))
    last = rows[-1]
    carried = values[-1] - fit.at(last)

    expected, directions, steps = [], [], []
    for month in coming:
        row = _row(number(month), times[0])
        decay = rho_ratio ** (number(month) - times[-1])
        expected.append(exp(fit.at(row) + decay * carried))
        # What an error of the coefficients does, once the last residual is carried forward.
        directions.append([a - decay * b for a, b in zip(row, last, strict=True)])
        steps.append(number(month) - times[-1])
    seen_kwh = fsum(history_kwh[month] for month in known)
    total_kwh = seen_kwh + fsum(expected)
    weights = [f / total_kwh for f in expected]
    cv_seen = cv_panel_ratio if cv_seen_ratio is None else cv_seen_ratio
    return Forecast(
        total_kwh,
        sqrt(_variance(fit, weights, directions, steps, rho_ratio)),
        float(len(months) - COLUMNS_N),
        rho_ratio,
        12 * fit.coefficients[-1],
        {month: history_kwh[month] for month in known} | dict(zip(coming, expected, strict=True)),
        seen_kwh,
        # The same devices err the same way in all months: linearly.
        (seen_kwh * cv_seen + fsum(expected) * cv_panel_ratio) / total_kwh,
    )


def _row(month: int, first: int) -> list[float]:
    levels = [1.0 if month % 12 == season else 0.0 for season in range(12)]
    return [*levels, float(month - first)]


def _whitened(
    rows: Sequence[Sequence[float]], values: Sequence[float], times: Sequence[int], rho: float
) -> tuple[list[list[float]], list[float]]:
    """Rows and values whose residuals are independent, with the innovations' variance.

    The Prais–Winsten transformation; over a gap of k months the correlation is ρ^k.
    """
    scale = sqrt(1 - rho * rho)
    out_rows = [[scale * a for a in rows[0]]]
    out_values = [scale * values[0]]
    for k in range(1, len(rows)):
        decay = rho ** (times[k] - times[k - 1])
        scale = sqrt((1 - rho * rho) / (1 - decay * decay))
        out_rows.append(
            [scale * (a - decay * b) for a, b in zip(rows[k], rows[k - 1], strict=True)]
        )
        out_values.append(scale * (values[k] - decay * values[k - 1]))
    return out_rows, out_values


def _variance(
    fit: Fit,
    weights: Sequence[float],
    directions: Sequence[Sequence[float]],
    steps: Sequence[int],
    rho: float,
) -> float:
    """Variance of Σ w·(error of the month's logarithm): coefficients, and innovations to come."""
    direction = [
        fsum(w * d[j] for w, d in zip(weights, directions, strict=True))
        for j in range(len(directions[0]))
    ]
    coming = fsum(
        wi * wj * (rho ** abs(i - j) - rho ** (i + j))
        for wi, i in zip(weights, steps, strict=True)
        for wj, j in zip(weights, steps, strict=True)
    )
    return fit.variance(direction) + fit.sigma**2 / (1 - rho * rho) * coming
