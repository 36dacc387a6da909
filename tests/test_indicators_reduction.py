"""The reduction, its interval and its refusals, on figures worked out by hand."""

from math import exp, inf, sqrt

import pytest
from scipy import stats

from sobre_collector.indicators.baseline import Baseline, measured, modelled, partial_year, stated
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.naive import naive_sum_change, pooled_mean_kwh
from sobre_collector.indicators.reduction import (
    AdjustedBaseline,
    Adjustment,
    Energy,
    EnergyUse,
    Users,
    adjusted_baseline,
    evolution_percent,
    log_interval,
    reduction,
    reported,
    user_factor,
)
from sobre_collector.indicators.total import Total
from sobre_drivers.errors import ConfigError

SAME = Users(100)


def test_published_evolution_is_negative_when_consumption_falls() -> None:
    fell = reduction(Baseline("billed", 100, 1), Energy(84, 1), before=SAME, after=SAME)
    rose = reduction(Baseline("billed", 100, 1), Energy(133, 1), before=SAME, after=SAME)
    assert fell.reduction_ratio == pytest.approx(0.16)
    assert rose.reduction_ratio == pytest.approx(-0.33)
    assert evolution_percent(fell.reduction_ratio or 0) == pytest.approx(-16)
    assert evolution_percent(rose.reduction_ratio or 0) == pytest.approx(33)


def test_interval_is_that_of_the_logarithm_with_combined_degrees_of_freedom() -> None:
    found = reduction(
        Baseline("measured", 1000, 30, df=9), Energy(900, 36, df=4), before=SAME, after=SAME
    )
    # cv 3 % and 4 %: cv of Q 5 %; 625 / (256/4 + 81/9) = 8.561644
    assert found.df == pytest.approx(625 / 73)
    half = float(stats.t.ppf(0.975, 625 / 73)) * 0.05
    assert found.low_ratio == pytest.approx(1 - 0.9 * exp(half))
    assert found.high_ratio == pytest.approx(1 - 0.9 * exp(-half))
    assert found.avoided_kwh == pytest.approx(100)
    assert found.avoided_interval_kwh == pytest.approx(
        (1000 - 900 * exp(half), 1000 - 900 * exp(-half))
    )


def test_correlated_periods_narrow_the_interval() -> None:
    periods = Baseline("measured", 1000, 30), Energy(900, 40.5)
    found = reduction(*periods, before=SAME, after=SAME, correlation_ratio=0.5)
    # 3 % and 4.5 %: 9 + 20.25 − 13.5 = 15.75
    assert found.se_ratio == pytest.approx(0.9 * sqrt(15.75e-4))
    assert found.insufficient == ()


def test_declared_baseline_has_no_finite_degrees_of_freedom() -> None:
    found = reduction(
        stated("declared", 1000, half_width_kwh=30), Energy(900, 36, df=4), before=SAME, after=SAME
    )
    cv_b, cv_r = 0.03 / sqrt(3), 0.04
    assert found.df == pytest.approx((cv_b**2 + cv_r**2) ** 2 / (cv_r**4 / 4))


def fieller(star: float, cv_b: float, energy: float, cv_r: float) -> tuple[float, float]:
    z, q = float(stats.norm.ppf(0.975)), energy / star
    g = (z * cv_b) ** 2
    half = z * sqrt(cv_b**2 + cv_r**2 - g * cv_r**2)
    return 1 - q * (1 + half) / (1 - g), 1 - q * (1 - half) / (1 - g)


@pytest.mark.parametrize(("cv", "apart"), [(0.01, 1e-4), (0.02, 4e-4)])
def test_log_interval_is_close_to_fiellers(cv: float, apart: float) -> None:
    star = AdjustedBaseline(1000, 1000 * cv, inf, 1.0)
    low, high, _, _ = log_interval(star, Energy(900, 900 * cv))
    assert (low, high) == pytest.approx(fieller(1000, cv, 900, cv), abs=apart)


