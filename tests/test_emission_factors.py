"""Factors as others publish them: read as rows, and how far apart "the" French one is."""

import csv
from pathlib import Path

import pytest

from machine_year import write
from sobre_collector.indicators.carbon import carbon_reduction, emissions
from sobre_drivers.errors import ConfigError

SHARED = Path(__file__).parents[2] / "shared/captures/emission-factors/emission_factors_fr.csv"
HEAD = "year,value,unit,u_ratio,scope,source,version\n"


def met() -> list[dict[str, str]]:
    """The rows of the shared table that name a year and a value."""
    if not SHARED.exists():
        pytest.skip("the shared table of emission factors is not here")
    with SHARED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row["year_or_edition"].isdigit()]


def line(row: dict[str, str]) -> str:
    cells = (row["scope"].replace('"', ""), row["source"].replace('"', ""), row["trust"])
    texts = ",".join(f'"{cell}"' for cell in cells)
    return f"{row['year_or_edition']},{row['value_kgco2e_per_kwh']},kgCO2e/kWh,0.1,{texts}\n"


@pytest.mark.shared
def test_rows_met_elsewhere_are_read_with_their_source(tmp_path: Path) -> None:
    by_year = {row["year_or_edition"]: row for row in met()}
    content = HEAD + "".join(line(row) for row in by_year.values())
    rates = write(tmp_path, {"factors.csv": content}).rates
    assert len(rates.factors) == len(by_year) >= 4
    for factor in rates.factors:
        stated = by_year[str(factor.year)]
        assert factor.kg_per_kwh == float(stated["value_kgco2e_per_kwh"])
        assert factor.source
        assert factor.scope


@pytest.mark.shared
def test_two_rows_of_one_year_are_refused_rather_than_chosen_from(tmp_path: Path) -> None:
    same = [row for row in met() if row["year_or_edition"] == "2012"]
    assert len(same) > 1
    with pytest.raises(ConfigError, match="2012 stands already"):
        write(tmp_path, {"factors.csv": HEAD + "".join(map(line, same))})


def test_the_unit_is_stated_and_never_guessed(tmp_path: Path) -> None:
    rates = write(tmp_path).rates
    # 60 g and 0.052 kg, each in the unit that its row says.
    assert [factor.kg_per_kwh for factor in rates.factors] == pytest.approx([0.060, 0.052])
    assert rates.factor(2024) is None
    kg = emissions(3_950_000, 0.0, rates.factors[1])
    assert kg.kg == pytest.approx(205_400)
    # The published example: 9.2 % by energy, 21.3 % with the grid's change from 60 to 52 g.
    change = carbon_reduction(4_350_000, 3_950_000, *rates.factors)
    assert change.constant_factor_ratio == pytest.approx(0.091954, abs=1e-6)
    assert change.yearly_factor_ratio == pytest.approx(0.213027, abs=1e-6)
