"""`sobre adjust`: rows that a role signed, that are never edited, and that prove themselves."""

import json
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest

from evidence_house import SIGNED, alter, house, sobre
from sobre_collector.store.ledger import Ledger

Captured = pytest.CaptureFixture[str]
NORTH = ("add", "north", "--kwh", "-2500", "--u-kwh", "500", "--from", "2024-03-01")
COOLING = (
    *("weather", "cooling", "--site", "dc1", "--base-c", "18", "--slope-kwh", "12.5"),
    *("--u-slope-kwh", "2.5", "--from", "2022-01-01", "--evidence", "fit of 2023"),
)


def test_rows_are_added_and_taken_back_and_all_stay(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    lease = tmp_path / "lease.pdf"
    lease.write_bytes(b"the lease")
    assert sobre(folder, "adjust", *NORTH, "--document", str(lease), *SIGNED) == 0
    assert sobre(folder, "adjust", *COOLING, *SIGNED) == 0
    taken = ("withdraw", "north", "--evidence", "letter", *SIGNED)
    assert sobre(folder, "adjust", *taken) == 0
    capsys.readouterr()
    assert sobre(folder, "adjust", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "-2,500 ± 500 kWh (non-routine), from 2024-03-01" in lines[0]
    assert lines[0].endswith("; replaced by 3")
    assert "+12.5 ± 2.5 kWh per degree-day above 18 °C at dc1" in lines[1]
    assert "takes back north" in lines[2]
    assert sobre(folder, "adjust", "list", "--json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["in_force"] for row in rows] == [False, True, False]
    assert rows[0]["evidence"] == "lease.pdf"
    assert rows[0]["evidence_sha256"] == sha256(b"the lease").hexdigest()
    ledger = Ledger(folder / "ledger.db", readonly=True)
    assert [entry.name for entry in ledger.adjustments.current()] == ["cooling"]
    ledger.close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param((*NORTH,), "without evidence", id="no-evidence"),
        pytest.param((*NORTH, "--document", "nowhere.pdf"), "cannot be read", id="no-such-file"),
        pytest.param((*NORTH, "--evidence", "x", "--u-kwh", "0"), "± 0", id="certain"),
        pytest.param(
            (*NORTH, "--evidence", "x", "--approver", "jo@example.org"), "a role", id="a-person"
        ),
        pytest.param((*NORTH, "--evidence", "x", "--replaces", "y"), "not in force", id="replaces"),
        pytest.param(("withdraw", "north", "--evidence", "x"), "not in force", id="withdraws"),
        pytest.param((*COOLING, "--u-slope-kwh", "0"), "u of the slope", id="certain-slope"),
        pytest.param((*COOLING, "--u-slope-kwh", "inf"), "u of the slope", id="endless-slope"),
        pytest.param((*COOLING, "--base-c", "nan"), "base temperature", id="no-base"),
    ],
)
def test_what_an_auditor_would_not_take_is_not_recorded(
    tmp_path: Path, capsys: Captured, words: tuple[str, ...], told: str
) -> None:
    folder = house(tmp_path)
    signed = [] if "--approver" in words else ["--approver", "head of energy"]
    more = ("--reason", "closed", "--approved-on", "2024-04-02", *signed)
    assert sobre(folder, "adjust", *words, *more) == 2
    assert told in capsys.readouterr().err
    assert sobre(folder, "adjust", "list") == 0
    assert capsys.readouterr().out == "nothing is recorded\n"


def test_the_ledger_refuses_a_change_and_names_one_that_was_made(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = house(tmp_path)
    for name in ("north", "south", "west"):
        words = [name if word == "north" else word for word in NORTH]
        assert sobre(folder, "adjust", *words, "--evidence", "lease", *SIGNED) == 0
    with pytest.raises(sqlite3.IntegrityError, match="adjustments are only added to"):
        alter(folder, "UPDATE adjustments SET at = 0 WHERE number = 2")
    with pytest.raises(sqlite3.IntegrityError, match="adjustments are only added to"):
        alter(folder, "DELETE FROM adjustments WHERE number = 2")
    alter(folder, "DELETE FROM adjustments WHERE number = 2", ["adjustments_delete"])
    capsys.readouterr()
    assert sobre(folder, "adjust", "list") == 1
    assert "adjustments 2 is not there any more" in capsys.readouterr().err
    # Nothing is chained to a broken chain.
    words = [word.replace("north", "east") for word in NORTH]
    assert sobre(folder, "adjust", *words, "--evidence", "lease", *SIGNED) == 1
