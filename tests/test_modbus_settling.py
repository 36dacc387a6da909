"""From a real line to loads on disk: measured, estimated or unknown, and never 0 W (R23, R25)."""

import logging
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.site import POWER_ONLY, PROFILE, Site
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Own
from sobre_drivers.meters.modbus import kind, points
from sobre_drivers.meters.modbus.profile import read
from sobre_drivers.meters.modbus.readings import Readings
from sobre_drivers.meters.modbus.sense import MOST_UJ

POWER, ENERGY, SERIAL = 2, 4, 0
MINUTE_S = 60
WH_J = 3600


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def running(site: Site, power_w: float = 3600.0, start_wh: int = 500_000) -> None:
    """Registers of a meter that has run at this power since the start: whole Wh, cut."""
    passed_s = site.clock.at_s - 1_790_000_000
    site.put(SERIAL, ">I", 4711)
    site.put(POWER, ">f", power_w)
    site.put(ENERGY, ">I", max(0, start_wh + int(power_w * passed_s / WH_J)))


def ticking(site: Site, until_s: float, set_words: Callable[[Site], None] = running) -> None:
    at_s = int(site.clock.at_s - 1_790_000_000)
    for second in range(at_s, int(until_s) + 1, 10):
        site.clock.at_s = 1_790_000_000 + second
        set_words(site)
        site.run(second)


def test_a_register_is_settled_to_the_joule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site(tmp_path, monkeypatch) as site:
        ticking(site, 600)
        loads = site.loads()
        birth = site.birth()
    # START is 20 s into a minute: the first load is short.
    assert [each[:2] for each in loads[:3]] == [(0, 40), (40, 60), (100, 60)]
    assert {each[3] for each in loads} == {"measured"}
    covered_s = sum(span_s for _, span_s, _, _ in loads)
    assert sum(each[2] for each in loads) == covered_s * 3600
    assert (birth["origin"], birth["uncertainty_ratio"]) == ("measured", 0.01)
    assert birth["method"] == "modbus acme"


