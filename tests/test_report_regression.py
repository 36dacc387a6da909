"""Metered rooms against their weather: WE9's monthly case, from rows to the report."""

from dataclasses import replace
from math import exp, sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from report_fleet import FACTS, month, perimeter
from sobre_collector.indicators.moments import Stratum, StratumMonth
from sobre_collector.perimeter.facts import Baseline, Perimeter, months_of
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report
from sobre_collector.report.regressing import Regressions

COOLING = Stratum("bx", "dc1", "cooling")
BEFORE = [float(d) for d in (0, 0, 10, 30, 60, 60, 30, 10, 0, 0, 0, 0)]
# Orthogonal to 1 and to degree-days, and of alternating sign: no correlation is left to widen.
PATTERN = [1, -1, 0, 0, 0, 0, 0, 0, 1, -1, 1, -1]
# The same, but each month like the one before: they are worth fewer.
SLOW = [1, 1, 0, 0, 0, 0, 0, 0, -1, -1, 0, 0]
LEVEL_KWH, SLOPE_KWH = 1_000.0, 12.0


def series() -> list[float]:
    """A year whose residuals leave CV(RMSE) = 6 % with n − p = 10."""
    mean = LEVEL_KWH + SLOPE_KWH * sum(BEFORE) / 12
    size = 0.06 * mean * sqrt(10 / sum(e * e for e in PATTERN))
    return [LEVEL_KWH + SLOPE_KWH * d + size * e for d, e in zip(BEFORE, PATTERN, strict=True)]


def fleet(after_ratio: float) -> list[StratumMonth]:
    """2022 as `series`, and 2025 at so much of what it predicts under twice the degree-days."""
    rows = [
        month(name, COOLING, 1, kwh) for name, kwh in zip(months_of(2022), series(), strict=True)
    ]
    rows += [
        month(name, COOLING, 1, after_ratio * (LEVEL_KWH + 2 * SLOPE_KWH * d))
        for name, d in zip(months_of(2025), BEFORE, strict=True)
    ]
    return rows


def stated(**changes: object) -> Perimeter:
    days = dict(zip(months_of(2022), ((d, 0.0) for d in BEFORE), strict=True))
    days |= dict(zip(months_of(2025), ((2 * d, 0.0) for d in BEFORE), strict=True))
    base = replace(
        perimeter(),
        baseline=Baseline(2022, "measured"),
        inventory={"2022-01": {COOLING: (1.0, 0.0)}},
        degree_days={("dc1", 18.0): days},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def told(found: Report) -> Regressions:
    shown = found.sections["regression"]
    assert isinstance(shown, Regressions)
    return shown


def test_a_metered_room_is_set_against_its_own_weather() -> None:
    found = report(fleet(0.9), stated(), 2025, FACTS)
    (room,) = told(found).sites
    assert room.slope_kwh == pytest.approx(SLOPE_KWH)
    assert room.predicted_kwh == pytest.approx(12 * LEVEL_KWH + 2 * SLOPE_KWH * sum(BEFORE))
    assert room.saving_ratio == pytest.approx(0.10)
    assert room.cv_rmse_ratio == pytest.approx(0.06)
    # WE9, monthly: F = 0.10, CV = 0.06, n = m = 12, p = 2, 68 %.
    assert room.fsu_ratio == pytest.approx(0.2555904518810855, rel=1e-6)
    assert room.acceptable
    assert "acceptable (ASHRAE 14)" in html_file(found, "fr")


def test_a_small_saving_is_too_uncertain_and_says_so() -> None:
    found = report(fleet(0.97), stated(), 2025, FACTS)
    (room,) = told(found).sites
    assert room.fsu_ratio == pytest.approx(0.2555904518810855 * 0.10 / 0.03, rel=1e-6)
    assert not room.acceptable
    assert "insufficient, above 50%" in html_file(found, "en")


def test_what_cannot_be_regressed_is_named() -> None:
    short = {("dc1", 18.0): dict(list(stated().degree_days["dc1", 18.0].items())[1:])}
    flat = {("dc1", 18.0): dict.fromkeys([*months_of(2022), *months_of(2025)], (5.0, 0.0))}
    away = {("hdv", 18.0): stated().degree_days["dc1", 18.0]}
    for table, code in (
        (short, "regression-degree-days"),
        (flat, "regression-flat"),
        (away, "regression-not-metered"),
    ):
        found = told(report(fleet(0.9), stated(degree_days=table), 2025, FACTS))
        assert found.sites == ()
        assert [one.code for one in found.missing] == [code]


def test_without_degree_days_there_is_no_section() -> None:
    assert "regression" not in report(fleet(0.9), stated(degree_days={}), 2025, FACTS).sections


def test_a_saving_under_normal_weather_is_that_of_two_models_and_stands_apart() -> None:
    """The period: 10 % less a month, half the slope, twice the degree-days of 2022, and scatter."""
    used = [
        0.9 * LEVEL_KWH + 0.5 * SLOPE_KWH * 2 * d + 9 * e for d, e in zip(BEFORE, SLOW, strict=True)
    ]
    rows = fleet(0.9)[:12]
    rows += [month(n, COOLING, 1, k) for n, k in zip(months_of(2025), used, strict=True)]
    found = report(rows, stated(), 2025, FACTS)
    (room,) = told(found).sites
    normal = room.normal
    assert normal is not None
    assert room.normal_years == 2
    # Normal: the mean of 2022 and of 2025, which had twice as many.
    mean = [1.5 * d for d in BEFORE]
    before, after = (
        12 * level + slope * sum(mean)
        for level, slope in ((LEVEL_KWH, SLOPE_KWH), (0.9 * LEVEL_KWH, 0.5 * SLOPE_KWH))
    )
    assert (normal.before_kwh, normal.after_kwh) == pytest.approx((before, after))
    assert normal.saving_ratio == pytest.approx(1 - after / before)
    cvs, dfs = [], []
    for values, days in ((series(), BEFORE), (used, [2 * d for d in BEFORE])):
        fit = sm.OLS(values, sm.add_constant(np.array(days))).fit()
        row = np.array([12.0, sum(mean)])
        rho = float(np.sum(fit.resid[1:] * fit.resid[:-1]) / np.sum(fit.resid**2))
        wide = (1 + max(rho, 0.0)) / (1 - max(rho, 0.0))
        cvs.append(sqrt(float(row @ fit.cov_params() @ row) * wide) / float(row @ fit.params))
        dfs.append(10)
    whole = sum(cv**2 for cv in cvs)
    df = whole**2 / sum(cv**4 / d for cv, d in zip(cvs, dfs, strict=True))
    half = float(stats.t.ppf(0.975, df)) * sqrt(whole)
    q = after / before
    assert normal.low_ratio == pytest.approx(1 - q * exp(half), rel=1e-6)
    assert normal.high_ratio == pytest.approx(1 - q * exp(-half), rel=1e-6)
    # At the period's own weather the same room saved otherwise.
    assert room.saving_ratio != pytest.approx(normal.saving_ratio, abs=0.01)
    assert "Économie normalisée" in html_file(found, "fr")
    assert "neither added to nor compared" in html_file(found, "en")


def test_a_period_of_which_nothing_can_be_regressed_has_no_normal_saving() -> None:
    days = dict(stated().degree_days["dc1", 18.0])
    days |= dict.fromkeys(months_of(2025), (5.0, 0.0))
    (room,) = told(report(fleet(0.9), stated(degree_days={("dc1", 18.0): days}), 2025, FACTS)).sites
    assert room.normal is None
