"""What the commands have alike: the same options, wherever they stand, with the same bounds."""

import json
from pathlib import Path

import pytest

from sobre_collector.cli import main
from sobre_collector.indicators.adjustments import Entry
from sobre_collector.indicators.unit_month import UnitMonth
from sobre_collector.store.ledger import Ledger


@pytest.fixture
def data(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path / "ledger.db")
    evidence = ("a hall was closed", "minutes of 2024-02-12", "", "director", "2024-04-02")
    given = Entry("hall", "non-routine", -5000.0, 900.0, "2024-03-01", *evidence)
    ledger.adjustments.add(given, 0)
    ledger.close()
    return tmp_path


def code(*words: object) -> object:
    try:
        return main([*map(str, words)])
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("year", ["99999", "-5", "0", "1e400", "2024x", "1999"])
@pytest.mark.parametrize(
    "command",
    [
        "report",
        "waste",
        "printers",
        "datacentre",
        "carbon",
        "plan-calibration",
        "publish",
        "explain elec.energy",
    ],
)
def test_no_command_takes_a_year_of_which_there_cannot_be_data(
    data: Path, capsys: pytest.CaptureFixture[str], command: str, year: str
) -> None:
    given = ["--", year] if command == "publish" else [f"--year={year}"]
    assert code(*command.split(), "--data", data, *given) == 2
    assert "year" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        ["waste", "--top", "0"],
        ["waste", "--top=-1"],
        ["printers", "schedule", "--days=-1"],
        ["printers", "schedule", "--off-watts", "nan"],
        ["printers", "schedule", "--restart-wh", "1e400"],
        ["printers", "learn", "--model", "x", "--days", "0"],
        ["plan-calibration", "--plug-error", "inf"],
        ["waste", "exclude", "x", "--reason", "r", "--role", "o", "--until", "2020-01-01"],
    ],
    ids=lambda words: " ".join(words),
)
def test_numbers_that_nobody_can_mean_are_refused_before_anything_is_read(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code(*words) == 2
    # The last word, or what stands behind its "=".
    assert words[-1].rpartition("=")[2] in capsys.readouterr().err.splitlines()[-1]


def test_an_option_may_stand_after_the_action(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code("adjust", "list", "--json", "--data", data) == 0
    after = capsys.readouterr().out
    assert code("adjust", "--data", data, "list", "--json") == 0
    assert after == capsys.readouterr().out
    assert json.loads(after)["name"] == "hall"


@pytest.mark.parametrize(
    "words",
    [
        ["--data", "a", "list", "--config", "b"],
        ["--config", "b", "list", "--data", "a"],
        ["list", "--config", "b", "--data", "a"],
    ],
    ids=["config-after", "data-after", "both-after"],
)
@pytest.mark.parametrize("command", ["adjust", "printers"])
def test_two_data_folders_are_refused_wherever_they_stand(
    capsys: pytest.CaptureFixture[str], command: str, words: list[str]
) -> None:
    assert code(command, *words) == 2
    assert "--config" in capsys.readouterr().err


def test_printers_are_listed_of_the_last_year_with_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    for month in ("2024-12", "2025-01"):
        days = ((20, 10), (20.0, 10.0), (1.0, 1.0), (0.0, 0.0), 0.0, True)
        ledger.units.put(month, [UnitMonth(month, "n", "p", "printer", "bx", "hdv", *days)])
    ledger.close()
    assert code("printers", "list", "--data", tmp_path) == 0
    assert capsys.readouterr().out.startswith("2025: ")
