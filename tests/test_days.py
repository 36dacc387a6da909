"""Days: what loads of one device add up to, cut at midnight and at the edges of working hours."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobre_collector.days import day_rows, days_of
from sobre_collector.rows import DayRow, Key
from sobre_drivers.calendar import WorkingHours, day_bounds
from sobre_drivers.load import Load, Origin

PARIS = ZoneInfo("Europe/Paris")
HOURS = WorkingHours()
PC = Key("pc-1", "pc-1")
H = 3_600
# A Tuesday without a holiday; Paris is one hour ahead of UTC.
TUESDAY = date(2026, 11, 24)
MIDNIGHT = int(datetime(2026, 11, 23, 23, tzinfo=UTC).timestamp())


def load(start_s: int, span_s: int, energy_j: int, **more: Any) -> Load:
    """A load that starts `start_s` seconds after that Tuesday's midnight."""
    end = MIDNIGHT + start_s + span_s
    origin = more.pop("origin", Origin.MEASURED)
    return Load("pc-1", 1, end, span_s, energy_j, 10**12, origin, **more)


def built(loads: Sequence[Load], first: date = TUESDAY, last: date | None = None) -> list[DayRow]:
    return day_rows(PC, True, loads, first, last or first, PARIS, HOURS)


def test_a_day_of_whole_loads_is_their_sum_by_origin() -> None:
    loads = [
        load(0, 8 * H, 4_000, state_s={"off": 8 * H}, origin=Origin.ESTIMATED),
        load(8 * H, 10 * H, 1_000_000, state_s={"on": 10 * H}, pages=3),
        load(18 * H, 6 * H, 3_000, state_s={"off": 6 * H}),
    ]
    (row,) = built(loads)
    assert row.valid
    assert (row.measured_j, row.estimated_j, row.allocated_j) == (1_000_000, 4_000, 3_000)
    assert row.energy_j == 1_007_000
    assert (row.length_s, row.observed_s, row.off_s) == (86_400, 86_400, 14 * H)
    assert row.state_s == {"on": 10 * H, "off": 14 * H}
    assert row.filled_j == 0
    assert row.pages == 3
    # Before 7 and after 20: 7 of the first 8 hours, and 4 of the last 6.
    assert row.out_of_hours_j == 3_500 + 2_000


