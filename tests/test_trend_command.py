"""`sobre trend`: months as blocks with their table; what may not be shown is a gap."""

from dataclasses import replace
from pathlib import Path

import pytest

from report_fleet import (
    FACTS,
    LAPTOP,
    half_monitored,
    measured_before,
    month,
    perimeter,
    unequal_organisations,
)
from sobre_collector.cli import main
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report import trend
from sobre_collector.report.monthly import Fleet, fleet
from sobre_collector.store.ledger import Ledger


def made(rows: list[StratumMonth], stated: Perimeter) -> Fleet:
    return fleet(rows, stated, 2025, FACTS.this_month, {}, {})


@pytest.mark.parametrize(
    ("ratio", "drawn"),
    [(1.0, "████"), (0.5, "██  "), (0.0, "    "), (0.28125, "█▏  "), (7.0, "████")],
    ids=["whole", "half", "nothing", "an-eighth-more", "beyond"],
)
def test_a_bar_is_as_long_as_its_ratio(ratio: float, drawn: str) -> None:
    assert trend.bar(ratio, 4) == drawn


def test_bars_and_table_hold_the_months_and_fit_the_width() -> None:
    rows = half_monitored()
    rows[0] = month("2025-01", LAPTOP, 100, 4_250.0, 250.0)
    found = trend.months(made(rows, perimeter()), None, "2025-01")
    assert len(found) == 12
    # January: 200/100 × 4,500 + 3,000 kWh; the others 7,500.
    assert found[0].kwh == pytest.approx(12_000)
    drawn = list(trend.bars(found, 60, "en"))
    assert max(map(len, drawn)) <= 60
    # 42 cells are left; 42 × 7.5/12 is 26 and a quarter.
    assert drawn[0].count("█") == 42
    assert "█" * 26 + "▎ " in drawn[1]
    table = list(trend.table(found, {}, 80, "fr"))
    assert table[0].split()[0] == "Mois"
    assert table[1].startswith("2025-01")
    assert "12,0" in table[1]


def test_laptops_and_desktops_are_one_line() -> None:
    of_fleet = made(half_monitored(), perimeter())
    found = trend.months(of_fleet, "class", "2025-01")
    labels = trend.labels(of_fleet, found, "class", "en")
    assert labels == {"server": "Servers", "workstations": "Workstations"}
    assert found[0].parts == {"server": pytest.approx(3_000), "workstations": pytest.approx(4_500)}


def test_an_organisation_of_few_is_a_gap_and_no_figure() -> None:
    rows, stated = unequal_organisations()
    of_fleet = made(rows, stated)
    found = trend.months(of_fleet, "organisation", "2025-01")
    labels = trend.labels(of_fleet, found, "organisation", "en")
    drawn = dict(line.split(" ", 1) for line in trend.lines(found, labels, 80, "en"))
    assert drawn["A"].strip() == drawn["B"].strip() == "not published"
    assert drawn["C"].startswith("████████████ ")
    table = "\n".join(trend.table(found, labels, 200, "en"))
    assert "37.0 kWh" not in table
    assert "120 kWh" not in table
    assert table.count("not published") == 24


def test_a_month_of_too_few_workstations_is_there_without_a_figure() -> None:
    rows = half_monitored()
    rows[0] = month("2025-01", LAPTOP, 4, 80.0, 10.0)
    found = trend.months(made(rows, perimeter()), "class", "2025-01")
    assert (found[0].kwh, found[0].parts) == (None, {})
    assert "not published" in next(iter(trend.bars(found, 80, "en")))


def test_many_columns_are_put_under_one_another() -> None:
    rows, stated = unequal_organisations()
    long = tuple(replace(o, name=f"Commune {o.name} of a long name") for o in stated.organisations)
    of_fleet = made(rows, replace(stated, organisations=long))
    found = trend.months(of_fleet, "organisation", "2025-01")
    labels = trend.labels(of_fleet, found, "organisation", "en")
    table = list(trend.table(found, labels, 80, "en"))
    assert max(map(len, table)) <= 80
    assert sum(line.startswith("2025-06") for line in table) == 3


def test_the_command_draws_without_a_perimeter_and_says_what_lacks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.put_months([*measured_before(), *half_monitored()])
    ledger.close()
    assert main(["trend", "--data", str(tmp_path), "--since", "2025-07"]) == 0
    text = capsys.readouterr().out
    assert text.count("█") > 0
    assert "2025-06" not in text
    assert "2025-07" in text
    assert "only monitored devices count" in text
    assert max(map(len, text.splitlines())) <= 80
    assert main(["trend", "--data", str(tmp_path), "--since", "2022-03"]) == 0
    assert "2022-03" in capsys.readouterr().out
    assert main(["trend", "--data", str(tmp_path), "--since", "2031-01"]) == 1
    assert "no month is over since 2031-01" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["trend", "--data", str(tmp_path), "--since", "spring"])
    assert stopped.value.code == 2
