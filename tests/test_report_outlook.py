"""Forecast, probability, required pace, budget and scenarios, from rows to the report.

The forecast is worked out again here with whole covariance matrices, where the product whitens;
WE10 and WE11 are the method's own examples.
"""

from dataclasses import replace
from math import exp, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from method.examples import published
from perimeter_case import TOML, problems, write
from report_fleet import FACTS, SERVER, month, perimeter
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.indicators.outlook import Step
from sobre_collector.perimeter.facts import Baseline, BaselineRow, Perimeter, Target, months_of
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.perimeter.scenarios import Scenario
from sobre_collector.report.expected import Outlook
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report
from sobre_collector.report.summary import summary

USERS = 1_000.0
GOAL = 0.15
# A trend, a season and shocks that look random but are written down: kWh a month.
SHOCKS = [((7 * n * n + 3 * n) % 19 - 9) / 300 for n in range(60)]


def series(years: tuple[int, ...]) -> dict[str, float]:
    names = [name for year in years for name in months_of(year)]
    return {
        name: 8_000 * exp(-0.004 * n + 0.1 * np.cos(2 * np.pi * n / 12) + SHOCKS[n])
        for n, name in enumerate(names)
    }


def stated(**changes: object) -> Perimeter:
    """100,000 kWh of servers declared to ± 3 % for 2022; the head-count never changes."""
    rows = (BaselineRow("bx", "server", 100_000.0, 3_000.0, "bilan-2022.pdf"),)
    base = replace(
        perimeter(),
        baseline=Baseline(2022, "declared", rows),
        inventory={"2022-01": {SERVER: (1.0, 0.0)}},
        headcount={"2022-01": {"bx": (USERS, 0.0)}},
        user_factor={"server": 0.0},
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def rows_of(kwh: dict[str, float]) -> list[StratumMonth]:
    return [month(name, SERVER, 1, value) for name, value in kwh.items()]


def outlook(found: Report) -> Outlook:
    shown = found.sections["outlook"]
    assert isinstance(shown, Outlook)
    return shown


def gls(values: list[float], ahead: int) -> tuple[float, float, float]:
    """F, its standard error on the log scale and the correlation, by covariance matrices."""
    n = len(values)
    y = np.log(values)

    def row(k: int) -> list[float]:
        return [float(k % 12 == s) for s in range(12)] + [float(k)]

    x = np.array([row(k) for k in range(n)])
    new = np.array([row(n + k) for k in range(ahead)])
    e = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    r = float(e[1:] @ e[:-1] / (e @ e))
    rho = min(max(r + 13 * (1 + r) / n, 0.3), 0.85)

    def near(a: range, b: range) -> np.ndarray:
        return np.array([[rho ** abs(i - j) for j in b] for i in a])

    seen, coming = range(n), range(n, n + ahead)
    v, c, w = near(seen, seen), near(coming, seen), near(coming, coming)
    inverse = np.linalg.inv(v)
    of_beta = np.linalg.inv(x.T @ inverse @ x)
    beta = of_beta @ x.T @ inverse @ y
    left = y - x @ beta
    square = float(left @ inverse @ left) / (n - 13)
    mean = np.exp(new @ beta + c @ inverse @ left)
    weight = mean / mean.sum()
    d = new - c @ inverse @ x
    spread = square * (w - c @ inverse @ c.T + d @ of_beta @ d.T)
    return float(mean.sum()), sqrt(float(weight @ spread @ weight)), rho


def test_the_forecast_is_that_of_whole_covariance_matrices() -> None:
    kwh = series((2023, 2024, 2025))
    found = outlook(report(rows_of(kwh), stated(), 2025, FACTS))
    total, se, rho = gls([value / USERS for value in kwh.values()], 12)
    assert found.forecast is not None
    assert found.months_known == 36
    assert found.rho_ratio == pytest.approx(rho, rel=1e-9)
    assert found.forecast.per_user_kwh == pytest.approx(total, rel=1e-9)
    assert found.forecast.reduction_ratio == pytest.approx(1 - total / 100, rel=1e-9)
    half = stats.t.ppf(0.95, 23) * se
    assert found.forecast.low_ratio == pytest.approx(1 - total / 100 * exp(half), rel=1e-6)
    assert found.forecast.high_ratio == pytest.approx(1 - total / 100 * exp(-half), rel=1e-6)
    whole = sqrt(se**2 + (0.03 / sqrt(3)) ** 2)
    chance = stats.t.cdf((log((1 - GOAL) * 100) - log(total)) / whole, 23)
    assert found.forecast.probability_ratio == pytest.approx(float(chance), rel=1e-6)


def test_the_probability_is_said_in_the_words_of_the_method() -> None:
    shown = report(rows_of(series((2023, 2024, 2025))), stated(), 2025, FACTS)
    found = outlook(shown).forecast
    assert found is not None
    assert found.chance == "very-likely"
    assert (
        "Probabilité estimée d’atteindre l’objectif au 31/12/2026 : 95\u202f%, très probable "
        "(à politique inchangée)."
    ) in summary(shown, "fr")
    assert "**" not in summary(shown, "en")


def test_below_24_months_there_is_no_forecast_and_what_lacks_is_named() -> None:
    kwh = dict(list(series((2023, 2024)).items())[1:])
    shown = report(rows_of(kwh), stated(), 2024, replace(FACTS, this_month="2025-01"))
    found = outlook(shown)
    assert found.forecast is None
    assert [(one.code, one.values) for one in found.missing] == [
        ("forecast-short", {"known": 23, "least": 24})
    ]
    assert "23 mois" in html_file(shown, "fr")
    assert "insufficient data" in html_file(shown, "en")
    # The required pace needs no forecast.
    assert found.required_linear_ratio is not None


def test_a_target_year_that_is_over_has_no_forecast() -> None:
    facts = replace(FACTS, this_month="2027-01")
    kwh = series((2024, 2025, 2026))
    found = outlook(report(rows_of(kwh), stated(), 2026, facts))
    assert [one.code for one in found.missing] == ["forecast-over"]
    assert found.required_linear_ratio is None


def test_required_pace_is_that_of_the_worked_example() -> None:
    # WE10: R = 9.07 % at 2.75 of 4 years to 15 %.
    names = [*months_of(2024)[9:], *months_of(2025)[:9]]
    kwh = dict.fromkeys(names, 90_930 / 12)
    facts = replace(FACTS, this_month="2025-10")
    found = outlook(report(rows_of(kwh), stated(), 2025, facts))
    assert found.required_linear_ratio == pytest.approx(0.04744, abs=1e-7)
    assert found.required_compound_ratio == pytest.approx(-0.052521, abs=1e-6)


def test_the_budget_of_a_running_year_is_that_of_the_worked_example() -> None:
    # WE11: E* = 4.35 GWh, 2.48 GWh used by the end of August, 33.3 % of a year still to come.
    rest = 2_480_000 * 0.333 / 0.667
    kwh = {name: rest / 4 for name in months_of(2025)[8:]}
    kwh |= {name: 2_480_000 / 8 for name in months_of(2026)[:8]}
    rows = (BaselineRow("bx", "server", 4_350_000.0, 130_500.0, "facture.pdf"),)
    facts = replace(FACTS, this_month="2026-09")
    where = stated(baseline=Baseline(2022, "billed", rows), target=Target(GOAL, 2026))
    shown = report(rows_of(kwh), where, 2026, facts)
    budget = outlook(shown).budget
    assert budget is not None
    assert (budget.year, budget.months_left) == (2026, 4)
    assert budget.target_kwh == pytest.approx(3_697_500)
    assert budget.remaining_kwh == pytest.approx(1_217_500)
    assert budget.baseline_rest_kwh == pytest.approx(1_448_550)
    assert budget.required_ratio == pytest.approx(0.159504, abs=1e-6)
    assert "-16.0%" in summary(shown, "en")


def test_scenarios_stand_apart_and_change_neither_result_nor_forecast() -> None:
    kwh = series((2023, 2024, 2025))
    steps = (
        Scenario("Close the annex", "2026-07", kwh_per_month=-600.0, half_width_kwh=90.0),
        Scenario("Renew", "2026-01", devices=100, before_w=12.0, after_w=8.0),
    )
    plain = outlook(report(rows_of(kwh), stated(), 2025, FACTS))
    shown = report(rows_of(kwh), stated(scenarios=steps), 2025, FACTS)
    found = outlook(shown)
    assert found.forecast == plain.forecast
    closed, renewed, together = found.scenarios
    assert plain.forecast is not None
    # Six months of 600 kWh; a hundred times 4 W over 8,766 h in the year.
    saved_kwh = 100 * 4 * 8766 / 1000
    before = plain.forecast.per_user_kwh
    assert closed.per_user_kwh == pytest.approx(before - 3.6)
    assert renewed.per_user_kwh == pytest.approx(before - saved_kwh / USERS)
    assert together.per_user_kwh == pytest.approx(before - 3.6 - saved_kwh / USERS)
    # The step's own error: 90/√3 kWh in each of six months, added to the forecast's.
    _, se, _ = gls([value / USERS for value in kwh.values()], 12)
    after = before - 3.6
    cv = sqrt((se * before) ** 2 + (6 * 90 / sqrt(3) / USERS) ** 2) / after
    expected = 1 - after / 100 * exp(stats.t.ppf(0.95, 23) * cv)
    assert closed.low_ratio == pytest.approx(expected, rel=1e-6)
    assert "Close the annex" in html_file(shown, "en")
    assert "n’entrent ni dans le résultat" in html_file(shown, "fr")


def test_a_scenario_that_saves_more_than_is_used_is_named() -> None:
    steps = (Scenario("Too much", "2026-01", kwh_per_month=-9e5, half_width_kwh=1.0),)
    kwh = series((2023, 2024, 2025))
    shown = report(rows_of(kwh), stated(scenarios=steps), 2025, FACTS)
    assert outlook(shown).scenarios == ()
    assert ("scenario-too-large", {"names": "Too much"}) in [
        (n.code, n.values) for n in shown.notes
    ]


def _scenario(**given: object) -> Scenario:
    return Scenario("A", "2026-01", **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kwh_per_month": -5.0},
        {"kwh_per_month": -5.0, "half_width_kwh": 0.0},
        {"devices": 3, "before_w": 4.0},
        {"kwh_per_month": -5.0, "half_width_kwh": 1.0, "devices": 3},
        {"devices": 0, "before_w": 4.0, "after_w": 2.0},
        {"devices": 3, "before_w": -4.0, "after_w": 2.0},
    ],
    ids=["nothing", "no-width", "no-error", "half-a-renewal", "both", "nobody", "negative"],
)
def test_a_scenario_that_says_too_little_or_too_much_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="'A'"):
        _scenario(**given)


