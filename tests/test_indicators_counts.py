"""Reductions of hours, devices and pages; thresholds proposed from power."""

import random
from math import exp

import pytest

from method.examples import published
from sobre_collector.indicators.baseline import Baseline
from sobre_collector.indicators.counts import Count, added, reduced
from sobre_collector.indicators.printer_states import states
from sobre_collector.indicators.printer_thresholds import proposed
from sobre_collector.indicators.reduction import Energy, Users, reduction


@pytest.mark.shared
def test_published_reductions_of_a_fleet() -> None:
    example = published("WE14_printer_fleet")
    hours = reduced(Count(example["H_B"]), Count(example["H_R"]))
    assert hours.ratio == pytest.approx(example["R_hours"], rel=1e-9)
    assert (hours.low_ratio, hours.high_ratio) == (hours.ratio, hours.ratio)
    assert reduced(Count(120), Count(96)).ratio == pytest.approx(example["R_printers"])
    per_user = reduced(
        Count(example["H_B"]), Count(example["H_R"]), users_before=9_800, users_after=10_150
    )
    assert per_user.ratio == pytest.approx(example["R_hours_per_user"], rel=1e-9)


def test_interval_is_that_of_the_energy_reduction() -> None:
    found = reduced(
        Count(1_000, 40, 12), Count(800, 30, 30), users_before=100, users_after=105, level=0.90
    )
    energy = reduction(
        Baseline("measured", 1_000, 40, 12),
        Energy(800, 30, 30),
        before=Users(100),
        after=Users(105),
        level=0.90,
    )
    assert found.ratio == pytest.approx(energy.reduction_ratio)
    assert (found.low_ratio, found.high_ratio) == pytest.approx(
        (energy.low_ratio, energy.high_ratio)
    )


def test_counts_of_nothing() -> None:
    assert reduced(Count(0), Count(5)).ratio is None
    assert reduced(Count(5), Count(0)).ratio == 1.0
    assert reduced(Count(5), Count(0, 1.0)).ratio is None
    with pytest.raises(ValueError, match="one year only"):
        reduced(Count(5), Count(4), users_before=3)


def test_sites_add_in_quadrature() -> None:
    assert added([Count(10, 3, 5), Count(20, 4, 9)]).u == pytest.approx(5)
    assert added([Count(10), Count(20)]) == Count(30)


def day(draw: random.Random, watts: tuple[float, ...], weights: tuple[int, ...]) -> list[float]:
    kinds = draw.choices(watts, weights, k=3_000)
    return [w * exp(draw.gauss(0, 0.08)) if w else 0.0 for w in kinds]


def test_thresholds_lie_between_the_states_that_were_seen() -> None:
    power = day(random.Random(5), (0.0, 2.5, 45.0, 480.0), (300, 2_000, 600, 100))
    found = proposed(power)
    assert found is not None
    assert 0.1 < found.thresholds.sleep_w < 1.8
    assert 3.2 < found.thresholds.ready_w < 35
    assert 60 < found.thresholds.printing_w < 360
    assert found.typical_w == pytest.approx((0.1, 2.5, 45.0, 480.0), rel=0.1)
    assert sum(found.shares) == pytest.approx(1.0)
    assert found.explained_ratio > 0.97
    named = states([0, 0, 2.4, 2.6, 44, 46, 470, 490], found.thresholds)
    assert named == ["off", "off", "sleep", "sleep", "ready", "ready", "printing", "printing"]


@pytest.mark.parametrize(
    "power",
    [
        [0.0, 2.0, 40.0, 400.0] * 100,
        [3.0] * 3_000,
        day(random.Random(6), (0.0, 40.0, 45.0, 480.0), (1, 1, 1, 1)),
        [0.0] * 1_500 + [2.0] * 1_500 + [40.0] * 3_000 + [400.0],
    ],
    ids=["too-few-samples", "one-state", "states-too-close", "a-state-hardly-seen"],
)
def test_no_thresholds_are_proposed_where_states_cannot_be_told(power: list[float]) -> None:
    assert proposed(power) is None
