"""The ledger keeps what is precious: replaced while open, frozen when closed, chained when out."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sobre_collector.indicators.moments import Stratum as Place
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.rows import Device, Key
from sobre_collector.store.ledger import STEPS, CheckMark, Ledger
from sobre_drivers.errors import StoreError

PDU = Device(Key("reader", "pdu-a3"), "pdu", "ville", "dc", "modbus", 3680.0, 0.01, 1_790_000_000)
MONTH = StratumMonth(
    "2026-11",
    Place("ville", "mairie", "workstation.laptop"),
    3,
    (21, 9),
    (0.1 + 0.2, 1 / 3, 60.0, 27.0),
    tuple(n / 7 for n in range(10)),
    1.0,
    2.0,
    0.5,
    4.25,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger(path)
    yield opened
    opened.close()


def test_everything_is_there_again_after_a_restart(path: Path) -> None:
    ledger = Ledger(path)
    ledger.put_device(PDU)
    ledger.put_device(replace(PDU, key=Key("other", "pdu-a3"), uncertainty_ratio=None))
    ledger.flag(PDU.key, "says it is a server", 5)
    ledger.put_month(MONTH)
    ledger.close_month("2026-10", 6)
    ledger.add_late([("2026-10", 7)])
    ledger.add_late([("2026-10", 8)])
    ledger.record_job("days", "2026-11-24", 9, "3 days")
    ledger.put_check(PDU.key, "s", CheckMark(4, 400))
    ledger.put_result("I1", '{"v": 1}')
    ledger.mark_simulated()
    ledger.close()

    again = Ledger(path, create=False)
    assert again.devices()[Key("other", "pdu-a3")].uncertainty_ratio is None
    assert again.devices()[PDU.key] == PDU
    assert again.flags() == [(PDU.key, "says it is a server", 5)]
    assert again.months("2026-11", "2026-11") == [MONTH]
    assert again.months("2026-12", "2027-11") == []
    assert again.closed_months() == {"2026-10"}
    assert again.late() == {"2026-10": (2, 15)}
    assert again.job_done("days", "2026-11-24")
    assert not again.job_done("days", "2026-11-25")
    assert [job.result for job in again.jobs()] == ["3 days"]
    assert again.check_marks() == {(PDU.key, "s"): CheckMark(4, 400)}
    assert [result.indicator_id for result in again.results()] == ["I1"]
    assert again.simulated
    again.close()


def test_same_flag_is_noted_once(ledger: Ledger) -> None:
    for at in (5, 6, 7):
        ledger.flag(PDU.key, "says it is a server", at)
    assert ledger.flags() == [(PDU.key, "says it is a server", 5)]


def test_open_month_is_replaced(ledger: Ledger) -> None:
    ledger.put_month(MONTH)
    ledger.put_month(replace(MONTH, devices=4))
    assert [month.devices for month in ledger.months("2026-11", "2026-11")] == [4]


def test_closed_month_takes_only_what_it_already_holds(ledger: Ledger) -> None:
    ledger.put_month(MONTH)
    ledger.close_month("2026-11", 1)
    ledger.put_month(MONTH)
    with pytest.raises(StoreError, match="closed"):
        ledger.put_month(replace(MONTH, devices=4))
    with pytest.raises(StoreError, match="closed"):
        ledger.put_month(replace(MONTH, stratum=Place("ville", "mairie", "printer")))
    assert ledger.months("2026-11", "2026-11") == [MONTH]


def test_results_chain_is_the_one_an_auditor_computes(ledger: Ledger) -> None:
    first = ledger.put_result("I1", "{}")
    second = ledger.put_result("I1", "{}")
    # printf '["", "I1", "{}"]' | sha256sum, and the same with that hash as first text.
    assert first.sha256 == "556e70a801788911cf28a31a2e2b4923d3068200385d862a251904dd84ee9f4f"
    assert second.sha256 == "6973e45349df46b2959d0fd052badf6ab8649f49fadaaf77f9bbce119dc99287"
    assert [result.number for result in ledger.results()] == [1, 2]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE results SET content_json = '{\"v\": 3}' WHERE number = 1",
        "DELETE FROM results WHERE number = 2",
    ],
    ids=["changed", "removed"],
)
def test_published_result_is_refused_any_change(path: Path, sql: str) -> None:
    ledger = Ledger(path)
    for content in ("1", "2", "3"):
        ledger.put_result("I1", content)
    ledger.close()
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never"):
        db.execute(sql)
    # Who takes the triggers away first is found by the chain.
    db.executescript("DROP TRIGGER results_stay; DROP TRIGGER results_last;")
    db.execute(sql)
    db.commit()
    db.close()
    tampered = Ledger(path)
    with pytest.raises(StoreError, match="not what was published"):
        tampered.results()
    tampered.close()


def newer(path: Path) -> None:
    Ledger(path).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    db.close()


def newer_in_its_wal(path: Path) -> None:
    """As a newer program leaves it that was killed: the new version stands in the WAL only."""
    Ledger(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_autocheckpoint=0")
    db.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    kept = {name: Path(f"{path}{name}").read_bytes() for name in ("", "-wal")}
    db.close()
    for name, data in kept.items():
        Path(f"{path}{name}").write_bytes(data)


def no_database(path: Path) -> None:
    path.write_text("notes of a meeting, put here by mistake\n" * 100)


@pytest.mark.parametrize(
    ("make", "finding"),
    [(newer, "newer Sobre"), (newer_in_its_wal, "newer Sobre"), (no_database, "back-up")],
    ids=["newer", "newer-in-its-wal", "no-database"],
)
def test_file_of_another_kind_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], None], finding: str
) -> None:
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=finding):
        Ledger(path)
    assert path.read_bytes() == before


def test_missing_file_is_not_made_when_it_should_be_there(path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist"):
        Ledger(path, create=False)
    assert not path.exists()
