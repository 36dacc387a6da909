"""A year of printers and of a room through intake, days, months and report, against its truth."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import machine_year as truth
from machine_year import house, take, work, write
from printed_arithmetic import checked
from sobre_collector.cli import main
from sobre_collector.indicators.printer_states import Thresholds
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report
from sobre_collector.report.source import load_report, place

WORK_DAYS = sum(truth.working(day) for day in truth.days())


def everything() -> Iterator[truth.Sent]:
    for day in truth.days():
        yield from truth.telling(day)
        yield from truth.room(day)
    yield from chain.from_iterable(truth.silent(day) for day in truth.SEEN_DAYS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year")
    perimeter = write(folder)
    with house(folder) as of:
        of.ledger.rulebook.confirm("Muet", Thresholds(1, 20, 200), "technician", "data sheet", 1)
        take(of, everything())
        work(of, perimeter)
        assert of.aside() == []
    return folder


@pytest.fixture(scope="module")
def report(data: Path) -> Report:
    return load_report(place(None, data), truth.YEAR, datetime(2026, 1, 3, tzinfo=UTC))


def of_devices(data: Path, name: str) -> list[Any]:
    with house(data) as of:
        rows = of.ledger.units.of_class("printer", "2025-01", "2025-12")
    return [row for row in rows if row.device == name]


def test_running_hours_are_those_of_the_printers(report: Report) -> None:
    found = report.sections["printers"]
    assert found.running_h.value == pytest.approx(12 * 6 * WORK_DAYS)
    assert found.least_running_h == pytest.approx(12 * 6 * WORK_DAYS)
    assert found.running_h_per_user == pytest.approx(12 * 6 * WORK_DAYS / 100)
    assert found.inventory.value == pytest.approx(12)
    # Two of them were seen in January only.
    assert found.seen == pytest.approx(10 + 2 / 12)


def test_states_come_from_power_where_a_printer_tells_none(data: Path) -> None:
    (plug,) = of_devices(data, "plug-1")
    work_days = sum(truth.working(day) for day in truth.SEEN_DAYS)
    assert {state: h for state, h in plug.printing.state_h.items() if h} == {
        "printing": pytest.approx(work_days * 1.0),
        "ready": pytest.approx(work_days * 5.0),
        "sleep": pytest.approx(work_days * 18.0 + 24.0),
    }


def test_pages_and_kwh_of_a_printer_are_exact(data: Path) -> None:
    months = of_devices(data, "imp-03")
    assert len(months) == 12
    assert sum(sum(row.printing.pages) for row in months) == 90 * WORK_DAYS
    joules = sum(
        each.energy_j
        for day in truth.days()
        for each in truth.telling(day)
        if each.device == "imp-03"
    )
    assert sum(sum(row.kwh) for row in months) == pytest.approx(joules / 3.6e6, rel=1e-9)
    night_j = WORK_DAYS * 11 * 3600 * 3
    assert sum(row.out_kwh[0] for row in months) == pytest.approx(night_j / 3.6e6, rel=1e-3)


def test_reductions_are_fewer_printers_and_shorter_hours(report: Report) -> None:
    found = report.sections["printers"]
    changes = {change.name: change for change in found.changes}
    running = 1 - 12 * 6 * WORK_DAYS / 25_000
    assert changes["running"].reduction_ratio == pytest.approx(running)
    assert changes["devices"].reduction_ratio == pytest.approx(0.2)
    interval = changes["devices"].interval
    assert interval is not None
    assert interval.low_ratio < 0.2 < interval.high_ratio
    # 12 of 12 print what ten of them print on average: 105 pages a working day.
    assert changes["pages"].reduction_ratio == pytest.approx(1 - 12 * 105 * WORK_DAYS / 400_000)
    assert sum(found.points_ratio.values()) == pytest.approx(-running)
    assert found.points_ratio["fewer"] < 0
    assert found.baseline_stated == ("running", "pages")


def test_a_schedule_is_told_before_it_is_decided(report: Report) -> None:
    found = report.sections["printers"]
    night_kwh = 11 * 3 / 1000
    saved = night_kwh - 0.5 * 11 / 1000 - 0.02
    assert found.schedule_kwh == pytest.approx(12 * WORK_DAYS * saved, rel=0.01)
    assert found.schedule_interval.low_kwh < found.schedule_kwh < found.schedule_interval.high_kwh
    assert found.schedule_hours == (20, 7)


def test_pue_is_the_ratio_of_the_sums(report: Report) -> None:
    (room,) = report.sections["datacentre"].rooms
    it = sum(truth.it_w(day) * 24 for day in truth.days())
    facility = sum(truth.facility_w(day) * 24 for day in truth.days())
    assert room.pue == pytest.approx(facility / it, rel=1e-3)
    assert room.label == "PUE2, 2025"
    assert room.standing == "whole"
    assert room.points["it"] == ("pdu",)
    assert [m.pue for m in room.months[4:7]] == pytest.approx([1.3, 1.4, 1.4])
    half = 1.96 * room.pue * (2 * 0.01**2) ** 0.5
    assert room.high - room.pue == pytest.approx(half, rel=1e-3)


def test_idle_outlets_are_found_by_name(
    data: Path, report: Report, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.sections["datacentre"].idle_outlets == 1
    assert main(["datacentre", "--data", str(data), "--json", "outlets"]) == 0
    (idle,) = json.loads(capsys.readouterr().out)["outlets"]
    assert idle["device"] == "pdu/prise-1"
    assert idle["kwh_per_year"] == pytest.approx(5 * 8.766, rel=0.01)
    for lang, words in (
        ("en", "outlets below 8 W for 60 days"),
        ("fr", "sous 8 W pendant 60 jours"),
    ):
        assert main(["datacentre", "--data", str(data), "--lang", lang, "outlets"]) == 0
        assert words in capsys.readouterr().out


def test_levers_are_priced_and_weighed(report: Report) -> None:
    found = report.sections["waste"]
    by_subject = {one.lever.subject: one for one in found.levers}
    printers = by_subject["printers:ville/mairie"]
    assert printers.lever.low_kwh <= printers.lever.kwh <= printers.lever.high_kwh
    assert printers.euros == pytest.approx(0.20 * printers.lever.kwh)
    assert printers.kg_co2e == pytest.approx(0.052 * printers.lever.kwh)
    assert by_subject["outlets:lecteur/pdu"].lever.kwh == pytest.approx(5 * 8.766, rel=0.01)


def test_the_grid_stands_apart_from_the_reduction(report: Report) -> None:
    found = report.sections["carbon"]
    assert report.result is not None
    assert found.constant_factor_ratio == pytest.approx(report.result.reduction_ratio)
    assert found.kg == pytest.approx(0.052 * (report.energy.energy_kwh or 0.0))
    yearly = 1 - (1 - report.result.reduction_ratio) * 0.052 / 0.060
    assert found.yearly_factor_ratio == pytest.approx(yearly)
    assert found.grid_ratio == pytest.approx(yearly - report.result.reduction_ratio)
    assert "carbon-use-phase" in {note.code for note in found.notes}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "fr",
            ["Temps de fonctionnement des imprimantes", "PUE2, 2025", "fabrication", "rien n’est"],
        ),
        ("en", ["Running time of printers", "PUE2, 2025", "Manufacturing", "switches nothing off"]),
    ],
)
def test_the_report_says_it_in_both_languages(report: Report, lang: Any, words: list[str]) -> None:
    text = html_file(report, lang)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("command", ["printers", "datacentre", "carbon", "waste"])
def test_each_section_has_a_command_with_the_same_figures(
    data: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main(["report", "--data", str(data), "--year", "2025", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)["sections"][command]
    assert main([command, "--data", str(data), "--year", "2025", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {key: found[key] for key in whole} == whole
    assert main([command, "--data", str(data), "--year", "2025", "--lang", "fr"]) == 0
    assert capsys.readouterr().out


def test_the_files_of_the_portal_hold_the_same_figures(data: Path, tmp_path: Path) -> None:
    assert main(["report", "--data", str(data), "--year", "2025", "--out", str(tmp_path)]) == 0

    def table(name: str) -> list[dict[str, str]]:
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    prints = {row["indicateur"]: row for row in table("impressions.csv")}
    assert float(prints["temps_fonctionnement"]["valeur"]) == pytest.approx(12 * 6 * WORK_DAYS)
    assert float(prints["evolution_devices"]["valeur"]) == pytest.approx(-20)
    ends = (prints["evolution_devices"][f"borne_{end}_95"] for end in ("basse", "haute"))
    low, high = map(float, ends)
    assert low < -20 < high
    rooms = table("salles_pue.csv")
    assert [row["mois"] for row in rooms] == [f"2025-{n:02}" for n in range(1, 13)]
    assert float(rooms[0]["pue"]) == pytest.approx(1.3)
    assert [row["annee"] for row in table("facteurs_emission.csv")] == ["2022", "2025"]
    assert {row["simule"] for row in table("leviers.csv")} == {"false"}


@pytest.mark.parametrize(
    ("indicator", "least", "says"),
    [
        ("datacentre", 2, "u = PUE·√(u_F² + u_IT²)"),
        ("printers", 4, "Fewer printers: L·ln(N_R/N_B)/H_B"),
        # Printers of one site and outlets of one rack, each with its price and its carbon.
        ("waste", 5, "s·E = "),
        ("carbon", 5, "At each year's factor: 1 − E_R·EF_R/(E*·EF_B)"),
    ],
)
def test_a_section_explains_itself_with_formulas_that_come_again(
    data: Path, capsys: pytest.CaptureFixture[str], indicator: str, least: int, says: str
) -> None:
    words = ["explain", indicator, "--data", str(data), "--year", str(truth.YEAR)]
    main(words)
    text = capsys.readouterr().out
    assert says in text
    assert checked(text) >= least, text
    main([*words, "--lang", "fr"])
    french = capsys.readouterr().out
    formulas = french[french.index("Formules, avec les nombres") :]
    assert not re.search(r"\w:", formulas)
