"""Quantiles against scipy, which only tests may import."""

from math import inf

import pytest
from scipy import special, stats

from sobre_collector.indicators.quantiles import (
    incomplete_beta,
    normal_quantile,
    satterthwaite,
    t_cdf,
    t_quantile,
    two_sided,
)

DFS = (0.3, 0.5, 1, 1.5, 2, 3.7, 7, 23, 99.5, 258.966, 1000, 2999.5, 3000.5, 1e5, 1e9, inf)
PROBABILITIES = (1e-9, 1e-4, 0.025, 0.05, 0.16, 0.4, 0.49, 0.6, 0.75, 0.9, 0.95, 0.975, 0.9995)


@pytest.mark.parametrize("df", DFS)
def test_student_quantile_agrees_with_scipy_to_1e_9(df: float) -> None:
    for probability in PROBABILITIES:
        expected = float(stats.t.ppf(probability, df))
        assert t_quantile(probability, df) == pytest.approx(expected, rel=1e-9), probability


@pytest.mark.parametrize("df", DFS)
def test_student_distribution_agrees_with_scipy(df: float) -> None:
    for t in (-30.0, -2.5, -0.01, 0.0, 0.3, 1.96, 12.0):
        assert t_cdf(t, df) == pytest.approx(float(stats.t.cdf(t, df)), rel=1e-9)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (3.5, 0.5), (40, 2), (0.2, 7), (500, 0.5)])
def test_incomplete_beta_agrees_with_scipy(a: float, b: float) -> None:
    for x in (0.0, 1e-6, 0.1, 0.5, 0.9, 0.999, 1.0):
        assert incomplete_beta(a, b, x) == pytest.approx(float(special.betainc(a, b, x)), rel=1e-9)


@pytest.mark.parametrize(
    ("level", "df", "printed"),
    [(0.95, inf, 1.959964), (0.90, inf, 1.644854), (0.95, 1, 12.7062), (0.95, 10, 2.228139)],
    ids=["normal-95", "normal-90", "one-df", "ten-df"],
)
def test_factor_of_an_interval_is_that_of_printed_tables(
    level: float, df: float, printed: float
) -> None:
    assert two_sided(level, df) == pytest.approx(printed, abs=5e-5)


def test_normal_quantile_is_exact() -> None:
    assert normal_quantile(0.975) == pytest.approx(1.959963984540054, rel=1e-12)
    assert normal_quantile(0.5) == 0


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 95.0])
def test_impossible_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=str(bad)):
        t_quantile(bad, 5)
    with pytest.raises(ValueError, match="confidence level"):
        two_sided(bad, 5)


def test_no_degree_of_freedom_is_refused() -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_quantile(0.9, 0)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(4.0, 9.0)], 9.0),
        ([(1.0, 4.0), (1.0, 4.0)], 8.0),
        # (3 + 1)² / (3²/6 + 1²/2) = 16 / 2
        ([(3.0, 6.0), (1.0, 2.0)], 8.0),
        ([(3.0, 6.0), (1.0, inf)], 16 / 1.5),
        ([(0.0, 5.0), (0.0, inf)], inf),
        ([], inf),
    ],
    ids=["one", "two-equal", "unequal", "with-type-b", "no-variance", "nothing"],
)
def test_satterthwaite(parts: list[tuple[float, float]], expected: float) -> None:
    assert satterthwaite(parts) == pytest.approx(expected)
