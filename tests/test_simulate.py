"""The made-up fleet: its truth is exact, its store is marked, and the report finds the truth."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.conservation import check
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.progress import Bar
from sobre_collector.report.source import place
from sobre_collector.simulate.feed import Plan, simulate
from sobre_collector.simulate.fleet import draw_month, make_fleet
from sobre_collector.simulate.truth import settle_truth
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_collector.web.reader import Reader
from sobre_drivers.errors import ConfigError

SMALL = Plan(
    Path(), seed=3, first=date(2024, 1, 1), last=date(2025, 12, 31), devices=300, organisations=3
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    simulate(replace(SMALL, folder=folder))
    return folder


def report(folder: Path, *more: str) -> Any:
    words = [sys.executable, "-m", "sobre_collector", "report", "--data", str(folder), *more]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_interval_holds_the_truth_and_the_naive_sum_does_not(made: Path) -> None:
    truth = json.loads((made / "truth.json").read_text())
    assert truth["reduction_ratio"] == pytest.approx(0.16, abs=1e-9)
    found = report(made, "--json")
    interval = next(i for i in found["result"]["intervals"] if i["level_ratio"] == 0.95)
    assert interval["low_ratio"] <= 0.16 <= interval["high_ratio"]
    # A dashboard's sum rises while agents are being rolled out on a fleet that saves.
    assert found["beside"]["naive_ratio"] < interval["low_ratio"] - 0.1
    assert found["simulated"] is True


def test_rooms_printers_and_levers_have_something_to_show(made: Path) -> None:
    truth = json.loads((made / "truth.json").read_text())
    sections = report(made, "--json")["sections"]
    (room,) = sections["datacentre"]["rooms"]
    assert room["low"] <= truth["pue"] <= room["high"]
    assert sections["printers"]["running_h"]["value"] > 0
    assert {change["name"] for change in sections["printers"]["changes"]} >= {"running", "pages"}
    assert sections["carbon"]["kg"] > 0
    (metered,) = sections["regression"]["sites"]
    assert metered["site"] == "salle"
    assert sections["waste"]["levers"]


def test_devices_that_join_are_compared_with_those_present(made: Path) -> None:
    checks = report(made, "--json")["sections"]["checks"]
    # The roll-out of this fleet picks devices by chance: they must not pass for others.
    assert checks["newcomers"]["compared"] > 10
    assert checks["newcomers"]["alarm"] is False
    with closing(Ledger(made / "ledger.db", readonly=True)) as ledger:
        born = Counter(
            datetime.fromtimestamp(device.first_seen, UTC).strftime("%Y-%m")
            for device in ledger.devices().values()
            if device.device_class.startswith("workstation.")
        )
    assert len(born) == 24
    # A tenth is equipped when it begins, nearly all at the end.
    assert 0.05 < born["2024-01"] / sum(born.values()) < 0.25


def test_the_same_data_elsewhere_have_the_same_fingerprint(made: Path, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(made, tmp_path / "elsewhere")
    found = [report(folder, "--json")["provenance"] for folder in (made, elsewhere)]
    assert found[0]["input_sha256"] == found[1]["input_sha256"]


def test_truth_is_what_the_drawn_devices_add_up_to() -> None:
    fleet = make_fleet(5, date(2024, 1, 1), date(2025, 12, 31), 200, 2)
    truth = settle_truth(fleet, 0.10)
    base_wh = sum(float(draw_month(fleet, f"2024-{m:02}").used_wh.sum()) for m in range(1, 13))
    plain_wh = sum(float(draw_month(fleet, f"2025-{m:02}").used_wh.sum()) for m in range(1, 13))
    assert truth.baseline_kwh == pytest.approx(base_wh / 1000, rel=1e-12)
    kept_wh = plain_wh * (1 - truth.saving_ratio)
    assert truth.reporting_kwh == pytest.approx(kept_wh / 1000, rel=1e-9)
    assert 1 - truth.reporting_kwh / truth.adjusted_baseline_kwh == pytest.approx(0.10, abs=1e-12)


def test_nothing_is_lost_doubled_or_quarantined(made: Path) -> None:
    series, ledger = SqliteSeries(made, create=False), Ledger(made / "ledger.db", create=False)
    balance = check(series, ledger)
    assert balance.stored_j > 10**9
    assert (balance.missing_j, balance.doubled_j, balance.quarantined_j) == (0, 0, 0)
    assert ledger.simulated
    assert len(ledger.closed_months()) == 24
    ledger.close()
    series.close()


def test_closed_months_of_workstations_are_forgotten(made: Path) -> None:
    assert list(made.glob("workstations-*.db*")) == []


def test_made_up_devices_are_neither_now_nor_silent(made: Path) -> None:
    fleet = Reader(place(None, made), ()).fleet()
    assert fleet.simulated
    assert fleet.now is not None
    assert fleet.now.silent == ()


def test_what_people_state_is_free_of_mistakes(made: Path) -> None:
    perimeter = load_perimeter(made / "perimeter.toml")
    assert len(perimeter.organisations) == 3
    assert {link.counts for link in perimeter.metering} == {True, False}


def test_the_same_seed_makes_the_same_fleet() -> None:
    def drawn(seed: int) -> bytes:
        fleet = make_fleet(seed, SMALL.first, SMALL.last, 60, 3)
        return draw_month(fleet, "2025-02").used_wh.tobytes()

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"first": date(2024, 2, 1)}, "whole calendar years"),
        ({"last": date(2024, 12, 31)}, "add a year"),
        ({"devices": 10}, "--devices"),
        ({"organisations": 0}, "--organisations"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_plan_that_cannot_be_is_refused_by_option(change: dict[str, Any], found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        replace(SMALL, **change)


def test_a_reduction_that_no_saving_can_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--reduction"):
        simulate(replace(SMALL, folder=tmp_path, reduction_ratio=0.99))
    assert not (tmp_path / "series.db").exists()


def test_a_store_that_is_there_is_left_alone(made: Path) -> None:
    before = (made / "series.db").read_bytes()
    with pytest.raises(ConfigError, match="has a store already"):
        simulate(replace(SMALL, folder=made))
    assert (made / "series.db").read_bytes() == before


def test_progress_is_drawn_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(sys.stderr) as bar:
        bar.show(0.5, "half")
    assert capsys.readouterr().err == ""