SCENARIOS = """
[[scenarios]]
name = "Close the annex"
month = "2026-07"
kwh_per_month = -4200.0
half_width_kwh = 900.0
"""


def test_scenarios_are_read_from_the_perimeter(tmp_path: Path) -> None:
    path = write(tmp_path, {"perimeter.toml": TOML + SCENARIOS})
    (step,) = load_perimeter(path).scenarios
    assert step.step() == Step("Close the annex", "2026-07", -4200.0, 900 / sqrt(3))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (SCENARIOS.replace("half_width_kwh", "half_widht_kwh"), "half_widht_kwh"),
        (SCENARIOS.replace("900.0", "0.0"), "no step is known to ± 0"),
        (SCENARIOS.replace("2026-07", "July"), "write the month as 2026-11"),
    ],
    ids=["typo", "no-error", "month"],
)
def test_a_wrong_scenario_is_named_with_its_file(tmp_path: Path, written: str, said: str) -> None:
    found = problems(write(tmp_path, {"perimeter.toml": TOML + written}))
    assert len(found) == 1
    assert "perimeter.toml" in found[0]
    assert said in found[0]


@pytest.mark.shared
def test_the_published_forecast_comes_out_of_the_report_with_its_stated_correlation(
    tmp_path: Path,
) -> None:
    given = published("WE12b_gls_ar1")
    names = [name for year in (2023, 2024, 2025) for name in months_of(year)]
    kwh = {name: USERS * value for name, value in zip(names, given["y"], strict=True)}
    more = f"\n[correlation]\nmonths_ratio = {given['rho_fixed']}\n"
    correlation = load_perimeter(write(tmp_path, {"perimeter.toml": TOML + more})).correlation

    def shown(goal: float) -> Report:
        # The only server, on a meter without error: nothing but the months' own scatter is left.
        perimeter_ = stated(
            baseline=Baseline(2023, "measured"),
            target=Target(goal, 2026),
            correlation=correlation,
        )
        return report(rows_of(kwh), perimeter_, 2025, FACTS)

    for goal, key in ((0.10, "p_meet_10"), (0.15, "p_meet_15")):
        whole = shown(goal)
        found = outlook(whole)
        assert whole.result is not None
        assert whole.result.reduction_ratio == pytest.approx(given["R_year3"], rel=1e-6)
        assert (found.rho_ratio, found.rho_stated) == (given["rho_fixed"], True)
        assert found.trend_ratio_per_year == pytest.approx(given["drift_per_year_log"], rel=1e-6)
        assert found.forecast is not None
        assert found.forecast.per_user_kwh == pytest.approx(given["F"], rel=1e-6)
        assert found.forecast.reduction_ratio == pytest.approx(given["R_forecast"], rel=1e-6)
        low, high = (1 - kwh / given["sums"][0] for kwh in reversed(given["pi90"]))
        assert (found.forecast.low_ratio, found.forecast.high_ratio) == pytest.approx(
            (low, high), rel=1e-6
        )
        assert found.forecast.probability_ratio == pytest.approx(given[key], rel=1e-5)
    assert "0.50  (stated)" in summary(whole, "en")
    assert "déclarée" in html_file(whole, "fr")


@pytest.mark.parametrize("ratio", ["1.0", "-0.1"], ids=["one", "below-0"])
def test_a_correlation_that_none_can_be_is_refused(tmp_path: Path, ratio: str) -> None:
    more = f"\n[correlation]\nmonths_ratio = {ratio}\n"
    found = problems(write(tmp_path, {"perimeter.toml": TOML + more}))
    assert any("months_ratio" in line and "leave it out" in line for line in found)