def test_user_factor_follows_people_only_where_they_drive_the_energy() -> None:
    uses = [
        EnergyUse("desks", 0.6, 1.0),
        EnergyUse("rooms", 0.3, 0.0),
        EnergyUse("mixed", 0.1, 0.5),
    ]
    assert user_factor(uses, Users(100), Users(110)) == pytest.approx(0.66 + 0.3 + 0.105)
    with pytest.raises(ValueError, match="add up to"):
        user_factor(uses[:2], Users(100), Users(110))


def test_adjusted_baseline_and_its_uncertainty_are_as_worked_out_by_hand() -> None:
    star = adjusted_baseline(
        Baseline("billed", 1000, 20, df=8),
        [EnergyUse("desks", 0.5, 1.0), EnergyUse("rooms", 0.5, 0.0)],
        Users(100, 1),
        Users(120, 2.4),
        [
            Adjustment("perimeter", 100, 10),
            Adjustment("weather", 30, 5),
            Adjustment("non-routine", -50, 6),
        ],
    )
    # (1000 + 100) × 1.1 + 30 − 50; head-counts: 1100 × 0.6 × √(1 %² + 2 %²)
    assert star.user_factor_ratio == pytest.approx(1.1)
    assert star.total_kwh == pytest.approx(1190)
    type_b = 11**2 + 5**2 + 6**2 + 660**2 * 0.0005
    assert star.u_kwh == pytest.approx(sqrt(22**2 + type_b))
    assert star.df == pytest.approx((22**2 + type_b) ** 2 / (22**4 / 8))


def test_raw_and_phi_zero_stand_beside_the_result() -> None:
    found = reduction(
        Baseline("billed", 1000, 10),
        Energy(950, 10),
        before=Users(100),
        after=Users(110),
        adjustments=[Adjustment("non-routine", 20, 0)],
    )
    assert found.reduction_ratio == pytest.approx(1 - 950 / 1120)
    assert found.raw_ratio == pytest.approx(0.05)
    assert found.phi0_ratio == pytest.approx(1 - 950 / 1020)
    assert found.phi0_interval is not None
    assert found.phi0_interval[0] < 1 - 950 / 1020 < found.phi0_interval[1]
    assert found.baseline_kwh_per_user == 10
    assert found.reporting_kwh_per_user == pytest.approx(950 / 110)


@pytest.mark.parametrize(
    ("baseline", "reporting", "known", "reason"),
    [
        (Baseline("modelled", 100, 10.1), Energy(90, 1), (), "baseline-too-uncertain"),
        (Baseline("measured", 100, 1, flags=("no-data",)), Energy(90, 1), (), "no-data"),
        (Baseline("billed", 100, 1), Energy(90, 1, flags=("no-data",)), (), "no-data"),
        (Baseline("billed", 100, 1), Energy(0, 0), (), "no-energy"),
        (Baseline("billed", 100, 1), Energy(90, 1), ("month-lacking",), "month-lacking"),
    ],
    ids=["cv-above-10", "baseline-without-data", "reporting-without-data", "zero", "caller-knows"],
)
def test_insufficient_data_give_no_percentage_and_say_why(
    baseline: Baseline, reporting: Energy, known: tuple[str, ...], reason: str
) -> None:
    found = reduction(baseline, reporting, before=SAME, after=SAME, insufficient=known)
    assert found.insufficient == (reason,)
    shown = (found.reduction_ratio, found.low_ratio, found.raw_ratio, found.phi0_ratio)
    assert shown == (None, None, None, None)
    assert found.avoided_interval_kwh is None


def test_baseline_of_exactly_ten_percent_is_still_enough() -> None:
    found = reduction(Baseline("billed", 100, 10), Energy(90, 1), before=SAME, after=SAME)
    assert found.insufficient == ()


