"""The report as files: HTML that everyone can read, CSV that nothing runs, JSON whose keys stay."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pages import assert_sound, parsed
from report_fleet import (
    FACTS,
    LAPTOP,
    half_monitored,
    month,
    perimeter,
    unequal_organisations,
)
from sobre_collector.commands.report import write
from sobre_collector.indicators.moments import Stratum, StratumMonth
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.as_json import as_json
from sobre_collector.report.csv_files import csv_files, written
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report
from sobre_collector.report.summary import summary
from sobre_collector.report.wording import LANGUAGES, Lang
from sobre_drivers.errors import StoreError

NARROW = "\u202f"
WIDE = "\u00a0"


def _report(rows: list[StratumMonth] | None = None, stated: Perimeter | None = None) -> Report:
    return report(rows or half_monitored(), stated or perimeter(), 2025, FACTS)


def _table(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("months", [24, 10, 0], ids=["year", "five-months", "nothing"])
def test_the_html_file_is_sound_whatever_there_is(lang: Lang, months: int) -> None:
    found = report(half_monitored()[:months], perimeter(), 2025, FACTS)
    page = parsed(html_file(found, lang))
    assert_sound(page, lang)
    assert not page.all("link")
    assert ("Données insuffisantes" in page.text or "Insufficient data" in page.text) == (
        months < 24
    )


def test_the_french_file_says_the_sentences_of_the_method_with_french_numbers() -> None:
    html = html_file(_report(), "fr")
    # R = 0.1509434 with [0.1216252, 0.1792830]: an evolution has the ends the other way round.
    assert (
        f"à périmètre utilisateur constant{WIDE}: <strong>-15,1{NARROW}%</strong> (intervalle de "
        f"confiance à 95{NARROW}%{WIDE}: -17,9{NARROW}% à -12,2{NARROW}%) par rapport à la "
        f"situation de référence 2022{NARROW}; objectif 2026{WIDE}: -15{NARROW}%."
    ) in html
    # The figure alone comes first, and under it what it is set against.
    top = html.index('<p class="figure">')
    assert top < html.index("constant\u00a0: <strong>") < html.index("<table>")
    assert f"<strong>-15,1{NARROW}%</strong>" in html[top : top + 200]
    assert f"de -17,9{NARROW}% à -12,2{NARROW}%" in html[top : top + 300]
    assert f"Situation de référence{WIDE}: <strong>2022</strong> (déclarée)" in html
    assert f"Objectif 2026{WIDE}: <strong>-15{NARROW}%</strong>" in html
    assert (
        f"Part mesurée / estimée / extrapolée{WIDE}: 67{NARROW}% / 3{NARROW}% / 30{NARROW}%."
    ) in html
    assert f"Écart à la trajectoire{WIDE}: +3,8 points, <strong>en avance</strong> au seuil" in html
    assert (
        f"Consommation évitée{WIDE}: 16,0{NARROW}MWh (12,9 à 19,0{NARROW}MWh, 95{NARROW}%)." in html
    )


def test_a_fall_is_published_negative_and_a_rise_positive() -> None:
    fall = _table(csv_files(_report())["indicateurs_annuels.csv"])
    evolution = next(row for row in fall if row["indicateur"].startswith("evolution_perimetre"))
    assert float(evolution["valeur"]) == pytest.approx(-15.0943396)
    assert float(evolution["borne_basse_95"]) == pytest.approx(-17.92830, abs=1e-4)
    assert float(evolution["borne_haute_95"]) == pytest.approx(-12.16252, abs=1e-4)
    stated = perimeter()
    half = tuple(replace(row, kwh=row.kwh / 2) for row in stated.baseline.rows)
    risen = _report(stated=replace(stated, baseline=replace(stated.baseline, rows=half)))
    # 90,000 kWh against 53,000.
    assert f"+69,8{NARROW}%" in html_file(risen, "fr")
    assert "+69.8%" in summary(risen, "en")


@pytest.mark.parametrize(
    ("months", "measured_kwh", "status", "words"),
    [
        (12, 2_000.0, "complete", None),
        (12, 500.0, "provisional", "Résultat provisoire : moins de 50 % mesuré."),
        (11, 2_000.0, "insufficient", None),
    ],
    ids=["measured", "under-half", "a-month-short"],
)
def test_a_result_says_what_it_is_worth(
    months: int, measured_kwh: float, status: str, words: str | None
) -> None:
    rows = half_monitored()
    for n, row in enumerate(rows):
        if row.stratum == LAPTOP:
            rows[n] = month(row.month, LAPTOP, 100, measured_kwh, 2_250.0 - measured_kwh)
        elif words:
            rows[n] = month(row.month, row.stratum, 1, 0.0, 3_000.0)
    found = _report(rows[: 2 * months])
    assert json.loads(as_json(found))["status"] == status
    said = summary(found, "fr")
    assert (words in said) if words else ("provisoire" not in said)


@pytest.mark.parametrize(
    ("servers", "status", "words"),
    [
        (1.0, "complete", "What weakens this result"),
        (0.25, "provisional", "Provisional result: inventory below what is seen in most strata."),
    ],
    ids=["one-of-two", "most"],
)
def test_an_inventory_below_what_is_seen_is_told_on_the_terminal(
    servers: float, status: str, words: str
) -> None:
    server = Stratum("bx", "dc1", "server")
    inventory = {"2022-01": {LAPTOP: (25.0, 0.0), server: (servers, 0.0)}}
    found = _report(stated=replace(perimeter(), inventory=inventory))
    said = summary(found, "en")
    assert found.status == status
    assert words in said
    weak = said[said.index("What weakens this result") : said.index("Key figures")]
    assert "inventory below what is seen" in weak.lower()


def test_names_from_files_cannot_become_markup() -> None:
    html = html_file(_report(), "fr")
    assert "Bordeaux &lt;Métropole&gt;" in html
    assert "<Métropole>" not in html


def test_what_is_hidden_cannot_be_had_by_subtraction_from_any_file() -> None:
    found = _report(*unequal_organisations())
    hidden_kwh = {12 * 37.0, 12 * 120.0}
    numbers = [float(n) for n in _numbers(json.loads(as_json(found)))]
    for content in csv_files(found).values():
        cells = (cell for row in _table(content) for cell in row.values())
        numbers += [float(cell) for cell in cells if cell.replace(".", "").isdigit()]
    assert not [n for n in numbers if any(abs(n - h) < 1 for h in hidden_kwh)]
    year_kwh, shown = found.energy.energy_kwh, [g.energy_kwh for g in found.organisations]
    assert year_kwh is not None
    assert not any(
        abs(year_kwh - sum(k for k in shown if k is not None) - h) < 1 for h in hidden_kwh
    )
    page = parsed(html_file(found, "fr"))
    assert page.text.count("non publié") >= 2


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for each in value.values() for n in _numbers(each)]
    if isinstance(value, list):
        return [n for each in value for n in _numbers(each)]
    return [float(value)] if isinstance(value, int | float) else []


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+33", "'+33"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("a=1", "a=1"),
        (-9.25, "-9.25"),
        (1e16, "10000000000000000"),
        (100.0, "100"),
        (0.0, "0"),
        (None, ""),
        (True, "true"),
    ],
)
def test_no_cell_can_be_run_and_numbers_stay_numbers(
    cell: str | float | bool | None, text: str
) -> None:
    rows = list(csv.reader(io.StringIO(written(("a", "b"), [(cell, 1)]), newline="")))
    assert rows[1] == [text, "1"]


def test_csv_files_hold_the_months_and_the_strata() -> None:
    files = csv_files(replace(_report(), simulated=True))
    months = _table(files["trajectoire_mensuelle.csv"])
    assert [row["mois"] for row in months] == [f"2025-{m:02}" for m in range(1, 13)]
    assert {row["consommation_kwh"] for row in months} == {"7500"}
    assert {row["utilisateurs"] for row in months} == {"1100"}
    strata = _table(files["couverture_strates.csv"])
    laptops = next(row for row in strata if row["classe"] == "workstation.laptop")
    assert (laptops["parc"], laptops["suivis"], laptops["couverture"]) == ("200", "100", "0.5")
    shares = {
        row["indicateur"]: float(row["valeur"])
        for row in _table(files["indicateurs_annuels.csv"])
        if row["indicateur"].startswith("part_")
    }
    assert sum(shares.values()) == pytest.approx(100)
    for content in files.values():
        assert {row["simule"] for row in _table(content)} == {"true"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_simulated_figures_say_so_in_every_form(lang: Lang) -> None:
    real, made = _report(), replace(_report(), simulated=True)
    words = {"fr": "Données simulées", "en": "Simulated data"}[lang]
    for form in (html_file, summary):
        assert words in form(made, lang)
        assert words not in form(real, lang)
    assert json.loads(as_json(made))["simulated"] is True


def test_the_keys_of_the_json_stay() -> None:
    found = json.loads(as_json(_report()))
    assert set(found) == {
        "version", "status", "simulated", "perimeter", "period", "baseline", "users", "energy",
        "result", "missing", "beside", "trajectory", "months", "organisations", "classes",
        "coverage", "conservation", "notes", "provenance", "publish_at_least", "sections",
    }  # fmt: skip
    assert set(found["result"]) == {
        "adjusted_baseline_kwh", "reduction_ratio", "evolution_ratio", "intervals", "avoided_kwh",
        "avoided_interval", "baseline_kwh_per_user", "reporting_kwh_per_user",
    }  # fmt: skip
    assert set(found["result"]["intervals"][0]) == {"level_ratio", "low_ratio", "high_ratio"}
    assert set(found["beside"]) == {
        "raw_ratio", "phi0_ratio", "naive_ratio", "phi0_interval", "raw_interval",
    }  # fmt: skip
    assert set(found["conservation"]) == {
        "stored_j", "quarantined_j", "voided_j", "late_j", "missing_j", "doubled_j",
    }  # fmt: skip
    assert found["result"]["evolution_ratio"] == -found["result"]["reduction_ratio"]


def test_all_files_are_written_and_a_folder_that_refuses_says_so(tmp_path: Path) -> None:
    names = {path.name for path in write(_report(), tmp_path / "out")}
    assert names == {
        "rapport.fr.html",
        "report.en.html",
        "indicateurs_annuels.csv",
        "trajectoire_mensuelle.csv",
        "couverture_strates.csv",
        "ajustements.csv",
        "complements.csv",
        "datapackage.json",
    }
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose a folder that can be written"):
        write(_report(), tmp_path / "file")
