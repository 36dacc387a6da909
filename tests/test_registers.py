"""Registers → energy, by method.md 2.1 and 2.0: the expected values were worked out by hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobre_drivers.registers import Limits, Register, Shown, Step, Verdict, settle

SHARED = Path(__file__).parents[2] / "shared"
WH_UJ = 3_600_000_000
TEN_WH_UJ = 10 * WH_UJ  # 0.01 kWh a count
WE1_LIMITS = Limits(2000.0, TEN_WH_UJ, 65536 * TEN_WH_UJ)


def settled(readings: list[tuple[float, int, str | None]], limits: Limits) -> list[Step]:
    state = Register()
    steps: list[Step] = []
    for at_s, counts, serial in readings:
        state, new = settle(state, Shown(at_s, counts * limits.count_uj, serial), limits)
        steps += new
    return steps


def energy_uj(steps: list[Step]) -> int:
    return sum(step.energy_uj or 0 for step in steps)


def unknown_s(steps: list[Step]) -> float:
    return sum(step.end_s - step.start_s for step in steps if step.energy_uj is None)


HOUR = 3600.0
# Counts of 1 Wh, at most 1 kW, wraps at 10,000.
LIMITS = Limits(1000.0, WH_UJ, 10_000 * WH_UJ)


@pytest.mark.parametrize(
    ("readings", "counts", "verdicts", "lost_s"),
    [
        ([(0, 100), (1, 600)], 500, ["ok"], 0),
        ([(0, 9_900), (1, 50)], 150, ["rollover"], 0),
        ([(0, 5_000), (1, 40)], 40, ["reset_lower_bound"], 0),
        ([(0, 100), (1, 5_000), (2, 300)], 200, ["spike", "ok"], 0),
        ([(0, 5_000), (3, 0), (4, 8_000)], 3_000, ["spike", "ok"], 0),
        ([(0, 5_000), (1, 0), (2, 300)], 300, ["reset_lower_bound", "ok"], 0),
        ([(0, 5_000), (1, 0), (2, 0), (3, 40)], 40, ["reset_lower_bound", "ok", "ok"], 0),
        ([(0, 100), (1, 8_000), (2, 8_100)], 100, ["implausible_jump", "ok"], 1),
        ([(0, 9_000), (1, 3_000), (2, 3_300)], 300, ["implausible_drop", "ok"], 1),
        ([(0, 9_000), (1, 1_500), (2, 1_600)], 100, ["implausible_drop", "ok"], 1),
        (
            [(0, 100), (1, 200), (1, 250), (2, 300)],
            200,
            ["ok", "duplicate_or_out_of_order", "ok"],
            0,
        ),
        ([(0, 100), (9, 4_100)], 4_000, ["ok"], 0),
        ([(0, 100), (1, 4_000), (2, 8_000), (3, 8_500)], 500, ["implausible_jump", "ok"], 2),
        ([(0, 100), (1, 1_101)], 1_001, ["ok"], 0),
        ([(0, 100), (1, 1_102)], 0, [], 0),
    ],
    ids=[
        "steady",
        "rollover",
        "reset-is-a-lower-bound",
        "spike-books-nothing-for-itself",
        "one-zero-is-no-reset",
        "a-reset-that-begins-at-zero",
        "a-reset-that-stays-at-zero",
        "jump-that-the-next-reading-confirms",
        "drop-that-the-next-reading-confirms",
        "confirmed-drop-is-not-booked-as-a-reset",
        "the-same-instant-again",
        "gap-loses-no-energy",
        "two-jumps-in-a-row",
        "full-power-and-one-count",
        "one-count-too-much-waits",
    ],
)
def test_register_settles_as_the_method_says(
    readings: list[tuple[float, int]], counts: int, verdicts: list[str], lost_s: float
) -> None:
    steps = settled([(hour * HOUR, value, None) for hour, value in readings], LIMITS)
    assert energy_uj(steps) == counts * WH_UJ
    assert [step.verdict for step in steps] == verdicts
    assert unknown_s(steps) == lost_s * HOUR


def test_unknown_modulus_never_makes_a_rollover() -> None:
    steps = settled([(0, 9_900, None), (HOUR, 50, None)], Limits(1000.0, WH_UJ, None))
    assert [step.verdict for step in steps] == [Verdict.RESET]


def test_another_serial_number_books_nothing_for_the_hole() -> None:
    steps = settled([(0, 100, "A"), (HOUR, 150, "B"), (2 * HOUR, 250, "B")], LIMITS)
    assert [step.verdict for step in steps] == [Verdict.REPLACED, Verdict.OK]
    assert energy_uj(steps) == 100 * WH_UJ
    assert unknown_s(steps) == HOUR


def test_a_register_that_could_wrap_twice_in_a_gap_is_told() -> None:
    assert LIMITS.hides_a_rollover(11 * HOUR)
    assert not LIMITS.hides_a_rollover(9 * HOUR)


def test_we1_as_printed_in_the_method() -> None:
    readings = [
        (0, 65500, "A"),
        (3600, 65530, "A"),
        (7200, 20, "A"),
        (10800, 5, "A"),
        (14400, 45, "A"),
        (18000, 9045, "A"),
        (21600, 9050, "A"),
        (36000, 9250, "A"),
        (39600, 100, "B"),
        (43200, 130, "B"),
    ]
    steps = settled([(float(at), counts, serial) for at, counts, serial in readings], WE1_LIMITS)
    assert energy_uj(steps) == 336 * TEN_WH_UJ  # 3.36 kWh
    assert unknown_s(steps) == 7200
    assert [step.verdict.value for step in steps] == [
        "ok",
        "rollover",
        "reset_lower_bound",
        "ok",
        "implausible_jump",
        "ok",
        "ok",
        "meter_replaced",
        "ok",
    ]


@pytest.mark.shared
def test_we1_of_the_worked_examples() -> None:
    path = SHARED / "method" / "worked_examples.json"
    if not path.exists():
        pytest.skip("../shared is not there")
    example = json.loads(path.read_text())["WE1_register"]
    count_uj = round(example["scale"] * 1000 * WH_UJ)
    limits = Limits(example["p_max_kw"] * 1000, count_uj, example["modulus"] * count_uj)
    steps = settled([(float(a), b, c) for a, b, c in example["readings"]], limits)
    assert energy_uj(steps) / (1000 * WH_UJ) == pytest.approx(example["measured_kwh"], rel=1e-9)
    assert unknown_s(steps) == example["unresolved_s"]
    found = [(s.start_s, s.end_s, s.energy_uj, s.verdict.value) for s in steps]
    for (start, end, kwh, verdict), step in zip(example["intervals"], found, strict=True):
        assert step[:2] == (start, end)
        assert step[3] == verdict
        assert step[2] == (None if kwh is None else pytest.approx(kwh * 1000 * WH_UJ))


@given(
    st.lists(
        st.tuples(st.integers(1, 7200), st.integers(0, 20_000), st.sampled_from(["A", "B", None])),
        min_size=2,
        max_size=30,
    )
)
def test_whatever_a_register_shows_energy_is_neither_negative_nor_above_the_bound(
    shown: list[tuple[int, int, str | None]],
) -> None:
    at_s, readings = 0.0, []
    for wait_s, counts, serial in shown:
        at_s += wait_s
        readings.append((at_s, counts, serial))
    covered_to = 0.0
    for step in settled(readings, LIMITS):
        if step.end_s > step.start_s:
            assert step.start_s >= covered_to
            covered_to = step.end_s
        if step.energy_uj is not None:
            bound_uj = LIMITS.power_max_w * (step.end_s - step.start_s) * 1e6 + LIMITS.count_uj
            assert 0 <= step.energy_uj <= bound_uj