@pytest.mark.parametrize(
    ("widths", "u_kwh"),
    [
        ({"half_width_kwh": 30.0}, 30 / sqrt(3)),
        ({"expanded_kwh": 30.0}, 15.0),
        ({"expanded_kwh": 30.0, "coverage_factor": 3.0}, 10.0),
    ],
    ids=["rectangular", "k-2", "k-3"],
)
def test_stated_baseline_turns_its_width_into_a_standard_uncertainty(
    widths: dict[str, float], u_kwh: float
) -> None:
    assert stated("billed", 1000, **widths).u_kwh == pytest.approx(u_kwh)


@pytest.mark.parametrize(
    "widths",
    [
        {},
        {"half_width_kwh": 0.0},
        {"expanded_kwh": -1.0},
        {"half_width_kwh": 1.0, "expanded_kwh": 1.0},
    ],
    ids=["none", "zero", "negative", "both"],
)
def test_stated_baseline_without_uncertainty_is_refused(widths: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="ask its author"):
        stated("declared", 1000, **widths)


def test_modelled_baseline_is_wide_unless_a_reason_is_given() -> None:
    assert modelled(1000).u_kwh == pytest.approx(300 / sqrt(3))
    assert modelled(1000, 0.1, "metered campaign of 2024").u_kwh == pytest.approx(100 / sqrt(3))
    with pytest.raises(ConfigError, match="without a reason"):
        modelled(1000, 0.1)


def test_partial_year_is_scaled_by_shares_of_another_year() -> None:
    observed = Total(500.0, 15.0, 9.0, 1.0, 0.0, 0.0, ())
    found = partial_year(observed, [0.1, 0.15], 0.04, share_years=[2024, 2025], reporting_year=2026)
    assert found.total_kwh == pytest.approx(2000)
    assert found.u_kwh == pytest.approx(100)
    assert found.df == pytest.approx(0.05**4 / (0.03**4 / 9))
    one_year = partial_year(observed, [0.25], 0.0, share_years=[2025], reporting_year=2026)
    assert one_year.u_kwh == pytest.approx(2000 * sqrt(0.03**2 + 0.02**2))
    assert "cv-of-shares-raised" in one_year.flags


@pytest.mark.parametrize(
    ("share_years", "shares"),
    [([2025, 2026], [0.25]), ([], [0.25]), ([2025], [0.0]), ([2025], [8.0, 9.0])],
    ids=["reporting-year", "no-year", "nothing-seen", "percentages"],
)
def test_partial_year_refuses_shares_it_cannot_use(
    share_years: list[int], shares: list[float]
) -> None:
    observed = Total(500.0, 15.0, 9.0, 1.0, 0.0, 0.0, ())
    with pytest.raises(ConfigError, match="partial baseline"):
        partial_year(observed, shares, 0.03, share_years=share_years, reporting_year=2026)


def test_totals_carry_their_flags_into_baseline_and_reporting() -> None:
    total = Total(500.0, 15.0, 9.0, 1.0, 0.0, 0.0, ("no-data",))
    assert measured(total) == Baseline("measured", 500, 15, 9, ("no-data",))
    assert reported(total) == Energy(500, 15, 9, ("no-data",))


def test_naive_sum_takes_a_roll_out_for_consumption() -> None:
    laptops = Stratum("a", "nord", "workstation.laptop")

    def month(devices: int, kwh: float) -> StratumMonth:
        rows = [DeviceMonth((kwh, 0.0), (20, 10), kwh, 0.0, 0.0)] * devices
        return stratum_month("2026-11", laptops, (20, 10), rows)

    # Each device uses 16 % less, twice as many report, users grow by 5 %.
    change = naive_sum_change([month(10, 10.0)], [month(20, 8.4)], 100, 105)
    assert change == pytest.approx(1.6 - 1)
    assert naive_sum_change([], [month(20, 8.4)], 100, 105) is None
    assert pooled_mean_kwh([month(20, 8.4)], {laptops: (50, 0)}) == pytest.approx(420)
    assert pooled_mean_kwh([], {laptops: (50, 0)}) is None
