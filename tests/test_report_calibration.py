"""Calibrated months in the report: which factor, what it leaves of the error, and in what words."""

from dataclasses import replace
from math import exp, hypot

import pytest

from report_fleet import FACTS, half_monitored, measured_before, perimeter
from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.facts import Baseline
from sobre_collector.report import calibrating
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import Report
from sobre_collector.report.summary import summary
from sobre_collector.report.wording import Lang

LAPTOP = "workstation.laptop"
FIRST, SECOND = (
    Applied(4, LAPTOP, "2022-01", 1.2, 0.02),
    Applied(5, LAPTOP, "2024-01", 1.3, 0.03),
)
TOLD = replace(
    FACTS,
    common_u={LAPTOP: 0.1, f"{LAPTOP}#4": 0.02, f"{LAPTOP}#5": 0.03},
    inputs={"calibration": ((FIRST, 6, "energy"), (SECOND, 12, "energy"))},
)
STATED = replace(perimeter(), baseline=Baseline(2022, "measured"))


def marked(rows: list[StratumMonth], number: int | None) -> list[StratumMonth]:
    return [
        replace(row, calibration=number) if row.stratum.device_class == LAPTOP else row
        for row in rows
    ]


def found(before: int | None, after: int | None) -> Report:
    rows = [*marked(measured_before(), before), *marked(half_monitored(), after)]
    return report(rows, STATED, 2025, TOLD)


# Laptops are 66/102 of the adjusted baseline and 54/90 of the year; nothing else is uncertain.
S_BEFORE, S_AFTER = 66 / 102, 54 / 90


@pytest.mark.parametrize(
    ("before", "after", "cv", "notes"),
    [
        (4, 4, 0.02 * (S_BEFORE - S_AFTER), set()),
        (4, 5, hypot(0.02 * S_BEFORE, 0.03 * S_AFTER), {"calibration-differs"}),
        (None, 5, hypot(0.1 * S_BEFORE, 0.03 * S_AFTER), {"calibration-differs"}),
    ],
    ids=["same-factor", "two-factors", "one-year-only"],
)
def test_error_of_a_factor_cancels_only_where_both_years_carry_it(
    before: int | None, after: int | None, cv: float, notes: set[str]
) -> None:
    made = found(before, after)
    assert made.result is not None
    low = made.result.intervals[0].low_ratio
    assert low == pytest.approx(1 - 90 / 102 * exp(1.959964 * cv), abs=1e-6)
    assert {note.code for note in made.notes} & {"calibration-differs"} == notes


def test_error_in_kwh_is_that_of_the_factor_and_no_more_of_the_model() -> None:
    made = found(4, 5)
    assert made.energy.u_kwh == pytest.approx(0.03 * 54_000)
    assert made.baseline.u_kwh == pytest.approx(0.02 * 60_000)
    note = next(note for note in made.notes if note.code == "model-offset")
    assert note.values["u_ratio"] == pytest.approx(2 * 0.03)


def test_report_says_which_factor_is_in_which_months() -> None:
    section = found(4, 5).sections["calibration"]
    assert [(one.number, one.sessions_n, len(one.months)) for one in section.used] == [
        (4, 6, 12),
        (5, 12, 12),
    ]
    assert "calibration" not in found(None, None).sections


def test_factor_is_part_of_the_fingerprint() -> None:
    hashes = {found(*pair).provenance.input_sha256 for pair in ((4, 4), (4, 5), (5, 5))}
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", ["Étalonnage des modèles de puissance", "× 1,300", "janvier 2025 à décembre 2025"]),
        ("en", ["Calibration of the power models", "× 1.300", "January 2025 to December 2025"]),
    ],
)
def test_section_speaks_either_language(lang: Lang, words: list[str]) -> None:
    made = found(4, 5)
    text = summary(made, lang).replace("\u202f", " ").replace("\u00a0", " ")
    assert [word for word in words if word not in text] == []
    page = html_file(made, lang)
    assert words[0] in page
    assert 'id="calibration"' in page or 'id="sec-calibration"' in page


def test_nothing_is_read_where_nothing_was_decided() -> None:
    class Empty:
        def decided(self) -> list[object]:
            return []

    class Ledger:
        calibrations = Empty()

    assert calibrating.read(Ledger(), STATED) is None  # type: ignore[arg-type]
