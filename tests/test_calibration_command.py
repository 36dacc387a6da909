"""A factor's way through the collector: from files to the ledger, to days, months and back."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.calibrated import calibrated, modelled, stamped, with_factor
from sobre_collector.cli import main
from sobre_collector.duties import House, close_month, month_totals
from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.moments import Stratum, stratum_month
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.rows import DayRow, Device, Key
from sobre_collector.store.calibrations import Decided
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.comparison import Comparison, decode, encode
from sobre_drivers.errors import StoreError, WireError

LAPTOP = "workstation.laptop"
# 24 November 2026 and 10 January 2027, midnight in Paris.
NOVEMBER, JANUARY = 1_795_474_800, 1_799_535_600
PERIMETER = Perimeter(Baseline(2025, "measured"))


def pc(name: str, device_class: str = LAPTOP, method: str = "model 2 (usual)") -> Device:
    return Device(Key(name, name), device_class, "a", "s", method, 90.0, 0.6, 0)


def day(name: str, **more: Any) -> DayRow:
    fields: dict[str, Any] = {
        "key": Key(name, name),
        "personal": True,
        "day": "2026-11-10",
        "length_s": 86_400,
        "observed_s": 86_400,
        "off_s": 0,
        "measured_j": 0,
        "estimated_j": 1_000_000,
        "allocated_j": 0,
        "out_of_hours_j": 250_000,
        "valid": True,
    }
    return DayRow(**{**fields, **more})


def applied(factor: float, number: int = 4, since: str = "2026-11") -> Applied:
    return Applied(number, LAPTOP, since, factor, 0.03)


def comparison(plug_w: float = 12.0, **more: Any) -> Comparison:
    given: dict[str, Any] = {
        "device_class": LAPTOP,
        "processor": "Zen",
        "method": "model 2 (usual)",
        "model_w": 10.0,
        "plug_w": plug_w,
        "se_ratio": 0.01,
        "reference_u_ratio": 0.01,
        "hours": 8.0,
        "day": "2026-11-03",
    }
    return Comparison(**{**given, **more})


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (day("a"), {"estimated_j": 1_300_000, "out_of_hours_j": 325_000}),
        (
            day("a", measured_j=500_000, estimated_j=500_000),
            {"measured_j": 500_000, "estimated_j": 650_000, "out_of_hours_j": 287_500},
        ),
        # Of 1 MJ, 0.2 MJ was put in with the day's mean of 0.8 MJ, half of which was measured.
        (
            day("a", measured_j=400_000, estimated_j=600_000, filled_j=200_000),
            {"estimated_j": 400_000 * 13 // 10 + 230_000, "filled_j": 230_000},
        ),
        (day("a", estimated_j=0, out_of_hours_j=0), {"estimated_j": 0, "out_of_hours_j": 0}),
    ],
    ids=["all-estimated", "battery-measured", "filled", "nothing"],
)
def test_factor_touches_what_the_model_estimated(row: DayRow, wanted: dict[str, int]) -> None:
    found = with_factor(row, applied(1.3))
    assert {name: getattr(found, name) for name in wanted} == wanted


def test_other_classes_and_metered_devices_are_left_alone() -> None:
    devices = {
        each.key: each
        for each in (pc("a"), pc("b", method="raritan-px"), pc("c", "workstation.desktop"))
    }
    rows = [day("a"), day("b"), day("c"), day("stranger")]
    found = list(calibrated(rows, devices, {LAPTOP: applied(1.3)}))
    assert [row.estimated_j for row in found] == [1_300_000, 1_000_000, 1_000_000, 1_000_000]
    assert found[1:] == rows[1:]


def test_how_each_driver_names_its_method_tells_whether_it_is_a_model() -> None:
    methods = {
        "model 2 (utilisation, 35 W)": True,
        "battery, else powercap package, model 2": True,
        "screen, model 1": True,
        "raritan-px": False,
        "simulated": False,
    }
    assert {method: modelled(pc("a", method=method)) for method in methods} == methods


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(Ledger(tmp_path / "ledger.db")) as ledger, closing(SqliteSeries(tmp_path)) as kept:
        for n in range(6):
            ledger.put_device(pc(f"pc-{n}"))
        rows = [day(f"pc-{n}", estimated_j=1_800_000 * (n + 1)) for n in range(6)]
        kept.put_days(rows, ())
        yield House(kept, ledger, PERIMETER)


def decide(ledger: Ledger, factor: float, since: str) -> Decided:
    return ledger.calibrations.decide(
        Decided(NOVEMBER, "energy", "plugs", (1, 2), applied(factor, 0, since))
    )


def kwh(ledger: Ledger) -> tuple[float, int | None]:
    (row,) = ledger.months("2026-11", "2026-11")
    return round(sum(row.sums[:2]), 9), row.calibration


def test_open_month_is_computed_with_the_factor_that_holds_for_it(house: House) -> None:
    month_totals(house, NOVEMBER, "2026-11")
    assert kwh(house.ledger) == (10.5, None)
    decide(house.ledger, 1.4, "2026-12")
    month_totals(house, NOVEMBER, "2026-11")
    assert kwh(house.ledger) == (10.5, None)
    number = decide(house.ledger, 1.2, "2026-11").applied.number
    month_totals(house, NOVEMBER, "2026-11")
    assert kwh(house.ledger) == (12.6, number)


def test_closed_month_stays_and_is_read_with_the_number_of_what_corrects_it(
    house: House, tmp_path: Path
) -> None:
    first = decide(house.ledger, 1.2, "2026-11").applied.number
    close_month(house, JANUARY, "2026-11")
    assert kwh(house.ledger) == (12.6, first)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        before = db.execute("SELECT content FROM months").fetchall()
    second = decide(house.ledger, 1.5, "2026-01").applied.number
    assert kwh(house.ledger) == (15.75, second)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        assert db.execute("SELECT content FROM months").fetchall() == before
    # The past of the factor that the month was closed with is still there to read.
    assert [each.applied.number for each in house.ledger.calibrations.decided()] == [first, second]


def test_rows_of_the_chain_cannot_be_changed(house: House, tmp_path: Path) -> None:
    decide(house.ledger, 1.2, "2026-11")
    house.ledger.calibrations.add(comparison(), "energy", NOVEMBER)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        for sql in ("DELETE FROM calibrations", "UPDATE calibrations SET content = '{}'"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(sql)
        db.execute("DROP TRIGGER calibrations_update")
        db.execute("UPDATE calibrations SET content = replace(content, '1.2', '1.1')")
        db.commit()
    with pytest.raises(StoreError, match="calibrations 1"):
        house.ledger.months("2026-11", "2026-11")


def test_stamp_stands_only_on_classes_that_a_model_estimates() -> None:
    rows = [stratum_month("2026-11", Stratum("a", "s", LAPTOP), (20, 10), [])]
    assert stamped(rows, [pc("a")], {LAPTOP: applied(1.2)})[0].calibration == 4
    metered = [pc("a", method="raritan-px")]
    assert stamped(rows, metered, {LAPTOP: applied(1.2)})[0].calibration is None


def test_comparison_survives_its_file() -> None:
    assert decode(encode(comparison())) == comparison()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": "other"}, "kind: 'other'"),
        ({"v": 2}, "kind"),
        ({"device_class": "laptop"}, "device_class: 'laptop' is none of"),
        ({"hours": 0.5}, "hours: 0.5; from 2"),
        ({"model_w": True}, "model_w: True; a number"),
        ({"plug_w": -1.0}, "plug_w: -1"),
        ({"plug_w": 90.0}, "look whether the plug feeds this PC"),
        ({"day": "yesterday"}, "day: 'yesterday'"),
        ({"method": "a\nb"}, "method: 'a"),
        ({"se_ratio": None}, "se_ratio: None"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_file_that_is_wrong_says_where(changed: dict[str, object], said: str) -> None:
    content = json.loads(encode(comparison())) | changed
    with pytest.raises(WireError, match=said):
        decode(json.dumps(content).encode())


def write(folder: Path, *sessions: Comparison) -> list[str]:
    paths = [folder / f"{n}.json" for n in range(len(sessions))]
    for path, one in zip(paths, sessions, strict=True):
        path.write_bytes(encode(one))
    return [str(path) for path in paths]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with closing(Ledger(tmp_path / "ledger.db")) as ledger:
        ledger.put_device(pc("pc-1"))
    return tmp_path


def test_from_files_to_a_factor_in_force(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = write(data, comparison(12.0), comparison(13.0), comparison(14.0))
    where = ["calibration", "--data", str(data)]
    assert main([*where, "add", *files, "--by", "energy"]) == 0
    decision = ["--by", "energy", "--why", "three plugs"]
    assert main([*where, "apply", LAPTOP, "--from", "2026-10", *decision, "--dry-run"]) == 0
    assert "nothing was decided" in capsys.readouterr().out
    with closing(Ledger(data / "ledger.db")) as ledger:
        assert ledger.calibrations.in_force("2026-10") == {}
    assert main([*where, "apply", LAPTOP, "--from", "2026-10", *decision]) == 0
    assert main([*where, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line[0] == "{"]
    assert [row["kind"] for row in rows] == ["session"] * 3 + ["factor"]
    # By hand: k = 1.3, s = 1 W, se = 1/√3/13; t(0.975, 2) = 4.3027; plugs of ± 1 % (95 %).
    factor = rows[-1]["applied"]
    assert factor["factor_ratio"] == pytest.approx(1.3)
    between = 1 / 3**0.5 / 13 * 4.302653 / 1.959964
    assert factor["u_ratio"] == pytest.approx((between**2 + 0.005**2) ** 0.5, rel=1e-6)
    assert rows[-1]["sessions"] == [1, 2, 3]
    assert not any("node" in row or "pc-1" in json.dumps(row) for row in rows)


@pytest.mark.parametrize(
    ("sessions", "words", "said"),
    [
        ([], ["apply", LAPTOP], "no PC was calibrated"),
        ([comparison()], ["apply", LAPTOP], "one PC cannot tell how PCs differ"),
        (
            [comparison(), comparison(method="model 3 (usual)")],
            ["apply", LAPTOP],
            "one PC cannot tell",
        ),
        ([comparison(), comparison(13.0)], ["apply", LAPTOP, "--from", "soon"], "write the month"),
    ],
    ids=["none", "one", "one-of-this-model", "no-month"],
)
def test_factor_that_cannot_be_had_is_refused(
    data: Path,
    capsys: pytest.CaptureFixture[str],
    sessions: list[Comparison],
    words: list[str],
    said: str,
) -> None:
    where = ["calibration", "--data", str(data)]
    if sessions:
        assert main([*where, "add", *write(data, *sessions), "--by", "energy"]) == 0
    assert main([*where, *words, "--by", "energy", "--why", "x"]) == 2
    assert said in capsys.readouterr().err
    with closing(Ledger(data / "ledger.db")) as ledger:
        assert ledger.calibrations.decided() == []


def test_same_pc_counts_once_and_a_wrong_file_records_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["calibration", "--data", str(data), "add"]
    files = write(data, comparison())
    assert main([*where, *files, "--by", "energy"]) == 0
    assert main([*where, *files, "--by", "energy"]) == 2
    assert "stands already as no. 1" in capsys.readouterr().err
    measured = write(data, comparison(13.0), comparison(14.0, method="raritan-px"))
    assert main([*where, *measured, "--by", "energy"]) == 2
    assert "is no model" in capsys.readouterr().err
    with closing(Ledger(data / "ledger.db")) as ledger:
        assert len(ledger.calibrations.sessions()) == 1


def test_closed_months_are_named_and_left_where_meters_are_among_the_models(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Ledger(data / "ledger.db")) as ledger:
        ledger.close_month("2026-09", NOVEMBER)
        ledger.close_month("2026-10", NOVEMBER)
    where = ["calibration", "--data", str(data)]
    files = write(data, comparison(12.0), comparison(13.0))
    assert main([*where, "add", *files, "--by", "energy"]) == 0
    words = ["apply", LAPTOP, "--from", "2026-09", "--by", "energy", "--why", "x", "--dry-run"]
    assert main([*where, *words]) == 0
    assert "2026-09 to 2026-10: closed; they count with the factor" in capsys.readouterr().out
    with closing(Ledger(data / "ledger.db")) as ledger:
        ledger.put_device(replace(pc("pc-2"), method="shelly-plug"))
    assert main([*where, *words[:-1]]) == 0
    assert "stay as they are, since 1 devices" in capsys.readouterr().out
    with closing(Ledger(data / "ledger.db")) as ledger:
        assert not ledger.calibrations.decided()[0].applied.restates
