"""E* with its adjustments, from rows and the ledger to the report: WE6 and WE7 of the method."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from report_fleet import FACTS, month, perimeter
from sobre_collector.indicators.adjustments import Entry, Slope
from sobre_collector.indicators.moments import Stratum, StratumMonth
from sobre_collector.perimeter.facts import Baseline, BaselineRow, Perimeter, months_of
from sobre_collector.report.adjusting import Adjusted
from sobre_collector.report.facts import Facts
from sobre_collector.report.figures import report
from sobre_collector.report.fingerprint import input_sha256
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report
from sobre_collector.report.result_csv import result_files
from sobre_collector.report.sentences import missing
from sobre_collector.report.source import facts as facts_of
from sobre_collector.report.wording import LANGUAGES, Lang, plain
from sobre_collector.store.ledger import Ledger

COOLING = Stratum("bx", "dc1", "cooling")
PRINTERS = Stratum("bx", "hdv", "printer")


def entry(name: str, kwh: float, u_kwh: float, **changes: object) -> Entry:
    given: dict[str, Any] = {
        "name": name,
        "kind": "non-routine",
        "kwh": kwh,
        "u_kwh": u_kwh,
        "on": "2024-06-01",
        "reason": "Arrêt d’une baie",
        "evidence": "pv-2024-17.pdf",
        "evidence_sha256": "ab" * 32,
        "approver": "directrice du numérique",
        "approved_on": "2024-06-20",
    }
    return Entry(**{**given, **changes})


SLOPE = entry(
    "climat", 0.0, 0.0, kind="weather", slope=Slope("dc1", 18.0, 220.0, 25.0), evidence_sha256=""
)


def year_of(stratum: Stratum, kwh: float) -> list[StratumMonth]:
    return [month(name, stratum, 1, kwh / 12) for name in months_of(2025)]


def room(**changes: object) -> Perimeter:
    """WE7: 1.8 GWh ± 1 % (k = 1) of cooling, 420 degree-days then and 560 now."""
    base = replace(
        perimeter(),
        baseline=Baseline(
            2022,
            "declared",
            (BaselineRow("bx", "cooling", 1_800_000.0, 18_000 * sqrt(3), "facture.pdf"),),
        ),
        inventory={"2022-01": {COOLING: (1.0, 0.0)}},
        degree_days={
            ("dc1", 18.0): {
                **dict.fromkeys(months_of(2022), (35.0, 0.0)),
                **dict.fromkeys(months_of(2025), (560 / 12, 0.0)),
            }
        },
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def told(*entries: Entry) -> Facts:
    return replace(FACTS, meter_u={"cooling": 0.01}, adjustments=entries)


def shown(found: Report) -> Adjusted:
    section = found.sections["adjustments"]
    assert isinstance(section, Adjusted)
    return section


def test_weather_and_a_signed_row_give_the_worked_example() -> None:
    gone = entry("baie", -25_000.0, sqrt(40e6))
    found = report(year_of(COOLING, 1_600_000), room(), 2025, told(gone, SLOPE))
    result = found.result
    assert result is not None
    assert result.adjusted_baseline_kwh == pytest.approx(1_805_800)
    assert result.reduction_ratio == pytest.approx(0.113966109203677)
    first = result.intervals[0]
    assert first.low_ratio == pytest.approx(0.08810995423848811, abs=1e-6)
    assert first.high_ratio == pytest.approx(0.13908912671145945, abs=1e-6)
    assert found.beside.raw_ratio == pytest.approx(1 / 9)
    way = shown(found)
    assert way.u_kwh == pytest.approx(19_397.164741)
    assert way.weather_kwh == pytest.approx(30_800)
    assert way.non_routine_kwh == -25_000
    total = way.baseline_kwh + way.perimeter_kwh + way.users_kwh + way.weather_kwh
    assert total + way.non_routine_kwh == pytest.approx(way.adjusted_kwh)


def test_each_row_stands_in_the_report_with_its_evidence() -> None:
    gone = entry("baie", -25_000.0, 6_000.0)
    found = report(year_of(COOLING, 1_600_000), room(), 2025, told(gone, SLOPE))
    for lang in LANGUAGES:
        page = html_file(found, lang)
        assert "pv-2024-17.pdf" in page
        assert "abababababab…" in page
        assert "directrice du numérique" in page
    line = shown(found).lines[0]
    assert (line.evidence_sha256, line.approved_on) == ("ab" * 32, "2024-06-20")


def test_each_row_stands_in_the_open_data_as_it_was_signed() -> None:
    gone = entry("=baie()", -25_000.0, 6_000.0)
    found = report(year_of(COOLING, 1_600_000), room(), 2025, told(gone, SLOPE))
    files = result_files(found)
    first, second = csv.DictReader(io.StringIO(files["ajustements.csv"]))
    # A spreadsheet would run a name that begins like a formula.
    assert first["nom"] == "'=baie()"
    assert (first["kwh"], first["piece"], first["approuve_le"]) == (
        "-25000",
        "pv-2024-17.pdf",
        "2024-06-20",
    )
    assert (second["nature"], second["kwh"]) == ("weather", "30800")
    listed = csv.DictReader(io.StringIO(files["complements.csv"]))
    beside = {row["indicateur"]: row["valeur"] for row in listed}
    assert float(beside["ecart"]) == -200_000


def test_declared_baseline_with_more_users_gives_the_worked_example() -> None:
    # WE6: φ = 1, users 9,800 then 10,150, 4.2 GWh declared to ± 3 %, 3.95 GWh known to 2 %.
    stated = replace(
        perimeter(),
        baseline=Baseline(
            2022, "declared", (BaselineRow("bx", "printer", 4_200_000.0, 126_000.0, "bilan.pdf"),)
        ),
        inventory={"2022-01": {PRINTERS: (1.0, 0.0)}},
        headcount={"2022-01": {"bx": (9_800.0, 0.0)}, "2025-01": {"bx": (10_150.0, 0.0)}},
    )
    facts = replace(FACTS, meter_u={"printer": 0.02})
    found = report(year_of(PRINTERS, 3_950_000), stated, 2025, facts)
    assert found.result is not None
    assert found.result.reduction_ratio == pytest.approx(0.09195402298850575)
    at_95, at_90 = found.result.intervals
    assert at_95.low_ratio == pytest.approx(0.04362434004)
    assert at_95.high_ratio == pytest.approx(0.13784140386)
    assert at_90.low_ratio == pytest.approx(0.05156453392)
    assert at_90.high_ratio == pytest.approx(0.13062351014)
    assert found.beside.raw_ratio == pytest.approx(0.059523809523809534)
    assert found.beside.phi0_ratio == pytest.approx(0.059523809523809534)
    assert found.result.avoided_kwh == pytest.approx(400_000)
    assert found.result.baseline_kwh_per_user == pytest.approx(428.57142857)
    assert found.result.reporting_kwh_per_user == pytest.approx(389.16256158)


def test_scope_goes_through_the_user_factor_and_the_rest_does_not() -> None:
    stated = replace(
        perimeter(),
        baseline=Baseline(
            2022, "declared", (BaselineRow("bx", "printer", 100_000.0, 3_000.0, "bilan.pdf"),)
        ),
        inventory={"2022-01": {PRINTERS: (1.0, 0.0)}},
    )
    rows = (entry("entre", 10_000.0, 100.0, kind="perimeter"), entry("sort", -2_000.0, 100.0))
    facts = replace(FACTS, adjustments=rows)
    found = report(year_of(PRINTERS, 100_000), stated, 2025, facts)
    assert found.result is not None
    # Users 1,000 then 1,100: (100,000 + 10,000) × 1.1 − 2,000.
    assert found.result.adjusted_baseline_kwh == pytest.approx(119_000)
    way = shown(found)
    assert way.perimeter_kwh == 10_000
    assert way.users_kwh == pytest.approx(11_000)


def test_a_row_that_is_over_or_taken_back_does_not_count() -> None:
    past = entry("été 2024", 9_000.0, 500.0, until="2024-12-31")
    wrong = entry("faux", 5_000.0, 500.0)
    back = entry("faux-annulé", 0.0, 0.0, kind="withdrawn", replaces="faux")
    coming = entry("plus tard", 7_000.0, 500.0, on="2026-01-01")
    found = report(year_of(COOLING, 1_600_000), room(), 2025, told(past, wrong, back, coming))
    assert shown(found).lines == ()
    assert shown(found).adjusted_kwh == pytest.approx(1_800_000)


def test_degree_days_that_lack_leave_no_percentage_and_name_the_months() -> None:
    table = dict(room().degree_days[("dc1", 18.0)])
    del table["2025-07"]
    stated = room(degree_days={("dc1", 18.0): table})
    found = report(year_of(COOLING, 1_600_000), stated, 2025, told(SLOPE))
    assert found.result is None
    assert [(one.code, one.values["months"]) for one in found.missing] == [
        ("degree-days-missing", "2025-07")
    ]
    assert "juillet 2025" in html_file(found, "fr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_reference_that_adjustments_bring_below_zero_says_so(lang: Lang) -> None:
    found = report(year_of(COOLING, 1_900_000.0), room(), 2025, told(entry("x", -9e6, 1_000.0)))
    assert found.result is None
    said = [plain(text) for text in missing(found, lang)]
    # 1.8 GWh less 9 GWh.
    assert any(("-7.20\u202fGWh" if lang == "en" else "-7,20\u202fGWh") in text for text in said)
    assert not any("No consumption" in text or "Aucune consommation" in text for text in said)


def test_the_report_takes_its_rows_from_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    try:
        ledger.adjustments.add(entry("baie", -25_000.0, 6_000.0), 1_700_000_000)
        read = facts_of(ledger, room(), datetime(2026, 2, 3, tzinfo=UTC))
    finally:
        ledger.close()
    assert [one.name for one in read.adjustments] == ["baie"]
    plain = input_sha256([], room(), replace(read, adjustments=()))
    assert input_sha256([], room(), read) != plain
