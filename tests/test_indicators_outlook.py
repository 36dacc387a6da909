"""The chance to meet the target, the budget of the rest of the year, and what is decided."""

from math import log, sqrt

import pytest

from method.examples import published
from sobre_collector.indicators.forecast import Forecast, month_names
from sobre_collector.indicators.outlook import (
    WORDS,
    Step,
    chance,
    in_year_budget,
    per_user,
    renewal,
    target_probability,
    with_steps,
)
from sobre_collector.indicators.quantiles import t_cdf

YEAR = Forecast(
    total_kwh=120.0,
    se_log=0.02,
    df=23.0,
    rho_ratio=0.5,
    trend_log_per_year=-0.03,
    by_month_kwh=dict.fromkeys(month_names(2026), 10.0),
    cv_panel_ratio=0.015,
)


@pytest.mark.shared
def test_published_budget() -> None:
    given = published("WE11_completion")
    found = in_year_budget(given["target_kwh"], given["ytd"], given["baseline_remaining"])
    assert found.remaining_kwh == pytest.approx(given["remaining_budget"])
    assert found.required_ratio == pytest.approx(given["required_reduction_on_remaining"])


def test_budget_that_is_spent_asks_for_more_than_everything() -> None:
    found = in_year_budget(100.0, 120.0, 50.0)
    assert found.remaining_kwh == -20.0
    assert found.required_ratio is not None
    assert found.required_ratio > 1
    assert in_year_budget(100.0, 90.0, 0.0).required_ratio is None


@pytest.mark.parametrize(
    ("probability", "wording", "fr"),
    [
        (0.95, "very-likely", "très probable"),
        (0.90, "likely", "probable"),
        (0.70, "likely", "probable"),
        (0.50, "uncertain", "incertain"),
        (0.33, "uncertain", "incertain"),
        (0.32, "unlikely", "peu probable"),
        (0.0, "unlikely", "peu probable"),
    ],
)
def test_wording(probability: float, wording: str, fr: str) -> None:
    assert chance(probability) == wording
    assert WORDS[wording]["fr"] == fr


def probability(correlation: float, cv_baseline: float = 0.02) -> float:
    return target_probability(
        YEAR,
        goal_ratio=0.15,
        baseline_kwh_per_user=145.0,
        cv_baseline_ratio=cv_baseline,
        correlation_ratio=correlation,
    )


def test_probability_carries_every_error() -> None:
    distance = log(0.85 * 145.0 / 120.0)
    square = 0.02**2 + 0.02**2 + 0.015**2 - 2 * 0.5 * 0.02 * 0.015
    assert probability(0.5) == pytest.approx(t_cdf(distance / sqrt(square), 23))
    # The same devices in both years leave less to doubt; a vague baseline more.
    assert probability(0.5) > probability(0.0) > probability(0.0, cv_baseline=0.08) > 0.5


def test_decided_steps_change_the_months_from_their_own_on() -> None:
    found = with_steps(YEAR, [Step("site closes", "2026-07", -1.0, 0.2)])
    assert found.by_month_kwh["2026-06"] == 10.0
    assert found.by_month_kwh["2026-07"] == 9.0
    assert found.total_kwh == pytest.approx(114.0)
    own, step = 0.02 * 120.0, 6 * 0.2
    assert found.se_log * 114.0 == pytest.approx(sqrt(own**2 + step**2))
    assert with_steps(YEAR, []).total_kwh == pytest.approx(120.0)


def test_renewal_of_laptops_is_an_explicit_step() -> None:
    step = renewal("2,000 laptops", "2026-03", 2_000, before_w=12.0, after_w=7.0)
    # 2,000 × 5 W × 730.5 h.
    assert step.kwh == pytest.approx(-7_305.0)
    assert step.u_kwh == pytest.approx(7_305.0 / 2 / sqrt(3))
    assert per_user(step, 10_000).kwh == pytest.approx(-0.7305)


def test_step_that_saves_more_than_is_used_is_refused() -> None:
    with pytest.raises(ValueError, match="site closes"):
        with_steps(YEAR, [Step("site closes", "2026-01", -11.0, 1.0)])
