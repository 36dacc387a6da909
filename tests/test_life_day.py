"""A day of one PC from its samples to the collector's day: method.md's WE2, to the joule."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sobre_agent.account import Span
from sobre_collector.days import day_rows
from sobre_collector.rows import Key
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.load import Load
from test_life import OFF_W, PARIS, SLEEP_W, World

H = 3600
DAY = date(2026, 10, 20)  # a Tuesday


def stopped_for_an_hour(world: World) -> None:
    world.runs(H)
    world.sample()


def night_off(world: World) -> None:
    world.shuts_down()
    world.is_off(15)
    world.start()


def night_half_asleep(world: World) -> None:
    world.sleeps(5)
    world.sample()
    world.shuts_down()
    world.is_off(10)
    world.start()


def loads_of(spans: list[Span]) -> list[Load]:
    register_j, loads = 0, []
    for seq, span in enumerate((s for s in spans if s.device == "pc-1"), 1):
        register_j += span.energy_j
        loads.append(
            Load(
                "pc-1",
                seq,
                span.end,
                span.span_s,
                span.energy_j,
                register_j,
                span.origin,
                span.state_s,
                span.power_max_w,
            )
        )
    return loads


@pytest.mark.parametrize(
    ("night", "night_j"),
    [
        (night_off, 15 * H * OFF_W),
        (night_half_asleep, 5 * H * SLEEP_W + 10 * H * OFF_W),
    ],
    ids=["off-as-in-WE2", "asleep-then-off"],
)
def test_a_day_of_40_w_with_a_crash_and_a_night_is_its_total_and_not_the_mean_times_24_h(
    tmp_path: Path, night: Callable[[World], None], night_j: float
) -> None:
    world = World(tmp_path, f"{DAY}T00:00")
    world.works(240, 0.5)
    stopped_for_an_hour(world)
    world.works(240, 0.5)
    night(world)
    loads = loads_of(world.spans + world.accounts["pc-1"].finish())
    (row,) = day_rows(Key("pc-1", "pc-1"), True, loads, DAY, DAY, PARIS, WorkingHours())
    seen_j, truth_j = 8 * H * 40 + night_j, world.truth_uj["pc-1"] / 1e6
    assert row.energy_j - row.filled_j == seen_j
    # A load that holds hours in use and hours asleep does not say which of them drew what: the
    # hour that is filled in is then known to two per cent.
    assert row.filled_j == pytest.approx(H * 40, rel=0 if night is night_off else 0.02)
    assert row.energy_j == pytest.approx(truth_j, rel=0 if night is night_off else 0.003)
    assert row.observed_s == 23 * H
    assert row.valid
    if night is night_off:
        # method.md WE2, in kWh.
        assert row.energy_j / 3.6e6 == pytest.approx(0.3675, abs=1e-9)
        assert seen_j / 3.6e6 == pytest.approx(0.3275, abs=1e-9)
        assert seen_j / row.energy_j == pytest.approx(0.891156, abs=1e-6)
        assert 24 * H * 40 / row.energy_j == pytest.approx(2.61, abs=0.01)
