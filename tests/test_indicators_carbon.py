"""Carbon: what the factor does stands apart, and no factor is taken from another year."""

from math import hypot

import pytest

from method.examples import published
from sobre_collector.indicators.carbon import Factor, added, carbon_reduction, emissions, factor_of
from sobre_drivers.errors import ConfigError


def factor(year: int, value: float, u_ratio: float = 0.1, scope: str = "consumption") -> Factor:
    return Factor(year, value, u_ratio, scope, "illustrative", "1")


@pytest.mark.shared
def test_published_carbon() -> None:
    example = published("WE19_carbon")
    kwh = example["E"]
    found = emissions(kwh, 0.02 * kwh, factor(2025, example["EF"], example["EF_rel_u_k1"]))
    assert found.kg / 1000 == pytest.approx(example["tCO2e"], rel=1e-9)
    assert found.u_kg / 1000 == pytest.approx(example["u"], rel=1e-9)
    # This example was computed with 1.96.
    tonnes = [kg / 1000 for kg in found.interval_kg(0.95)]
    assert tonnes == pytest.approx(example["ci95"], rel=1e-4)
    change = carbon_reduction(
        4_350_000, kwh, factor(2022, example["EF_base"]), factor(2025, example["EF"])
    )
    assert change.constant_factor_ratio == pytest.approx(example["R_constant_EF"], rel=1e-9)
    assert change.yearly_factor_ratio == pytest.approx(example["R_with_EF_change"], rel=1e-9)
    assert change.grid_ratio == pytest.approx(0.1211, abs=1e-4)


def test_factor_of_the_year_and_scope_or_none() -> None:
    rows = [factor(2024, 0.06), factor(2025, 0.05), factor(2025, 0.07, scope="life cycle")]
    assert factor_of(rows, 2025, "consumption").kg_per_kwh == 0.05
    with pytest.raises(ConfigError, match=r"2026 \(consumption\): 0 rows"):
        factor_of(rows, 2026, "consumption")
    with pytest.raises(ConfigError, match="2 rows"):
        factor_of([*rows, factor(2025, 0.051)], 2025, "consumption")


@pytest.mark.parametrize(
    ("value", "u_ratio", "source"),
    [(0.0, 0.1, "x"), (0.05, 0.0, "x"), (0.05, 0.1, " ")],
    ids=["no-value", "certain", "no-source"],
)
def test_factors_without_value_doubt_or_source_are_refused(
    value: float, u_ratio: float, source: str
) -> None:
    with pytest.raises(ConfigError):
        Factor(2025, value, u_ratio, "consumption", source, "1")


def test_uses_with_one_factor_share_its_error() -> None:
    one = factor(2025, 0.05)
    found = added([emissions(1_000, 30, one), emissions(3_000, 40, one)])
    assert found.kg == pytest.approx(200)
    assert found.u_kg == pytest.approx(hypot(0.05 * hypot(30, 40), 200 * 0.1))
    with pytest.raises(ValueError, match="2 factors"):
        added([emissions(1, 0, one), emissions(1, 0, factor(2024, 0.05))])
