"""What version 0.1 left, as it was first run, today's program takes as it is."""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from first_folder import (
    AGENT,
    CLOSED_AT,
    COLLECTOR,
    INTERVAL,
    PRINTED,
    PROFILE,
    REPORTED,
    contents,
    first_version,
)
from sobre_agent import config as agent_config
from sobre_agent.account import Account, Span
from sobre_agent.cutters import cutter_for
from sobre_agent.sources import sources_of
from sobre_collector.config import load_config
from sobre_collector.jobs import run_due
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.report.as_json import as_object
from sobre_collector.report.source import load_report, place
from sobre_collector.rows import Key
from sobre_collector.store.ledger import STEPS, Ledger
from sobre_collector.store.schema import Database
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin
from sobre_drivers.sample import Described, Instant, Reading, Sample

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    first_version(tmp_path / "data")
    return tmp_path / "data"


def started(folder: Path) -> Ledger:
    """What a collector does first: it brings the ledger up to date."""
    return Ledger(folder / "ledger.db")


def test_report_of_an_old_ledger_says_the_same_figures(folder: Path) -> None:
    started(folder).close()
    report = load_report(place(None, folder), 2025, datetime(2026, 3, 1, tzinfo=UTC))
    found = as_object(report)
    for part, figures in REPORTED.items():
        assert {name: found[part][name] for name in figures} == pytest.approx(figures, rel=1e-12)
    assert found["result"]["intervals"][0] == pytest.approx(INTERVAL, rel=1e-12)


def test_old_months_stay_as_they_were_kept_through_the_jobs(folder: Path) -> None:
    before = contents(folder, "months")
    perimeter = load_perimeter(folder / "perimeter.toml")
    with closing(started(folder)) as ledger, closing(SqliteSeries(folder)) as series:
        for _ in range(2):
            done = run_due(series, ledger, perimeter, CLOSED_AT + 30 * 86_400)
            assert not {job for job, _, _ in done} & {"close", "totals", "printer-states"}
        # What is read goes back as it was kept: no new field changes a closed month.
        ledger.put_months(ledger.months("2024-01", "2025-12"))
        assert ledger.late() == {"2025-03": (2, 4000)}
        assert [each.result for each in ledger.decisions.all()] == ["1 loads"]
        assert ledger.devices()[Key("pc", "pc")].method == "model 1 (utilisation)"
    assert contents(folder, "months") == before


def test_old_results_are_verified_and_carry_on_their_chain(folder: Path) -> None:
    before = contents(folder, "results")
    with closing(started(folder)) as ledger:
        last = before[-1][3]
        added = ledger.put_result("new", "{}")
        chained = json.dumps([last, "new", "{}"]).encode()
        assert added.sha256 == hashlib.sha256(chained).hexdigest()
        assert [one.indicator_id for one in ledger.results()] == [*PRINTED, "new"]
    assert contents(folder, "results")[:-1] == before


def test_old_result_that_was_altered_is_still_found_out(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        db.execute("DROP TRIGGER results_stay")
        db.execute("UPDATE results SET content_json = '{}' WHERE number = 1")
        db.commit()
    with closing(started(folder)) as ledger, pytest.raises(StoreError, match="is not what was"):
        ledger.results()


def test_migration_that_was_cut_goes_on_and_a_program_of_that_day_refuses_it(folder: Path) -> None:
    """Each step is a transaction of its own: whichever was the last, the next start goes on."""
    whole = len(STEPS)
    for known in range(3, whole + 1):
        Database(folder / "ledger.db", STEPS[:known]).close()
        started_by_old = hashlib.sha256((folder / "ledger.db").read_bytes()).hexdigest()
        if known > 3:
            with pytest.raises(StoreError, match=f"version {known}.*knows 3.*newer Sobre"):
                Database(folder / "ledger.db", STEPS[:3])
        now = hashlib.sha256((folder / "ledger.db").read_bytes()).hexdigest()
        assert now == started_by_old
    with closing(started(folder)) as ledger:
        assert len(ledger.months("2024-01", "2025-12")) == 24


def test_agents_file_of_that_day_means_what_it_meant(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    (tmp_path / "own-e1.toml").write_text(PROFILE, "utf-8")
    path.write_text(AGENT.format(profiles=tmp_path), "utf-8")
    found = agent_config.load(path)
    pdu, feeder = found.meters
    assert (pdu.sample_s, pdu.load, pdu.outlet_load) == (10, "minute", "ten-minutes")
    assert (pdu.address, pdu.timeout_s, [part.rated_w for part in pdu.parts]) == (
        "192.0.2.23:502",
        3.0,
        [150],
    )
    pc, *meters = sources_of(found, found.node)
    # What that day's defaults were: 10 s, a load a minute, port 502, unit 1.
    assert [(one.name, one.sample_s, one.load, one.address) for one in meters] == [
        ("pdu-a3", 10.0, "minute", "192.0.2.23:502"),
        ("feeder-1", 10.0, "minute", "192.0.2.24:502"),
    ]
    assert feeder.host == "192.0.2.24"
    assert (pc.sample_s, pc.load) == (60, "day")
    assert [one.times for one in meters] == [None, None]
    (told,) = meters[1].driver.describe()
    assert (told.device_class, told.rated_w, told.method) == (
        "facility",
        10_000,
        "modbus own-e1 (unconfirmed)",
    )
    assert meters[0].load_of("pdu-a3/outlet-03") == "ten-minutes"


def test_collectors_file_of_that_day_means_what_it_meant(tmp_path: Path) -> None:
    path = tmp_path / "collector.toml"
    path.write_text(COLLECTOR, "utf-8")
    found = load_config(path)
    assert found.data == tmp_path / "data"
    assert (found.keep.close_after_days, found.keep.loads_months, found.keep.backups) == (
        35,
        13,
        14,
    )
    assert (found.influx.url, found.influx.version) == ("https://influx.example.org:8086", "2")
    assert (found.mqtt.queue_loads, found.mqtt.shared, found.policy.accept) == (
        100_000,
        False,
        "all",
    )


@dataclass
class FirstLast:
    """What an account of that day kept of its last sample: all of it must be there."""

    at: dict[str, float]
    line_s: float
    age_s: float
    power_w: float | None
    state: str | None
    pages: int | None


def account(saved: dict[str, Any] | None = None) -> Account:
    printer = Described("imp", "printer", 1500.0, "snmp", Origin.MEASURED)
    return Account(printer, cutter_for("minute", PARIS, WorkingHours()), 10.0, saved)


def sampled(of: Account, first_s: int, last_s: int) -> list[Span]:
    """A page and 400 J every ten seconds, from a counter that began at 100."""
    found = []
    for s in range(first_s, last_s + 10, 10):
        at = Instant(CLOSED_AT + s, 1000.0 + s, 1000.0 + s)
        reading = Reading("imp", power_w=40.0, state="ready", pages=100 + s // 10)
        found += of.take(Sample(at, reading))
    return found


def test_account_of_that_day_goes_on_and_todays_can_go_back() -> None:
    today = account()
    before = sampled(today, 0, 120)
    saved = json.loads(json.dumps(today.saved()))
    assert FirstLast(**saved["last"]).pages == 112
    # As that day's agent left it: the counter stood there, and nowhere else.
    del saved["pages"]
    resumed = account(saved)
    after = [*sampled(resumed, 130, 250), *resumed.finish()]
    assert sum(span.pages or 0 for span in [*before, *after]) == 25
    assert sum(span.energy_j for span in [*before, *after]) == 250 * 40
