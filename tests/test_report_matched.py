"""The raw change and the matched interval, from rows to the report, held against WE6."""

from dataclasses import replace
from math import exp, sqrt

import pytest

from method.examples import published
from report_fleet import FACTS, SERVER, half_monitored, month, perimeter
from sobre_collector.perimeter.correlation import Correlation
from sobre_collector.perimeter.facts import Baseline, BaselineRow, months_of
from sobre_collector.report.checks import Checks
from sobre_collector.report.csv_files import csv_files
from sobre_collector.report.figures import report
from sobre_collector.report.html_file import html_file
from sobre_collector.report.model import RatioInterval, Report


def checks(found: Report) -> Checks:
    shown = found.sections["checks"]
    assert isinstance(shown, Checks)
    return shown


def _we6(correlation: Correlation) -> Report:
    """WE6 from rows: 4.20 GWh declared to ± 3 %, 3.95 GWh of a meter that errs by 2 %."""
    rows = [month(name, SERVER, 1, 3_950_000.0 / 12) for name in months_of(2025)]
    whole = BaselineRow("bx", "server", 4_200_000.0, 126_000.0, "bilan-2022.pdf")
    stated = replace(
        perimeter(),
        baseline=Baseline(2022, "declared", (whole,)),
        inventory={"2022-01": {SERVER: (1.0, 0.0)}},
        headcount={"2022-01": {"bx": (9_800.0, 0.0)}, "2025-01": {"bx": (10_150.0, 0.0)}},
        user_factor={"server": 1.0},
        correlation=correlation,
    )
    return report(rows, stated, 2025, replace(FACTS, meter_u={"server": 0.02}))


@pytest.mark.shared
def test_a_stated_correlation_gives_the_methods_matched_interval() -> None:
    given = published("WE6_reduction")
    found = _we6(Correlation(years_ratio=0.5))
    assert found.result is not None
    assert found.result.reduction_ratio == pytest.approx(given["R"], rel=1e-6)
    around = found.result.intervals[0]
    # What is published does not know of it.
    assert (around.low_ratio, around.high_ratio) == pytest.approx(given["ci95_log"], rel=1e-6)
    told = checks(found).matched
    assert told is not None
    assert (told.correlation_ratio, told.stated) == (0.5, True)
    expected = given["R_matched_panel_rho05"]
    assert (told.low_ratio, told.high_ratio) == pytest.approx(expected, rel=1e-6)
    assert "corrélation déclarée" in html_file(found, "fr")
    assert checks(_we6(Correlation())).matched is None


def test_the_raw_change_has_its_own_interval() -> None:
    found = _we6(Correlation())
    # 1 − (3.95/4.20)·exp(± 1.959964·√(0.02² + 0.03²/3)), worked out apart.
    q, half = 3.95 / 4.20, 1.959963984540054 * sqrt(0.02**2 + 0.03**2 / 3)
    around = found.beside.raw_interval
    assert around is not None
    assert around.low_ratio == pytest.approx(1 - q * exp(half), rel=1e-9)
    assert around.high_ratio == pytest.approx(1 - q * exp(-half), rel=1e-9)
    row = next(
        r for r in csv_files(found)["indicateurs_annuels.csv"].splitlines() if "_brute," in r
    )
    ends = [f"{-100 * (1 - q * exp(half * side)):.6f}" for side in (-1, 1)]
    assert f",-5.952381,{ends[0]},{ends[1]}," in row


def test_a_raw_change_is_not_made_surer_by_the_users() -> None:
    def raw(half_width: float) -> RatioInterval | None:
        stated = perimeter()
        counts = {"2022-01": {"bx": (1_000.0, half_width)}, "2025-01": {"bx": (1_100.0, 0.0)}}
        changed = replace(stated, headcount=counts)
        return report(half_monitored(), changed, 2025, FACTS).beside.raw_interval

    assert raw(100.0) == raw(0.0)
