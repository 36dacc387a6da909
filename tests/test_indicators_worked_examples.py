"""The published worked examples of the method, to all their digits."""

import json
from math import inf, sqrt
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.indicators.baseline import Baseline, partial_year
from sobre_collector.indicators.moments import DeviceMonth, Stratum, stratum_month
from sobre_collector.indicators.naive import naive_sum_kwh
from sobre_collector.indicators.reduction import (
    AdjustedBaseline,
    Adjustment,
    Energy,
    EnergyUse,
    Users,
    adjusted_baseline,
    log_interval,
    reduction,
)
from sobre_collector.indicators.stratified import Complete, stratified_total
from sobre_collector.indicators.total import StratumTotal, Total, month_total, year_total
from sobre_collector.indicators.trajectory import (
    Target,
    elapsed_years,
    path_ratio,
    required,
    required_on_rest,
    standing,
)

EXAMPLES = Path(__file__).parents[2] / "shared" / "method" / "worked_examples.json"
STRATUM = Stratum("a", "nord", "workstation.laptop")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not EXAMPLES.exists(), reason="../shared/method is not there"),
]


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return loaded


def test_stratified_day(examples: dict[str, Any]) -> None:
    given = examples["WE3_strat_day"]
    total = stratified_total(Complete(*row) for row in given["strata"].values())
    assert total.total_kwh == pytest.approx(given["T"])
    assert total.se_kwh == pytest.approx(given["SE"])
    assert total.df == pytest.approx(given["df"])
    assert total.interval(0.95) == pytest.approx(given["ci95"])
    assert total.interval(0.90) == pytest.approx(given["ci90"])
    assert total.extrapolated_share == pytest.approx(given["extrapolated_share"])


def test_ratio_month(examples: dict[str, Any]) -> None:
    given = examples["WE4_ratio"]
    rows = [DeviceMonth((x, 0.0), (w, 0.0), x, 0.0, 0.0) for x, w in given["devices"]]
    row = stratum_month("2026-11", STRATUM, (given["D"], 0), rows)
    n, sum_x, sum_w, xx, ww, xw = given["suff"]
    assert row.squares is not None
    assert row.devices == n
    assert (row.sums[0], row.sums[2]) == pytest.approx((sum_x, sum_w))
    assert (row.squares[0], row.squares[7], row.squares[2]) == pytest.approx((xx, ww, xw))
    (total,) = month_total([row], {STRATUM: (given["N"], 0)})
    assert total.total_kwh == pytest.approx(given["T"])
    assert total.df == given["df"]
    # The example corrects by devices, n/N; the rule that prevails counts device-days, Σw/(N·D).
    by_devices = (1 - n / given["N"]) / (1 - sum_w / (given["N"] * given["D"]))
    assert sqrt(total.variance * by_devices) == pytest.approx(given["SE"])
    assert naive_sum_kwh([row]) == pytest.approx(given["naive_sum"])


def test_twelve_months_add_by_the_bound(examples: dict[str, Any]) -> None:
    given = examples["WE5_combine"]
    months = [
        StratumTotal(f"2026-{n:02d}", STRATUM, 9, 9, 1000.0, 2500.0, 8, 1000.0, 0, 0, "ratio", ())
        for n in range(1, 13)
    ]
    year = year_total(months)
    assert (year.total_kwh, year.se_kwh) == pytest.approx((given["T"], given["SE_bound"]))


def test_reduction(examples: dict[str, Any]) -> None:
    given = examples["WE6_reduction"]
    baseline = Baseline("declared", given["E_B"], given["E_B"] * given["u_B_rel"])
    reporting = Energy(given["E_R"], given["E_R"] * given["u_R_rel"])
    before, after = Users(given["U_B"]), Users(given["U_R"])
    found = reduction(baseline, reporting, before=before, after=after)
    assert found.adjusted.total_kwh == pytest.approx(given["E_B_adj"])
    assert found.reduction_ratio == pytest.approx(given["R"])
    assert found.raw_ratio == pytest.approx(given["raw_reduction"])
    assert found.phi0_ratio == pytest.approx(given["raw_reduction"])
    assert found.se_ratio == pytest.approx(given["se"])
    assert (found.low_ratio, found.high_ratio) == pytest.approx(given["ci95_log"])
    assert found.avoided_kwh == pytest.approx(given["avoided_kwh"])
    assert found.baseline_kwh_per_user == pytest.approx(given["kwh_per_user_B"])
    assert found.reporting_kwh_per_user == pytest.approx(given["kwh_per_user_R"])
    at_90 = reduction(baseline, reporting, before=before, after=after, level=0.90)
    assert (at_90.low_ratio, at_90.high_ratio) == pytest.approx(given["ci90_log"])
    matched = reduction(baseline, reporting, before=before, after=after, correlation_ratio=0.5)
    assert (matched.low_ratio, matched.high_ratio) == pytest.approx(given["R_matched_panel_rho05"])


