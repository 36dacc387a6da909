"""The forecast: to published digits, as statsmodels has it, and covering as often as it says."""

import random
from math import exp, log, sqrt

import pytest

from method.examples import published
from sobre_collector.indicators.forecast import (
    Forecast,
    estimated_rho,
    forecast,
    month_names,
    number,
)
from sobre_collector.indicators.outlook import target_probability
from sobre_collector.indicators.quantiles import two_sided


def months(first_year: int, values: list[float]) -> dict[str, float]:
    names = [name for year in range(first_year, first_year + 9) for name in month_names(year)]
    return dict(zip(names, values, strict=False))


def season(k: int) -> float:
    return 40 * exp(0.08 * (k % 12 in (0, 1, 11)) - 0.15 * (k % 12 == 7))


@pytest.mark.shared
def test_published_forecast() -> None:
    given = published("WE12b_gls_ar1")
    history = months(2023, [float(value) for value in given["y"]])
    found = forecast(history, month_names(2026), rho_ratio=given["rho_fixed"])
    assert found is not None
    assert found.total_kwh == pytest.approx(given["F"], rel=1e-10)
    assert found.se_log == pytest.approx(given["se_log"], rel=1e-9)
    assert found.df == given["df"]
    assert found.trend_log_per_year == pytest.approx(given["drift_per_year_log"], rel=1e-9)
    assert found.interval_kwh(0.90) == pytest.approx(tuple(given["pi90"]), rel=1e-10)
    baseline = given["sums"][0]
    assert 1 - found.total_kwh / baseline == pytest.approx(given["R_forecast"], rel=1e-9)
    for goal, key in ((0.10, "p_meet_10"), (0.15, "p_meet_15")):
        chance = target_probability(
            found, goal_ratio=goal, baseline_kwh_per_user=baseline, cv_baseline_ratio=0.0
        )
        assert chance == pytest.approx(given[key], rel=1e-5)


def test_coefficients_and_scale_are_those_of_statsmodels() -> None:
    import numpy as np
    import statsmodels.api as sm

    draw = random.Random(4)
    values = [season(k) * draw.lognormvariate(-0.002 * k, 0.02) for k in range(40)]
    rho = 0.6
    found = forecast(months(2022, values), month_names(2026), rho_ratio=rho)
    x = np.zeros((40, 13))
    x[np.arange(40), np.arange(40) % 12] = 1
    x[:, 12] = np.arange(40)
    sigma = rho ** np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    oracle = sm.GLS(np.log(values), x, sigma=sigma).fit()
    assert found is not None
    assert found.trend_log_per_year == pytest.approx(12 * oracle.params[12], rel=1e-9)
    # The whole year after next: 4 months of 2025 are seen, so 2026 is 9 to 20 steps away.
    ahead = np.arange(48, 60)
    new = np.zeros((12, 13))
    new[np.arange(12), ahead % 12] = 1
    new[:, 12] = ahead
    mean = new @ oracle.params + rho ** (ahead - 39) * oracle.resid[-1]
    assert found.total_kwh == pytest.approx(float(np.exp(mean).sum()), rel=1e-9)


def test_months_already_seen_are_known() -> None:
    history = months(2023, [season(k) for k in range(30)])
    found = forecast(history, month_names(2025), cv_panel_ratio=0.02, cv_seen_ratio=0.01)
    assert found is not None
    assert found.seen_kwh == pytest.approx(sum(season(k) for k in range(24, 30)))
    # A series without noise goes on as it was, and only the panel's error is left.
    assert found.total_kwh == pytest.approx(sum(season(k) for k in range(12)))
    assert found.se_log == pytest.approx(0.0, abs=1e-9)
    rest = found.total_kwh - found.seen_kwh
    common = (found.seen_kwh * 0.01 + rest * 0.02) / found.total_kwh
    assert found.cv_ratio == pytest.approx(common, rel=1e-6)
    assert set(found.by_month_kwh) == set(month_names(2025))


