"""Printers: states from power, running hours with what is unknown, pages, energy per page."""

import random
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from method.examples import published
from sobre_collector.indicators.pages import Counter, Reading, printed
from sobre_collector.indicators.printer_states import (
    Thresholds,
    bounded_hours,
    is_active,
    running_hours,
    state_seconds,
    states,
)
from sobre_collector.indicators.printer_use import (
    WindowUse,
    page_energy,
    schedule_saving,
    smaller_range_saving,
    tec_kwh_per_week,
)

MODEL = Thresholds(sleep_w=1.0, ready_w=20.0, printing_w=200.0)


@pytest.mark.shared
def test_published_printer_day() -> None:
    example = published("WE13_printer_day")
    found = running_hours({s: h * 3600 for s, h in example["hours"].items()}, 24 * 3600)
    assert found.seen_h == pytest.approx(example["active_hours"])
    assert found.scaled_h == pytest.approx(example["active_hours_per_24h_observed"])
    assert found.most_h == pytest.approx(example["active_hours"] + 1)
    assert 24 - found.by_state["unknown"] == pytest.approx(example["observed_hours"])


@pytest.mark.parametrize(
    ("power_w", "expected"),
    [
        ([0, 0, 5, 5, 60, 60, 400, 400], "off off sleep sleep ready ready printing printing"),
        ([60, 60, 400, 60, 60], "ready ready ready ready ready"),
        ([60, 400, 400, 185, 185], "ready printing printing printing printing"),
        ([60, 400, 400, 179, 179], "ready printing printing ready ready"),
        ([60, 199, 199], "ready ready ready"),
        ([60, 5, 0, 5, 5], "ready ready ready sleep sleep"),
        ([], ""),
    ],
    ids=[
        "each-state-from-its-first-sample",
        "a-burst-of-the-fuser-is-not-printing",
        "not-left-within-ten-percent",
        "left-below-ten-percent",
        "threshold-is-passed-at-its-value",
        "two-different-samples-are-no-dwell",
        "nothing",
    ],
)
def test_states_from_power(power_w: list[float], expected: str) -> None:
    assert states(power_w, MODEL) == expected.split()


def test_thresholds_must_rise() -> None:
    with pytest.raises(ValueError, match="must rise"):
        Thresholds(20.0, 1.0, 200.0)


def test_a_state_holds_until_the_next_sample_but_no_longer_than_the_gap() -> None:
    samples = [(0.0, "ready"), (300.0, "printing"), (600.0, "sleep"), (4600.0, "sleep")]
    found = state_seconds(samples, 4900.0, 750.0)
    assert found["ready"] == 300
    assert found["printing"] == 300
    assert found["sleep"] == 750 + 300
    assert found["unknown"] == 3250
    assert sum(found.values()) == 4900
    with pytest.raises(ValueError, match="out of order"):
        state_seconds([(10.0, "ready"), (5.0, "ready")], 20.0, 750.0)


@pytest.mark.parametrize(
    ("hours", "unknown_h", "scaled"),
    [(24, 2.4, True), (24, 2.5, False), (23, 2.3, True), (25, 2.4, True), (25, 2.6, False)],
)
def test_a_day_of_its_real_length_is_scaled_only_if_nearly_seen(
    hours: int, unknown_h: float, scaled: bool
) -> None:
    state_s = {"ready": 5 * 3600, "off": (hours - unknown_h - 5) * 3600}
    found = running_hours(state_s, hours * 3600)
    assert found.by_state["unknown"] == pytest.approx(unknown_h)
    assert (found.scaled_h is not None) is scaled
    if found.scaled_h is not None:
        assert found.scaled_h == pytest.approx(5 * hours / (hours - unknown_h))


@given(st.floats(0, 24), st.floats(0, 1))
def test_scaled_hours_lie_within_their_bounds(known_h: float, part: float) -> None:
    state_s = {"printing": part * known_h * 3600, "sleep": (1 - part) * known_h * 3600}
    found = running_hours(state_s, 24 * 3600)
    assert found.seen_h <= (found.scaled_h or found.seen_h) * (1 + 1e-12)
    assert (found.scaled_h or 0) <= found.most_h * (1 + 1e-12)


def test_bounds_of_days_add_up_and_too_much_time_is_refused() -> None:
    days = [running_hours({"ready": 3600}, 7200), running_hours({"off": 7200}, 7200)]
    assert bounded_hours(days) == (1.0, 2.0)
    with pytest.raises(ValueError, match="8000"):
        running_hours({"off": 8000}, 7200)


@pytest.mark.parametrize(
    ("pages", "hours", "active"), [(1, 0, True), (None, 1, True), (0, 0.9, False)]
)
def test_active_printers(pages: int | None, hours: float, active: bool) -> None:
    assert is_active(pages, hours) is active


