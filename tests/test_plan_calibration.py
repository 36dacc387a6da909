"""How many plugs buy how many points: the sums, and the command over a real ledger."""

import json
from itertools import product
from math import exp, sqrt
from pathlib import Path
from typing import Any

import pytest

from report_fleet import half_monitored
from sobre_collector.cli import main
from sobre_collector.planning.plugs import (
    Class,
    Interval,
    allocated,
    common_cv,
    narrowed,
    placed,
    u_with,
)
from sobre_collector.rows import Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_drivers.comparison import Comparison
from test_web import PERIMETER

LAPTOP, DESKTOP = "workstation.laptop", "workstation.desktop"
CLASSES = [Class(LAPTOP, 0.3, 0.3, 0.3), Class(DESKTOP, 0.5, 0.25, 0.25)]


def test_error_falls_with_the_root_of_the_plugs_and_never_rises() -> None:
    one = Class(LAPTOP, 0.3, 0.3, 0.3)
    assert u_with(one, 0, 0.01) == u_with(one, 1, 0.01) == 0.3
    # t(0.975, 1) = 12.7062: two PCs say less than the model's own stated error.
    assert u_with(one, 2, 0.01) == 0.3
    # t(0.975, 24) = 2.0639.
    between = 0.3 / 5 * 2.063899 / 1.959964
    assert u_with(one, 25, 0.01) == pytest.approx(sqrt(between**2 + 0.01**2), rel=1e-6)
    assert u_with(one, 200, 0.05) > 0.05


def test_pcs_that_were_read_before_count() -> None:
    done = Class(LAPTOP, 0.3, 0.12, 0.3, done_n=10)
    fresh = Class(LAPTOP, 0.3, 0.3, 0.3)
    assert u_with(done, 15, 0.0) == pytest.approx(u_with(fresh, 25, 0.0))
    assert u_with(done, 0, 0.0) == 0.12


def test_plugs_go_where_they_take_most_off() -> None:
    found = allocated(CLASSES, 0.01, lambda n: sum(n.values()) >= 30)
    assert sum(found.values()) == 30
    best = min(
        ({LAPTOP: a, DESKTOP: 30 - a} for a in range(31)),
        key=lambda n: common_cv(CLASSES, n, 0.01),
    )
    assert common_cv(CLASSES, found, 0.01) <= 1.02 * common_cv(CLASSES, best, 0.01)


def test_no_plug_is_given_where_it_is_no_use() -> None:
    assert allocated([Class(LAPTOP, 0.3, 0.01, 0.5)], 0.02, lambda n: False) == {LAPTOP: 0}
    assert allocated(CLASSES, 0.01, lambda n: True) == {LAPTOP: 0, DESKTOP: 0}


@pytest.mark.parametrize(("level", "after"), list(product((0.90, 0.95), (0.0, 0.03))))
def test_interval_without_a_part_of_its_error(level: float, after: float) -> None:
    z = {0.90: 1.6448536, 0.95: 1.9599640}[level]
    cv, common, q = 0.08, 0.07, 0.9
    now = Interval(1 - q * exp(z * cv), 1 - q * exp(-z * cv))
    left = sqrt(cv**2 - common**2 + after**2)
    found = narrowed(now, level, common, after)
    assert found.low_ratio == pytest.approx(1 - q * exp(z * left), rel=1e-6)
    assert found.high_ratio == pytest.approx(1 - q * exp(-z * left), rel=1e-6)


