"""Data that do not suffice: no percentage, what is missing by name, and a truthful exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from report_fleet import half_monitored, measured_before
from sobre_collector.cli import main
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.store.ledger import Ledger
from test_web import PERIMETER

Change = Callable[[Path], None]
NOTHING: Change = lambda folder: None  # noqa: E731
INVENTORY = (
    "month,organisation,site,class,units,half_width\n"
    "2022-01,bx,hdv,workstation.laptop,200,0\n2022-01,bx,dc1,server,1,0\n"
)
HEADCOUNT = "month,organisation,users,half_width\n2022-01,bx,1000,0\n2025-01,bx,1100,0\n"


def folder_of(folder: Path, rows: list[StratumMonth]) -> Path:
    (folder / "perimeter.toml").write_text(PERIMETER, "utf-8")
    (folder / "inventory.csv").write_text(INVENTORY)
    (folder / "headcount.csv").write_text(HEADCOUNT)
    (folder / "baseline.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\n"
        "bx,workstation.laptop,60000,1800,bilan.pdf\nbx,server,40000,1200,bilan.pdf\n"
    )
    ledger = Ledger(folder / "ledger.db")
    for row in rows:
        ledger.put_month(row)
    ledger.close()
    return folder


def measured(folder: Path) -> None:
    lines = PERIMETER.replace('kind = "declared"', 'kind = "measured"').splitlines()
    kept = [line for line in lines if not line.startswith("baseline =")]
    (folder / "perimeter.toml").write_text("\n".join(kept), "utf-8")


def no_inventory(folder: Path) -> None:
    (folder / "inventory.csv").write_text(INVENTORY.splitlines()[0] + "\n")


def late_inventory(folder: Path) -> None:
    (folder / "inventory.csv").write_text(INVENTORY.replace("2022-01", "2025-03"))


def no_headcount_before(folder: Path) -> None:
    (folder / "headcount.csv").write_text(HEADCOUNT.replace("2022-01,bx,1000,0\n", ""))


@pytest.mark.parametrize(
    ("rows", "change", "french", "english"),
    [
        (
            half_monitored()[:2],
            NOTHING,
            "1 mois complets sur 12 en 2025 ; manquent : février 2025 à décembre 2025",
            "1 complete months of 12 in 2025; missing: February 2025 to December 2025",
        ),
        (
            half_monitored(),
            measured,
            "0 mois complets sur 12 pour l’année de référence 2022 ; "
            "manquent : janvier 2022 à décembre 2022",
            "0 complete months of 12 in the reference year 2022; "
            "missing: January 2022 to December 2022",
        ),
        (
            measured_before()[:20] + half_monitored(),
            measured,
            "10 mois complets sur 12 pour l’année de référence 2022 ; "
            "manquent : novembre 2022 à décembre 2022",
            "10 complete months of 12 in the reference year 2022; "
            "missing: November 2022 to December 2022",
        ),
        (
            half_monitored(),
            no_inventory,
            "Aucun inventaire : le total ne serait que la somme des appareils suivis.",
            "No inventory: the total would be but the sum of the monitored devices.",
        ),
        (
            half_monitored(),
            late_inventory,
            "Complétez le fichier d’inventaire pour : janvier 2025 à février 2025.",
            "Complete the inventory file for: January 2025 to February 2025.",
        ),
        (
            half_monitored(),
            no_headcount_before,
            "Effectifs inconnus pour 2022 : complétez le fichier des effectifs (organisations : "
            "Bordeaux <Métropole>).",
            "Head-count unknown for 2022: complete the head-count file (organisations: Bordeaux "
            "<Métropole>).",
        ),
    ],
    ids=[
        "one-month",
        "baseline-not-measured",
        "baseline-two-months-short",
        "no-inventory",
        "inventory-began-late",
        "headcount-hole",
    ],
)
def test_what_is_missing_is_said_and_no_percentage_is_drawn(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: list[StratumMonth],
    change: Change,
    french: str,
    english: str,
) -> None:
    folder = folder_of(tmp_path, rows)
    change(folder)
    words = ["report", "--data", str(folder), "--year", "2025"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["result"]) == ("insufficient", None)
    assert found["trajectory"]["status"] == "insufficient"
    assert set(found["beside"].values()) == {None}
    for lang, verdict, said in (
        ("fr", "Données insuffisantes", french),
        ("en", "Insufficient data", english),
    ):
        assert main([*words, "--lang", lang]) == 0
        text = capsys.readouterr().out
        assert verdict in text
        assert said in text
        # What is known is still there.
        assert "kWh" in text or "MWh" in text
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    html = (tmp_path / "out" / "rapport.fr.html").read_text("utf-8")
    assert html.index("Données insuffisantes") < html.index("Ce qui manque") < html.index("<table")
    assert 'class="figure"' not in html
    table = (tmp_path / "out" / "indicateurs_annuels.csv").read_text("utf-8")
    assert "insuffisant" in table
    assert "evolution" not in table


def test_without_a_month_that_is_over_there_is_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path, [])
    assert main(["report", "--data", str(folder), "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "no complete month" in said.err
