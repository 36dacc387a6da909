"""Weather-adjusted baselines and the uncertainty of their savings."""

import random
from datetime import date
from math import sqrt
from statistics import fmean, stdev

import pytest

from method.examples import published
from sobre_collector.indicators.fsu import (
    BaselineModel,
    Step,
    acceptable,
    effective_rows,
    fractional_uncertainty,
    months_elapsed,
    polynomial,
)
from sobre_collector.indicators.regression import degree_days, fitted


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "step"), [("WE9_fsu_daily", "daily"), ("WE9_fsu_monthly", "monthly")]
)
def test_published_savings_uncertainty(name: str, step: Step) -> None:
    given = published(name)
    model = BaselineModel(step, given["n"], given["p"], given["cvrmse"], given["rho"])
    assert effective_rows(model) == pytest.approx(given["n_prime"], rel=1e-12)
    assert polynomial(step, 12) == pytest.approx(given["a"])
    found = fractional_uncertainty(
        model,
        savings_ratio=given["F"],
        reporting_n=given["m"],
        months_elapsed=12,
        level=given["level"],
    )
    assert found == pytest.approx(given["FSU"], rel=1e-9)


@pytest.mark.parametrize(
    ("rho", "rows"),
    [(0.99, 3.0), (-0.4, 36.0), (-1.0, 36.0), (0.5, 12.0)],
    ids=["clipped-below", "clipped-above", "no-division", "within"],
)
def test_effective_rows_are_clipped(rho: float, rows: float) -> None:
    assert effective_rows(BaselineModel("monthly", 36, 2, 0.1, rho)) == pytest.approx(rows)


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2026, 3, 15), date(2026, 4, 14), 1.0),
        (date(2025, 3, 1), date(2026, 2, 28), 12.0),
        (date(2026, 1, 1), date(2027, 6, 30), 18.0),
    ],
    ids=["across-two-names", "a-year", "more-than-twelve"],
)
def test_months_are_those_elapsed(first: date, last: date, months: float) -> None:
    assert months_elapsed(first, last) == pytest.approx(months)


def test_guideline_accepts_half_of_the_saving_at_68_percent() -> None:
    def accepted(saving: float) -> bool:
        model = BaselineModel("monthly", 12, 2, 0.06, 0.0)
        return acceptable(model, savings_ratio=saving, reporting_n=12, months_elapsed=12)

    # The published example's 0.2556 at 10 % scales with 1/F.
    assert accepted(0.0512)
    assert not accepted(0.0510)


def test_exact_line_is_found() -> None:
    cdd = [0.0, 2.0, 5.0, 1.0, 7.0, 3.0]
    found = fitted([100 + 3 * x for x in cdd], {"cdd": cdd})
    assert found.fit.coefficients == pytest.approx((100.0, 3.0))
    assert found.r_square == pytest.approx(1.0)
    assert found.cv_rmse_ratio == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(ValueError, match="cdd do not have"):
        fitted([1.0, 2.0], {"cdd": cdd})


def test_degree_days_are_those_of_the_hours() -> None:
    assert degree_days([15.0, 21.5], 18.0) == (1.75, 1.5)
    assert degree_days([20.0], 18.0) == (2.0, 0.0)
    with pytest.raises(ValueError, match="without temperatures"):
        degree_days([], 18.0)


def test_regression_agrees_with_statsmodels() -> None:
    import statsmodels.api as sm

    xs = [0.3, 1.1, 2.9, 3.2, 4.8, 5.0, 6.1, 7.7]
    zs = [2.0, 1.0, 4.0, 3.0, 7.0, 5.0, 9.0, 6.0]
    ys = [10.2, 11.9, 17.1, 16.8, 24.0, 22.9, 29.5, 28.8]
    found = fitted(ys, {"x": xs, "z": zs})
    oracle = sm.OLS(ys, sm.add_constant(list(zip(xs, zs, strict=True)))).fit()
    assert found.fit.coefficients == pytest.approx(tuple(oracle.params), rel=1e-9)
    assert found.r_square == pytest.approx(oracle.rsquared, rel=1e-9)
    assert found.fit.sigma == pytest.approx(sqrt(oracle.mse_resid), rel=1e-9)
    plain = [found.fit.sigma * sqrt(found.fit.inverse[k][k]) for k in range(3)]
    assert plain == pytest.approx(list(oracle.bse), rel=1e-9)
    assert found.fit.variance([1.0, 2.0, 3.0]) == pytest.approx(
        float(oracle.get_prediction([[1.0, 2.0, 3.0]]).se_mean[0]) ** 2, rel=1e-9
    )


def test_slope_is_no_surer_than_its_correlated_residuals_allow() -> None:
    draw = random.Random(12)
    slopes, stated = [], []
    for _ in range(300):
        cdd, e = 5.0, 0.0
        columns: list[float] = []
        kwh: list[float] = []
        for _ in range(200):
            cdd = 5 + 0.9 * (cdd - 5) + draw.gauss(0, 1)
            e = 0.7 * e + draw.gauss(0, 10)
            columns.append(cdd)
            kwh.append(300 + 4 * cdd + e)
        slope, u = fitted(kwh, {"cdd": columns}).slope_kwh("cdd")
        slopes.append(slope)
        stated.append(u)
    assert fmean(slopes) == pytest.approx(4.0, abs=0.3)
    # Ordinary least squares alone would state half of what the slopes scatter.
    assert 0.9 <= fmean(stated) / stdev(slopes) <= 1.5