def test_noisy_reduction(examples: dict[str, Any]) -> None:
    # This example was computed with 1.96.
    given = examples["WE6c_noisy15pct"]
    energy = Energy(given["E_R"], given["E_R"] * given["u_rel"])
    star = AdjustedBaseline(given["E_B_adj"], given["E_B_adj"] * given["u_rel"], inf, 1.0)
    assert log_interval(star, energy)[:2] == pytest.approx(given["log"], abs=1e-4)


def test_adjusted_datacentre(examples: dict[str, Any]) -> None:
    given = examples["WE7_adjust"]
    # The example states u(E*) without its parts; the part left over is the baseline's own.
    u_baseline = sqrt(given["u_E_B_adj"] ** 2 - given["u_routine"] ** 2)
    star = adjusted_baseline(
        Baseline("billed", given["E_B"], u_baseline),
        [EnergyUse("rooms", 1.0, 0.0)],
        Users(100),
        Users(200),
        [
            Adjustment("weather", given["routine"], given["u_routine"]),
            Adjustment("non-routine", given["nra"], 0.0),
        ],
    )
    assert star.total_kwh == pytest.approx(given["E_B_adj"])
    assert star.u_kwh == pytest.approx(given["u_E_B_adj"])
    energy = Energy(given["E_R"], given["u_E_R"])
    low, high, cv_q, _ = log_interval(star, energy)
    assert (low, high) == pytest.approx(given["ci_log"])
    assert (1 - given["R"]) * cv_q == pytest.approx(given["se"])


def test_partial_year(examples: dict[str, Any]) -> None:
    given = examples["WE8_partial"]
    observed = Total(given["E_obs"], given["E_obs"] * 0.015, inf, 1.0, 0.0, 0.0, ())
    found = partial_year(
        observed, [given["share"]], 0.02, share_years=[2024, 2025], reporting_year=2026
    )
    assert (found.total_kwh, found.u_kwh) == pytest.approx((given["E_B"], given["u"]))


def test_path(examples: dict[str, Any]) -> None:
    given = examples["WE10_path"]
    target = Target(0.15, 2022, 2026)
    years = elapsed_years("2025-09", 2022)
    assert years == pytest.approx(given["elapsed"])
    assert path_ratio(target, years) == pytest.approx(given["path"])
    linear, compound = required(target, given["R_now"], years)
    assert linear == pytest.approx(given["required_linear_pts_per_year"])
    assert compound == pytest.approx(given["required_compound"])
    steps = {int(year): ratio for year, ratio in given["milestones"].items()}
    stepwise = Target(0.15, 2022, 2026, "stepwise", steps)
    assert path_ratio(stepwise, years) == pytest.approx(given["step_path"])
    # A baseline without error puts the example's standard error on R alone.
    q = 1 - given["R_now"]
    found = reduction(
        Baseline("measured", 1.0, 0.0), Energy(q, given["se"]), before=Users(1), after=Users(1)
    )
    at = standing(found, target, years)
    assert at.gap_ratio == pytest.approx(given["gap"])
    # "On track" in the example; what prevails is that ± 4.7 points prove nothing.
    assert at.status == "not-conclusive"


def test_budget_of_the_rest_of_the_year(examples: dict[str, Any]) -> None:
    given = examples["WE11_completion"]
    rest = required_on_rest(given["target_kwh"], given["ytd"], given["baseline_remaining"])
    assert rest == pytest.approx(given["required_reduction_on_remaining"])
