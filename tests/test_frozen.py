"""What is frozen comes back the very same, and thawing runs nothing but our own records."""

import json
from dataclasses import fields, replace
from datetime import date
from math import inf, pi
from pathlib import Path
from pstats import FunctionProfile
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from report_fleet import FACTS, half_monitored, perimeter
from sobre_collector.indicators.moments import Stratum
from sobre_collector.published.inputs import Inputs, frozen, thawed
from sobre_collector.rows import Key
from sobre_collector.store.frozen import freeze, thaw
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin

# A dataclass that is not ours, which would be made without complaint.
PROFILE = [each.name for each in fields(FunctionProfile)]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(perimeter(), id="perimeter"),
        pytest.param(FACTS, id="facts"),
        pytest.param([0.1 + 0.2, pi, -0.0, 5e-324, 2**70, inf], id="numbers"),
        pytest.param({Stratum("a", "b", "c"): (1, True, None), ("x", 1.0): []}, id="keys"),
        pytest.param((Key("n", "d"), Origin.ESTIMATED, date(2026, 11, 24)), id="ours"),
        pytest.param(frozenset({"a", "b"}), id="set"),
        pytest.param(ZoneInfo("Europe/Paris"), id="zone"),
    ],
)
def test_the_same_comes_back(value: Any) -> None:
    back = thaw(freeze(value))
    assert back == value
    assert repr(back) == repr(value) or isinstance(value, frozenset)
    assert type(back) is type(value)


def test_inputs_come_back_and_their_parts_are_named(tmp_path: Path) -> None:
    given = Inputs(tuple(half_monitored()), perimeter(), FACTS, 2025)
    parts = frozen(given)
    assert "months 2025-03" in parts.hashes
    back = thawed(parts.hashes, parts.contents.__getitem__, 2025)
    assert sorted(back.rows, key=repr) == sorted(given.rows, key=repr)
    assert (back.perimeter, back.facts) == (given.perimeter, given.facts)
    assert frozen(back).sha256 == parts.sha256


def test_rows_of_machines_are_frozen_month_by_month(tmp_path: Path) -> None:
    rows = (("2025-01", "a"), ("2025-01", "b"), ("2025-02", "c"), ("2025-01", "d"))
    read = {"printers": {"months": rows, "confirmed": ()}, "checks": rows[:3], "waste": ("x", 1)}
    given = Inputs((), perimeter(), replace(FACTS, inputs=read), 2025)
    parts = frozen(given)
    assert {part for part in parts.hashes if part.startswith("inputs ")} == {
        "inputs printers months 2025-01",
        "inputs printers months 2025-02",
        "inputs printers months 2025-01 (2)",
        "inputs checks 2025-01",
        "inputs checks 2025-02",
    }
    # What two sections read is kept once.
    january = parts.hashes["inputs checks 2025-01"]
    assert january == parts.hashes["inputs printers months 2025-01"]
    back = thawed(parts.hashes, parts.contents.__getitem__, 2025)
    assert repr(back.facts) == repr(given.facts)


@pytest.mark.parametrize("value", [Path("x"), object(), b"bytes"], ids=["path", "object", "bytes"])
def test_what_is_of_no_known_kind_is_refused(value: object) -> None:
    with pytest.raises(StoreError, match="cannot be frozen"):
        freeze(value)


@pytest.mark.parametrize(
    "plain",
    [
        {"$": "os:system", "v": {"command": "true"}},
        {"$": "pstats:FunctionProfile", "v": dict.fromkeys(PROFILE, 0)},
        {"$": "sobre_collector.store.frozen:freeze", "v": {"value": 1}},
        {"$": "sobre_collector.store.ledger:Ledger", "v": {"path": "x"}},
        {"$": "sobre_collector.commands.up:run", "v": {"options": None}},
        {"$": "sobre_collector.rows:Gone", "v": {}},
        {"$": "sobre_collector.perimeter.facts:Site", "v": {"id": "a", "colour": "b"}},
        {"v": 1},
    ],
    ids=[
        "foreign",
        "foreign-record",
        "function-that-would-run",
        "no-record",
        "function",
        "gone",
        "other-field",
        "no-kind",
    ],
)
def test_thawing_makes_our_records_and_nothing_else(plain: object) -> None:
    with pytest.raises(StoreError, match="reads it no more"):
        thaw(json.dumps(plain))