def daily(values: list[int]) -> list[Reading]:
    return [Reading(86_400 * k, value, "A") for k, value in enumerate(values)]


@pytest.mark.shared
def test_published_pages() -> None:
    example = published("WE15_pages")
    found = printed(daily(example["values"]), Counter(pages_per_minute=30))
    assert found.total == example["total"]
    assert list(found.flags) == example["flags"]


@pytest.mark.parametrize(
    ("values", "modulus", "total", "flags"),
    [
        ([900, 50], 1_000, 150, "rollover"),
        ([900, 50], None, 50, "reset"),
        ([100, 90_000, 300], None, 200, "spike ok"),
        ([100, 90_000, 90_050], None, 50, "set-aside confirmed-reset"),
        ([100, 90_000, 40], None, 40, "set-aside reset"),
        ([90_000, 50_000, 50_020], None, 20, "set-aside confirmed-reset"),
        ([100, 43_301], None, 43_201, "ok"),
        ([100, 43_302], None, 0, "set-aside"),
    ],
    ids=[
        "declared-modulus",
        "undeclared-modulus",
        "spike",
        "new-counter",
        "spike-then-reset",
        "implausible-drop",
        "as-fast-as-it-prints",
        "faster-than-it-prints",
    ],
)
def test_pages_from_a_counter(
    values: list[int], modulus: int | None, total: int, flags: str
) -> None:
    found = printed(daily(values), Counter(30, modulus))
    assert found.total == total
    assert found.flags == tuple(flags.split())


def test_another_serial_starts_anew_and_units_are_not_mixed() -> None:
    readings = [Reading(0, 10, "A"), Reading(9_000, 20, "B"), Reading(9_000, 25, "B")]
    found = printed([*readings, Reading(99_000, 50, "B")], Counter(30))
    assert found.flags == ("replaced", "out-of-order", "ok")
    assert found.total == 30
    with pytest.raises(ValueError, match="never mix"):
        printed([Reading(0, 1, unit="sheets"), Reading(9, 2)], Counter(30))


@pytest.mark.shared
def test_published_energy_per_page() -> None:
    example = published("WE16_page_energy")
    week = page_energy(example["kwh_day"], example["pages"], 7)
    assert week.wh_per_further_page == pytest.approx(example["marginal_wh_per_page"], rel=1e-9)
    assert week.standby_kwh_per_day == pytest.approx(example["standby_kwh_day"], rel=1e-9)
    month = page_energy([example["kwh"]], [2_600], 30)
    assert month.wh_per_page == pytest.approx(example["wh_per_page"])
    assert month.kwh_per_week == pytest.approx(example["TEC_kwh_week"])
    assert month.wh_per_further_page is None


def test_energy_per_page_without_pages_cannot_be_told() -> None:
    found = page_energy([0.3, 0.3], [0, 0], 2)
    assert found.wh_per_page is None
    assert found.kwh_per_week == pytest.approx(tec_kwh_per_week(0.6, 2))


def test_schedule_saves_what_is_left_after_pages_off_power_and_warm_up() -> None:
    alike = [WindowUse(kwh=10.0, printed_kwh=1.0, hours=200.0, days=20.0)] * 3
    found = schedule_saving(
        alike, fleet_n=30, off_w=0.5, restart_kwh=0.02, u_restart_kwh=0.005, days_per_year=250
    )
    per_day = (10 - 1 - 0.1 - 0.4) / 20
    assert found.kwh == pytest.approx(30 * 250 * per_day)
    # Printers that are all alike leave only the doubt about the warm-up.
    assert found.u_kwh == pytest.approx(30 * 250 * 0.005)
    assert found.df == 2


def test_schedule_of_a_sample_is_as_uncertain_as_its_printers_differ() -> None:
    draw = random.Random(7)
    uses = [WindowUse(draw.uniform(2, 8), 0.0, 200.0, 20.0) for _ in range(40)]
    found = schedule_saving(
        uses, fleet_n=400, off_w=0.0, restart_kwh=0.0, u_restart_kwh=0.0, days_per_year=250
    )
    mean = sum(u.kwh for u in uses) / 40
    s2 = sum((u.kwh - mean) ** 2 for u in uses) / 39
    assert found.u_kwh == pytest.approx(400 * 250 / 20 * sqrt(0.9 * s2 / 40))
    low, high = found.interval_kwh(0.95)
    assert low < found.kwh < high
    census = schedule_saving(
        uses, fleet_n=40, off_w=0.0, restart_kwh=0.0, u_restart_kwh=0.0, days_per_year=250
    )
    assert census.u_kwh == 0


def test_does_the_smaller_range_pay() -> None:
    found = smaller_range_saving((310.0, 12.0), (180.0, 5.0), 100)
    assert found.kwh == pytest.approx(13_000)
    assert found.u_kwh == pytest.approx(1_300)
