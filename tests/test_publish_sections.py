"""Each published indicator has a record of its own, which is computed again by itself."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import strata
from evidence_house import house, publish, sobre
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report import datacentre
from sobre_collector.store.ledger import Ledger

Captured = pytest.CaptureFixture[str]
BESIDE = ["print.runtime", "print.devices", "print.pages", "dc.pue", "carbon.use"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five years of few organisations, each month closed, with every section of the report."""
    folder = tmp_path_factory.mktemp("strata")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strata, "ORGANISATIONS", 2)
        strata.written(folder)
    ledger = Ledger(folder / "ledger.db")
    for year in range(strata.FIRST_YEAR, strata.FIRST_YEAR + strata.YEARS):
        for month in months_of(year):
            ledger.close_month(month, 1)
    ledger.close()
    return folder


@pytest.fixture
def folder(fleet: Path, tmp_path: Path) -> Path:
    return shutil.copytree(fleet, tmp_path / "fleet")


def freeze(folder: Path, *words: str) -> int:
    return sobre(folder, "publish", "2025", "--by", "digital director", *words)


def records(folder: Path) -> list[dict[str, Any]]:
    ledger = Ledger(folder / "ledger.db", readonly=True)
    found = [json.loads(one.content_json) for one in ledger.results()]
    ledger.close()
    return found


def test_each_indicator_is_frozen_and_computed_again_to_the_last_bit(
    folder: Path, capsys: Captured
) -> None:
    assert freeze(folder) == 0
    found = {one["indicator_id"]: one for one in records(folder)}
    assert list(found) == ["elec.reduction", *BESIDE]
    assert {one["version"] for one in found.values()} == {1}
    assert len({one["input_snapshot_hash"] for one in found.values()}) == 1
    rooms = found["dc.pue"]["values"]
    # 310 + 130 kWh enter. A server uses 20 times 4.9 kWh in 20 of 21 work days and 3 times that in
    # 8 of 9 days of rest, the other one a tenth more. Levels cancel in the ratio.
    assert [one["room"] for one in rooms] == ["room-org-00", "room-org-01"]
    assert rooms[0]["value"] == pytest.approx(440 / ((21 + 3 / 8 * 9) * 4.9 * 2.1))
    assert rooms[0]["ci_low"] < rooms[0]["value"] < rooms[0]["ci_high"]
    # 60 and 56 g, as the table of factors says.
    assert [(row["year"], row["kg_per_kwh"]) for row in found["carbon.use"]["ef"]] == [
        (2021, pytest.approx(0.060)),
        (2025, pytest.approx(0.056)),
    ]
    (fall,) = (one for one in found["print.pages"]["values"] if one["name"] == "R")
    assert fall["unit"] == "ratio"
    capsys.readouterr()
    assert sobre(folder, "recompute") == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[1].split()[0] for line in told] == list(found)
    assert all("all equal to the last bit" in line for line in told)


def test_a_record_of_the_reduction_names_meters_factors_and_other_ways(folder: Path) -> None:
    assert freeze(folder, "--indicator", "elec.reduction") == 0
    (found,) = records(folder)
    assert found["signature"] is None
    assert [row["year"] for row in found["ef"]] == [2021, 2025]
    classes = {meter["device_class"] for meter in found["meters"]}
    # Printers stand in people's offices, and workstations tell about a person.
    assert classes == {"server", "facility"}
    assert {"serial", "calibrated_on", "since", "uncertainty_ratio"} <= found["meters"][0].keys()
    other = found["sensitivity"]
    assert other["R_link"].keys() == {"R", "R_of_same"}
    for name in ("excluding_estimated", "silent_off", "phi0", "raw"):
        assert isinstance(other[name], float), name
    assert other["raw_interval"]["ci_low"] < other["raw"] < other["raw_interval"]["ci_high"]


def test_a_section_that_is_computed_otherwise_is_told_from_the_others(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert freeze(folder) == 0
    right = datacentre.figures

    def wrong(*given: Any) -> Any:
        made = right(*given)
        assert made is not None
        assert made.rooms[0].pue is not None
        room = made.rooms[0]
        return replace(made, rooms=(replace(room, pue=made.rooms[0].pue + 2**-50), *made.rooms[1:]))

    monkeypatch.setattr(datacentre, "figures", wrong)
    capsys.readouterr()
    assert sobre(folder, "recompute", "--json") == 1
    equal = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # The reduction's record keeps the whole report, rooms too.
    wrong_ones = [one["indicator_id"] for one in equal if not one["equal"]]
    assert wrong_ones == ["elec.reduction", "dc.pue"]


def test_one_indicator_is_corrected_by_a_version_of_its_own(folder: Path, capsys: Captured) -> None:
    assert freeze(folder) == 0
    assert freeze(folder, "--indicator", "print.pages") == 2
    assert "print.pages 2025: was published as result 4" in capsys.readouterr().err
    assert freeze(folder, "--indicator", "print.pages", "--reason", "a counter was read wrong") == 0
    last = records(folder)[-1]
    assert (last["indicator_id"], last["version"], last["corrects"]) == ("print.pages", 2, 4)
    assert sobre(folder, "recompute") == 0


def test_what_has_no_value_is_not_published(tmp_path: Path, capsys: Captured) -> None:
    folder = house(tmp_path)
    assert publish(folder, "--indicator", "dc.pue") == 1
    assert "dc.pue 2024: insufficient data" in capsys.readouterr().err
    assert publish(folder, "--indicator", "dc.pui") == 2
    assert "known: elec.reduction, print.runtime" in capsys.readouterr().err
    assert records(folder) == []
    assert publish(folder) == 0
    assert [one["indicator_id"] for one in records(folder)] == ["elec.reduction"]