def test_gap_in_the_history_is_no_wrong_neighbour() -> None:
    import numpy as np
    import statsmodels.api as sm

    draw = random.Random(8)
    values = months(2022, [season(k) * draw.lognormvariate(0, 0.02) for k in range(40)])
    del values["2023-05"], values["2023-06"], values["2024-02"]
    found = forecast(values, month_names(2026), rho_ratio=0.7)
    times = np.array([number(name) - number("2022-01") for name in values])
    x = np.zeros((len(times), 13))
    x[np.arange(len(times)), times % 12] = 1
    x[:, 12] = times
    sigma = 0.7 ** np.abs(np.subtract.outer(times, times))
    oracle = sm.GLS(np.log(list(values.values())), x, sigma=sigma).fit()
    assert found is not None
    assert found.trend_log_per_year == pytest.approx(12 * oracle.params[12], rel=1e-9)


@pytest.mark.parametrize(
    ("history", "target"),
    [
        (months(2024, [season(k) for k in range(23)]), 2026),
        ({m: v for m, v in months(2022, [1.0] * 36).items() if m[5:] != "08"}, 2025),
        (months(2022, [1.0] * 48), 2025),
        (months(2022, [1.0] * 36) | {"2025-06": 1.0}, 2025),
    ],
    ids=["23-months", "a-season-never-seen", "nothing-to-come", "hole-before-the-last-month"],
)
def test_no_forecast_without_what_it_needs(history: dict[str, float], target: int) -> None:
    assert forecast(history, month_names(target)) is None


def test_month_without_consumption_has_no_logarithm() -> None:
    with pytest.raises(ValueError, match="2024-01"):
        forecast(months(2024, [0.0] * 24), month_names(2026))


def ar1(draw: random.Random, rho: float, n: int) -> list[float]:
    sigma = 0.02
    e = [draw.gauss(0, sigma / sqrt(1 - rho * rho))]
    for _ in range(n - 1):
        e.append(rho * e[-1] + draw.gauss(0, sigma))
    return e


def covered(rho: float, known: int, repetitions: int, correction: float = 13.0) -> float:
    """How often the 90 % interval holds a year that was simulated with the history."""
    draw = random.Random(20261124)
    held = 0
    for _ in range(repetitions):
        e = ar1(draw, rho, known + 12)
        y = [season(k) * exp(-0.003 * k + e[k]) for k in range(known + 12)]
        history = months(2022, y[:known])
        names = [*months(2022, y)][known:]
        if correction == 13.0:
            found = forecast(history, names)
        else:
            found = forecast(history, names, rho_ratio=kendall(history))
        assert found is not None
        low, high = found.interval_kwh(0.90)
        held += low <= sum(y[known:]) <= high
    return held / repetitions


def kendall(history: dict[str, float]) -> float:
    from sobre_collector.indicators.least_squares import lag_correlation, least_squares

    rows = [[float(number(m) % 12 == s) for s in range(12)] + [float(number(m))] for m in history]
    r = lag_correlation(least_squares(rows, [log(v) for v in history.values()]).residuals)
    return min(max(r + (1 + 3 * r) / len(history), 0.0), 0.99)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("known", [36, 48])
def test_interval_covers_as_often_as_it_says(rho: float, known: int) -> None:
    # Of 2,000 series it is 92 to 99 %: more than nominal where residuals are independent, since ρ
    # is taken as 0.3 at least. Monte-Carlo error here 2 points (k = 1).
    assert covered(rho, known, 250) >= 0.86


def test_usual_correction_of_rho_would_cover_less() -> None:
    assert covered(0.8, 36, 250, correction=3.0) <= covered(0.8, 36, 250) - 0.04


def test_rho_of_a_long_series_needs_no_correction() -> None:
    e = ar1(random.Random(1), 0.6, 20_000)
    assert estimated_rho(e) == pytest.approx(0.6, abs=0.03)


def test_interval_widens_with_the_panels_common_error() -> None:
    alone = Forecast(100.0, 0.03, 20.0, 0.5, 0.0, {"2026-01": 100.0})
    both = Forecast(100.0, 0.03, 20.0, 0.5, 0.0, {"2026-01": 100.0}, 0.0, 0.04)
    low, high = both.interval_kwh(0.90)
    assert low * high == pytest.approx(100.0**2)
    assert log(high / 100) == pytest.approx(two_sided(0.90, 20) * 0.05)
    assert low < alone.interval_kwh(0.90)[0]