def test_an_hour_lost_between_samples_in_use_is_filled_with_the_power_in_use() -> None:
    # method.md WE2: 40 W for 8 h, a crash of 1 h, 15 h off at 0.5 W.
    loads = [
        load(8 * H, 4 * H, 40 * 4 * H, state_s={"on": 4 * H}),
        load(12 * H, 5 * H, 40 * 4 * H, state_s={"on": 4 * H, "unknown": H}),
        load(17 * H, 7 * H, 7 * H // 2, state_s={"off": 7 * H}),
    ]
    loads.insert(0, load(0, 8 * H, 8 * H // 2, state_s={"off": 8 * H}))
    (row,) = built(loads)
    assert row.valid
    assert (row.observed_s, row.off_s) == (23 * H, 15 * H)
    known_j = row.measured_j + row.allocated_j
    assert known_j / 3.6e6 == pytest.approx(0.3275, abs=1e-9)
    assert row.filled_j / 3.6e6 == pytest.approx(0.040, abs=1e-9)
    assert row.estimated_j == row.filled_j
    assert row.energy_j / 3.6e6 == pytest.approx(0.3675, abs=1e-9)
    assert known_j / row.energy_j == pytest.approx(0.891156, abs=1e-6)


@pytest.mark.parametrize(
    ("hole", "before", "after", "filled_j"),
    [
        pytest.param((10, 12), "on", "on", 2 * H * 60, id="between-use"),
        # 60 W for 10 h and 2 W for 12 h, over the 22 h that were seen.
        pytest.param((10, 12), "on", "off", 2 * H * (60 * 10 + 2 * 12) // 22, id="then-off"),
        pytest.param((10, 12), "off", "on", 2 * H * (2 * 10 + 60 * 12) // 22, id="then-on"),
        pytest.param((0, 2), "off", "on", 2 * H * 60, id="at-midnight-all-in-use"),
        pytest.param((10, 13), "on", "on", 0, id="more-than-a-tenth-of-the-day"),
    ],
)
def test_a_hole_is_filled_by_what_stands_on_either_side(
    hole: tuple[int, int], before: str, after: str, filled_j: int
) -> None:
    power_w = {"on": 60, "off": 2}
    low, high = hole[0] * H, hole[1] * H
    loads = [
        load(high, 24 * H - high, power_w[after] * (24 * H - high), state_s={after: 24 * H - high})
    ]
    if low:
        loads.insert(0, load(0, low, power_w[before] * low, state_s={before: low}))
    (row,) = built(loads)
    assert row.filled_j == pytest.approx(filled_j, abs=1)
    assert row.valid == (hole[1] - hole[0] <= 2)
    assert row.observed_s == 86_400 - (high - low)


def test_a_meter_without_states_is_in_use_all_day() -> None:
    loads = [load(n * 60, 60, 600) for n in range(1_440) if n not in (700, 701)]
    (row,) = built(loads)
    assert (row.observed_s, row.state_s) == (86_280, {"unknown": 120})
    assert (row.measured_j, row.filled_j) == (1_438 * 600, 1_200)
    assert row.off_s == 0


def test_time_without_a_load_is_not_zero_and_a_day_without_one_has_no_row() -> None:
    assert built([]) == []
    (row,) = built([load(0, 2 * H, 7_200, state_s={"on": 2 * H})])
    assert not row.valid
    assert (row.observed_s, row.energy_j, row.filled_j) == (2 * H, 7_200, 0)


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([(0, 6), (2, 8), (0, 20)], id="overlapping"),
        pytest.param([(0, 2), (6, 8), (0, 20)], id="one-covers-what-was-a-hole"),
        pytest.param([(0, 2), (2, 8), (8, 20), (8, 20)], id="twice-the-same"),
    ],
)
def test_time_that_two_streams_cover_is_covered_once(spans: list[tuple[int, int]]) -> None:
    (row,) = built([load(low * H, (high - low) * H, 10) for low, high in spans])
    assert (row.observed_s, row.energy_j) == (20 * H, 10 * len(spans))


def test_what_is_drawn_without_use_is_taken_off_the_power_in_use() -> None:
    # 40 W in use and 2 W off; the load of the working hours has some of both.
    states = {"on": 8 * H, "off": 4 * H, "unknown": H}
    loads = [
        load(0, 7 * H, 2 * 7 * H, state_s={"off": 7 * H}),
        load(7 * H, 13 * H, 40 * 8 * H + 2 * 4 * H, state_s=states),
        load(20 * H, 4 * H, 2 * 4 * H, state_s={"off": 4 * H}),
    ]
    (row,) = built(loads)
    assert row.filled_j == 40 * H


@pytest.mark.parametrize(
    ("origin", "start_s", "span_s", "kept"),
    [
        pytest.param(Origin.MEASURED, 10 * H, 2 * H, "measured_j", id="measured-uncut"),
        pytest.param(Origin.MEASURED, 19 * H + 1_800, H, "measured_j", id="measured-cut-short"),
        pytest.param(Origin.MEASURED, 19 * H, 2 * H, "allocated_j", id="measured-cut-long"),
        pytest.param(Origin.MEASURED, 23 * H, 2 * H, "allocated_j", id="measured-over-midnight"),
        pytest.param(Origin.ALLOCATED, 10 * H, 2 * H, "allocated_j", id="allocated-uncut"),
        pytest.param(Origin.ALLOCATED, 19 * H, 2 * H, "estimated_j", id="allocated-cut"),
        pytest.param(Origin.ALLOCATED, 23 * H, 2 * H, "estimated_j", id="allocated-over-midnight"),
        pytest.param(Origin.ESTIMATED, 19 * H, 2 * H, "estimated_j", id="estimated"),
    ],
)
def test_a_guess_across_an_edge_weakens_the_origin(
    origin: Origin, start_s: int, span_s: int, kept: str
) -> None:
    row = built([load(start_s, span_s, 1_000, origin=origin)])[0]
    part_j = 1_000 * (min(start_s + span_s, 24 * H) - start_s) // span_s
    names = ("measured_j", "estimated_j", "allocated_j")
    assert {name: getattr(row, name) for name in names if getattr(row, name)} == {kept: part_j}


@pytest.mark.parametrize(
    ("day", "length_s"),
    [
        pytest.param(date(2026, 3, 29), 23 * H, id="spring"),
        pytest.param(date(2026, 10, 25), 25 * H, id="autumn"),
        pytest.param(date(2026, 11, 24), 24 * H, id="plain"),
    ],
)
def test_a_day_lasts_as_long_as_it_really_does(day: date, length_s: int) -> None:
    begins, ends = day_bounds(day - timedelta(days=1), PARIS)[0], day_bounds(day, PARIS)[1]
    loads = [Load("m", n, end, H, 7 * n, 10**9, Origin.MEASURED) for n, end in _hours(begins, ends)]
    before, row = day_rows(Key("n", "m"), False, loads, day - timedelta(days=1), day, PARIS, HOURS)
    assert (row.length_s, row.observed_s, row.valid) == (length_s, length_s, True)
    assert before.energy_j + row.energy_j == sum(each.energy_j for each in loads)
    assert row.energy_j == sum(each.energy_j for each in loads[24:])


def _hours(begins: int, ends: int) -> list[tuple[int, int]]:
    return list(enumerate(range(begins + H, ends + H, H), 1))


@given(
    edges=st.lists(st.integers(0, 6 * 86_400), min_size=2, max_size=12, unique=True),
    energies=st.lists(st.integers(0, 10**7), min_size=12, max_size=12),
)
def test_days_add_up_to_the_loads_to_the_joule(edges: list[int], energies: list[int]) -> None:
    # The last week of October 2026: one of its days has 25 hours.
    zero = int(datetime(2026, 10, 22, 12, 34, 56, tzinfo=UTC).timestamp())
    spans = list(pairwise(sorted(edges)))
    loads = [
        Load("m", n, zero + high, high - low, energy_j, 10**12, Origin.MEASURED, {"on": high - low})
        for n, ((low, high), energy_j) in enumerate(zip(spans, energies, strict=False), 1)
    ]
    first, last = days_of(loads[0].start, loads[-1].end, PARIS)
    rows = day_rows(PC, True, loads, first, last, PARIS, HOURS)
    assert sum(row.energy_j - row.filled_j for row in rows) == sum(x.energy_j for x in loads)
    assert sum(row.state_s.get("on", 0) for row in rows) == sum(x.span_s for x in loads)
    assert sum(row.observed_s for row in rows) == sum(x.span_s for x in loads)
    assert all(0 <= row.out_of_hours_j <= row.energy_j for row in rows)
    # A day built alone is the same day.
    for row in rows:
        day = date.fromisoformat(row.day)
        assert day_rows(PC, True, loads, day, day, PARIS, HOURS) == [row]


def test_a_day_of_rest_is_out_of_hours_from_end_to_end() -> None:
    (row,) = built([load(5 * 24 * H, 24 * H, 999)], date(2026, 11, 29))
    assert (row.out_of_hours_j, row.energy_j) == (999, 999)