def test_places_share_plugs_by_their_units() -> None:
    assert placed(10, {"a": 60.0, "b": 25.0, "c": 15.0}) == {"a": 6, "b": 3, "c": 1}
    assert placed(2, {"a": 60.0, "b": 25.0, "c": 15.0}) == {"a": 1, "b": 1}
    assert placed(3, {}) == {}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "perimeter.toml").write_text(PERIMETER, "utf-8")
    (tmp_path / "inventory.csv").write_text(
        "month,organisation,site,class,units,half_width\n"
        "2022-01,bx,hdv,workstation.laptop,200,0\n2022-01,bx,dc1,server,1,0\n"
    )
    (tmp_path / "headcount.csv").write_text(
        "month,organisation,users,half_width\n2022-01,bx,1000,0\n2024-01,bx,1100,0\n"
    )
    (tmp_path / "baseline.csv").write_text(
        "organisation,class,kwh,half_width_kwh,document\n"
        "bx,workstation.laptop,60000,1800,bilan.pdf\nbx,server,40000,1200,bilan.pdf\n"
    )
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.put_months(half_monitored(2024))
    key = Key("pc-1", "pc-1")
    ledger.put_device(Device(key, LAPTOP, "bx", "hdv", "model 2 (usual)", 90.0, 0.4, 0))
    ledger.close()
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], data: Path, *words: str) -> Any:
    assert main(["plan-calibration", "--data", str(data), "--year", "2024", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def half(cv_models: float) -> float:
    """Half the width of R at 95 %, from the baseline's cv of 0.0173205 and the models'."""
    width = 1.959964 * sqrt(0.0003 + cv_models**2)
    return 90 / 106 * (exp(width) - exp(-width)) / 2


def test_plan_narrows_the_reports_own_interval(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, data, "--plugs", "16")
    assert found["plugs"] == 16
    # Laptops are 54/90 of the year, and a declared baseline cancels nothing.
    assert found["half_width_ratio"] == pytest.approx(half(0.2 * 0.6), abs=5e-4)
    # t(0.975, 15) = 2.13145; plugs of ± 2 % (95 %).
    u = sqrt((0.2 / 4 * 2.131450 / 1.959964) ** 2 + 0.01**2)
    assert found["half_width_with_plugs_ratio"] == pytest.approx(half(u * 0.6), abs=5e-4)
    assert found["half_width_without_models_ratio"] == pytest.approx(half(0.0), abs=5e-4)
    assert found["classes"][0]["places"] == {"bx / hdv": 16}


def test_plan_tells_no_share_of_a_class_to_the_digit(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, data, "--plugs", "16")
    ratios = {name: each for name, each in found.items() if name.endswith("_ratio")}
    assert ratios == {name: round(each, 3) for name, each in ratios.items()}
    assert found["classes"][0].keys() == {"name", "spread_ratio", "done_n", "plugs", "places"}


def test_plan_is_the_fewest_plugs_for_the_wanted_points(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, data, "--points", "5")
    # By hand: models' cv 0.12·t(0.975, n − 1)/1.96/√n with n plugs, their own error of 0.01 on top.
    assert half(0.6 * sqrt((0.2 * 2.262157 / 1.959964 / sqrt(10)) ** 2 + 0.01**2)) > 0.05
    assert found["half_width_with_plugs_ratio"] <= 0.05
    fewer = answer(capsys, data, "--plugs", str(found["plugs"] - 1))
    assert fewer["half_width_with_plugs_ratio"] >= 0.05


def test_spread_is_measured_where_two_pcs_were_read(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, data)["classes"][0]["spread_ratio"] == pytest.approx(0.2)
    ledger = Ledger(data / "ledger.db")
    for plug_w in (11.0, 12.0, 13.0):
        one = Comparison(LAPTOP, "x", "model 2", 10.0, plug_w, 0.0, 0.02, 8.0, "2024-11-03")
        ledger.calibrations.add(one, "energy", 0)
    ledger.close()
    found = answer(capsys, data)["classes"][0]
    assert found["spread_ratio"] == pytest.approx(1 / 12)
    assert found["done_n"] == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--year", "2024", "--points", "5"], 0, "which is"),
        (["--year", "2024", "--points", "0.1"], 0, "out of reach"),
        (["--year", "2024", "--lang", "fr"], 0, "prises de plus"),
        (["--year", "2023"], 1, "no reduction yet"),
        (["--plugs", "0"], 2, "1 at least"),
        (["--points", "0"], 2, "above 0"),
        (["--plug-error", "nan"], 2, "above 0"),
        (["--plug-error=-1"], 2, "above 0"),
        (["--year", "99999"], 2, "no year"),
    ],
    ids=[
        "points",
        "unreached",
        "french",
        "no-result",
        "no-plug",
        "no-points",
        "error-unknown",
        "error-below-zero",
        "no-such-year",
    ],
)
def test_what_the_command_says(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    try:
        ended: object = main(["plan-calibration", "--data", str(data), *words])
    except SystemExit as end:
        ended = end.code
    assert ended == code
    printed = capsys.readouterr()
    assert said in printed.out + printed.err


def test_without_a_model_plugs_change_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger(data / "ledger.db")
    key = Key("pc-1", "pc-1")
    ledger.put_device(Device(key, LAPTOP, "bx", "hdv", "shelly-plug", 90.0, 0.4, 0))
    ledger.close()
    assert main(["plan-calibration", "--data", str(data), "--year", "2024"]) == 0
    assert "plugs would change nothing" in capsys.readouterr().out


def test_log_interval_is_rebuilt_from_its_ends() -> None:
    assert narrowed(Interval(0.05, 0.15), 0.95, 0.02, 0.02).half_ratio == pytest.approx(0.05)