def test_power_is_settled_where_there_is_no_register(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site(tmp_path, monkeypatch, POWER_ONLY) as site:
        ticking(site, 600)
        loads = site.loads()
    assert sum(each[2] for each in loads) == sum(each[1] for each in loads) * 3600


def test_a_replaced_meter_invents_no_energy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def other(site: Site) -> None:
        running(site, start_wh=3)
        site.put(SERIAL, ">I", 4712)

    with Site(tmp_path, monkeypatch) as site:
        ticking(site, 300)
        ticking(site, 600, other)
        loads = site.loads()
    assert warned(caplog) == ["m: register: meter_replaced"]
    hole_s = loads[-1][0] + loads[-1][1] - sum(each[1] for each in loads)
    assert hole_s == 10, "the step from one meter to the other belongs to none"
    assert sum(each[2] for each in loads) == sum(each[1] for each in loads) * 3600


def test_a_register_that_was_reset_gives_a_lower_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Site(tmp_path, monkeypatch) as site:
        ticking(site, 300)
        # It begins again from 0, and counts 3 Wh until it is asked.
        ticking(site, 600, lambda site: running(site, start_wh=3 - 310))
        loads = site.loads()
    assert warned(caplog) == ["m: register: reset_lower_bound"]
    assert [each[3] for each in loads].count("estimated") == 1
    (reset,) = [each for each in loads if each[3] == "estimated"]
    # 50 s at 3600 W, and the 3 Wh that are sure.
    assert 0 < reset[2] <= 60 * 3600
    assert sum(each[2] for each in loads) <= sum(each[1] for each in loads) * 3600


@pytest.mark.parametrize(
    ("start_wh", "step_s"),
    [(500_000, 1), (70_000_000, 1), (500_000, 50)],
    ids=["small", "large", "rarely"],
)
def test_a_register_in_the_other_word_order_is_named_and_books_nothing(
    start_wh: int,
    step_s: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def swapped(site: Site) -> None:
        running(site)
        passed_s = site.clock.at_s - 1_790_000_000
        site.put(ENERGY, ">I", start_wh + int(passed_s / step_s), swapped=True)

    with Site(tmp_path, monkeypatch) as site:
        ticking(site, 1200, swapped)
        loads = site.loads()
    said, consequence = warned(caplog)
    assert said == (
        "m: energy moves as it cannot, and as it could in the other word order; the profile's "
        "word_order is probably wrong, try 'low-first'"
    )
    assert consequence.startswith("m no longer says its register; nothing is booked")
    assert sum(each[2] for each in loads) == 0
    assert sum(each[1] for each in loads) <= 100, "unknown time is a hole, not a load of 0 J"


@pytest.mark.parametrize(
    ("code", "part"),
    [
        (">f", 'power = { address = 2, type = "float32", unit = "W" }'),
        (">I", 'power = { address = 2, type = "uint32", unit = "W" }'),
    ],
    ids=["float32", "uint32"],
)
def test_power_in_the_other_word_order_is_named_and_never_0_w(
    code: str,
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Site(tmp_path, monkeypatch, f"{PROFILE}[[part]]\n{part}\n") as site:
        ticking(
            site,
            600,
            lambda site: site.put(POWER, code, 65.25 if code == ">f" else 65, swapped=True),
        )
        assert site.loads() == []
    (said,) = warned(caplog)
    assert said.startswith("m silent since")
    assert "W could; the profile's word_order is probably wrong, try 'low-first'" in said


NONSENSE: dict[str, tuple[float, str]] = {
    "nan": (math.nan, "it answers, and says that it has no value"),
    "infinite": (math.inf, "it answers, and says that it has no value"),
    "1e30": (1e30, "power 1e+30 W cannot be, 11000 W is the most by rated_w"),
    "negative": (-500.0, "it flows backwards; is a current transformer the wrong way round?"),
    "denormal": (1e-40, "cannot be"),
    "just-too-much": (11_001.0, "11000 W is the most by rated_w"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_held_back_for_its_rounds_and_named_once(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    value, finding = NONSENSE[what]

    def sick(site: Site) -> None:
        site.put(POWER, ">f", value)

    with Site(tmp_path, monkeypatch, POWER_ONLY) as site:
        ticking(site, 200)
        ticking(site, 500, sick)
        ticking(site, 900)
        loads = site.loads()
    (said,) = warned(caplog)
    assert said.startswith("m silent since")
    assert finding in said
    assert sum(each[2] for each in loads) == sum(each[1] for each in loads) * 3600
    missing_s = loads[-1][0] + loads[-1][1] - sum(each[1] for each in loads)
    assert 300 <= missing_s <= 380, "time without a value is a hole, and no time at 0 W"


@pytest.mark.parametrize("how", ["silent", "refused"])
def test_a_meter_that_cannot_be_read_is_never_at_0_w(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Site(tmp_path, monkeypatch, POWER_ONLY, silent=how == "silent") as site:
        site.run(600)
        assert site.loads() == []
    (said,) = warned(caplog)
    assert said.startswith("m silent since")


def test_a_gap_loses_no_energy_where_a_register_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Site(tmp_path, monkeypatch) as site:
        ticking(site, 200)
        site.words.clear()
        site.run(350)
        ticking(site, 700)
        loads = site.loads()
    assert sum(each[1] for each in loads) == loads[-1][0] + loads[-1][1], "no hole"
    assert sum(each[2] for each in loads) == sum(each[1] for each in loads) * 3600
    assert "allocated" in {each[3] for each in loads}


def test_one_sick_outlet_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rack = PROFILE + (
        '[[part]]\nname = "outlet-{n}"\ncount = 3\nstep = 2\n'
        'power = { address = 2, type = "float32", unit = "W" }\n'
    )

    def words(second: float) -> Callable[[Site], None]:
        def put(site: Site) -> None:
            for n in range(3):
                site.put(POWER + 2 * n, ">f", 100.0)
            site.put(POWER + 2, ">f", second)

        return put

    with Site(tmp_path, monkeypatch, rack) as site:
        ticking(site, 300, words(1e30))
        ticking(site, 600, words(100.0))
        rows = site.spool.rows(
            "SELECT device, sum(energy_j), sum(span_s) FROM load GROUP BY device"
        )
    told = [each.getMessage() for each in caplog.records if each.levelno >= logging.INFO]
    assert [each for each in told if "cannot be" in each] == [
        "m/outlet-2: power 1e+30 W cannot be, 11000 W is the most by rated_w; are that, the unit "
        "id and the model right?"
    ]
    assert sum("all values can be again" in each for each in told) == 1
    covered = {device: (energy_j, span_s) for device, energy_j, span_s in rows}
    assert all(energy_j == 100 * span_s for energy_j, span_s in covered.values())
    assert covered["m/outlet-2"][1] < covered["m/outlet-1"][1] - 280


@given(words=st.lists(st.integers(0, 0xFFFF), min_size=6, max_size=6), rounds=st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_whatever_the_words_no_value_is_beyond_what_can_be(
    words: list[int], rounds: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_text(
        PROFILE + "[[part]]\n"
        'power = { address = 0, type = "float32", unit = "W" }\n'
        'energy = { address = 2, type = "float64", unit = "kWh", resolution = 0.01 }\n',
        "utf-8",
    )
    meter = MeterSettings("m", "fuzz", host="x")
    described = kind.describe("fuzz", path, meter, {"m": Own()})
    profile = read(path)
    made = Readings(profile, points.points(profile, "m"), described)
    picture = {3: dict(enumerate(words))}
    for at in range(rounds):
        (reading,), _ = made.of(picture, 0, 10.0 * at)
        assert reading.power_w is None or -11_000 <= reading.power_w <= 11_000
        assert reading.register_uj is None or 0 <= reading.register_uj <= MOST_UJ
        picture = {3: {address: word ^ at for address, word in picture[3].items()}}
