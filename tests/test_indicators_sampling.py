"""Before anything is installed: how many agents, where, and what an inventory alone tells."""

import csv
import random
from itertools import product
from math import sqrt
from statistics import fmean, stdev

import pytest

from method.examples import CAPTURES, published
from sobre_collector.indicators.estimate import Declared, declared, estimate
from sobre_collector.indicators.sampling import (
    Candidate,
    allocated,
    half_width,
    plan,
    rounded_up,
    sample_size,
)
from sobre_drivers.errors import ConfigError

STRATA = [
    Candidate("laptops", 6_000, 40.0, 0.6),
    Candidate("desktops", 2_000, 150.0, 0.5),
    Candidate("printers", 300, 200.0, 0.9),
    Candidate("racks", 4, 9_000.0, 0.3),
]


@pytest.mark.shared
def test_published_sample_sizes() -> None:
    example = published("WE21_sample_size")
    # This example was computed with 1.96 and 1.645.
    assert sample_size(0.5, 0.10, 0.95) == pytest.approx(example["a"][0], rel=1e-4)
    assert sample_size(0.5, 0.10, 0.95, 200) == pytest.approx(example["a"][1], rel=1e-4)
    assert sample_size(0.5, 0.10, 0.90) == pytest.approx(example["b"][0], rel=2e-4)
    assert sample_size(0.5, 0.10, 0.90, 2_000) == pytest.approx(example["c"][1], rel=2e-4)
    assert sample_size(0.6, 0.05, 0.95, 9_000) == pytest.approx(example["d"][1], rel=1e-4)
    whole = [
        sample_size(0.5, 0.1, 0.95, 200),
        sample_size(0.5, 0.1, 0.9),
        sample_size(0.5, 0.2, 0.9),
    ]
    assert [rounded_up(n) for n in whole] == [65, 68, 17]


def test_allocation_is_the_best_of_all() -> None:
    small = [Candidate("a", 9, 5.0, 0.8), Candidate("b", 30, 2.0, 0.5), Candidate("c", 5, 9.0, 1.0)]
    found = allocated(small, 16)
    every = (
        dict(zip("abc", sizes, strict=True))
        for sizes in product(range(3, 10), range(3, 31), range(3, 6))
        if sum(sizes) == 16
    )
    best = min(every, key=lambda sizes: half_width(small, sizes, 0.95))
    assert half_width(small, found, 0.95) == pytest.approx(half_width(small, best, 0.95))
    assert sum(found.values()) == 16


def test_neyman_follows_units_times_spread() -> None:
    found = allocated(STRATA[:2], 1_000)
    # 6,000·40·0.6 against 2,000·150·0.5: 144 to 150.
    assert found["laptops"] / found["desktops"] == pytest.approx(144 / 150, rel=0.01)


def test_full_strata_leave_their_agents_to_others() -> None:
    found = allocated(STRATA, 1_021)
    assert found["racks"] == 4
    assert sum(found.values()) == 1_021
    assert allocated(STRATA, 10**6) == {s.name: s.units_n for s in STRATA}
    with pytest.raises(ValueError, match="are the least"):
        allocated(STRATA, 5)


def test_plan_is_the_fewest_agents_that_reach_the_width() -> None:
    found = plan(STRATA, 0.03)
    assert found.half_width_ratio <= 0.03
    fewer = allocated(STRATA, found.whole_n - 1)
    assert half_width(STRATA, fewer, 0.95) > 0.03
    assert plan(STRATA, 1e-9).whole_n == sum(s.units_n for s in STRATA)


def test_planned_width_is_what_samples_show() -> None:
    draw = random.Random(9)
    fleet = [[draw.lognormvariate(0, 0.5) for _ in range(n)] for n in (300, 80)]
    strata = []
    for name, kwh in zip("ab", fleet, strict=True):
        mean = sum(kwh) / len(kwh)
        s = sqrt(sum((x - mean) ** 2 for x in kwh) / (len(kwh) - 1))
        strata.append(Candidate(name, len(kwh), mean, s / mean))
    bought = plan(strata, 0.06, 0.90)
    truth = sum(map(sum, fleet))
    held = 0
    for _ in range(1_000):
        total = 0.0
        for name, kwh in zip("ab", fleet, strict=True):
            n = bought.agents_n[name]
            total += len(kwh) * sum(draw.sample(kwh, n)) / n
        held += abs(total / truth - 1) <= bought.half_width_ratio
    assert held / 1_000 == pytest.approx(0.90, abs=0.03)


LAPTOP = Declared("workstation.laptop", 30.0, 12.0, 400, 0.5, "makers' declarations", 2023)
DESKTOP = Declared("workstation.desktop", 100.0, 40.0, 100, 0.4, "makers' declarations", 2023)


def test_estimate_adds_what_leans_the_same_way_linearly() -> None:
    found = estimate(
        {"workstation.laptop": (6_000, 100), "workstation.desktop": (2_000, 0), "ups": (3, 0)},
        [LAPTOP, DESKTOP],
        fleet_models_n=8,
    )
    assert found.kwh == pytest.approx(6_000 * 30 + 2_000 * 100)
    leaning = (180_000 * 0.5 + 200_000 * 0.4) / sqrt(3)
    # Eight models of each: what one more of their kind declares averages out over these only.
    laptops = (6_000 * 12) ** 2 / 8 + (6_000 * 12) ** 2 / 400 + (30 * 100) ** 2
    desktops = (2_000 * 40) ** 2 / 8 + (2_000 * 40) ** 2 / 100
    assert found.u_kwh == pytest.approx(sqrt(leaning**2 + laptops + desktops))
    assert found.unknown == ("ups",)
    assert found.sources == ("makers' declarations",)
    low, high = found.interval_kwh(0.95)
    # Wide, and never below nothing.
    assert 0 < low < 0.7 * found.kwh
    assert high > 1.4 * found.kwh


@pytest.mark.parametrize("inventory", [{}, {"ups": (3.0, 0.0)}], ids=["empty", "nothing-declared"])
def test_estimate_of_nothing_known_is_refused(inventory: dict[str, tuple[float, float]]) -> None:
    with pytest.raises(ConfigError, match="no declared energy"):
        estimate(inventory, [LAPTOP])


def test_declared_energy_needs_a_source_and_a_doubt() -> None:
    with pytest.raises(ConfigError, match="source"):
        Declared("printer", 1.0, 1.0, 1, 0.5, "", 2023)
    with pytest.raises(ConfigError, match="above 0"):
        Declared("printer", 1.0, 1.0, 1, 0.0, "x", 2023)
    with pytest.raises(ConfigError, match="twice"):
        estimate({"workstation.laptop": (1, 0)}, [LAPTOP, LAPTOP])


@pytest.mark.shared
def test_declared_models_of_a_real_table() -> None:
    table = CAPTURES / "power-tables" / "boavizta_yearly_tec.csv"
    if not table.exists():
        pytest.skip("../shared/captures/power-tables is not there")
    with table.open(encoding="utf-8") as file:
        kwh = [float(r["yearly_tec"]) for r in csv.DictReader(file) if r["subcategory"] == "Laptop"]
    row = declared("workstation.laptop", kwh, use_half_width_ratio=0.5, source="makers", year=2023)
    assert (row.mean_kwh, row.sd_kwh) == pytest.approx((fmean(kwh), stdev(kwh)))
    # A laptop is declared at a few tens of kWh a year.
    assert 10 < row.mean_kwh < 60
    with pytest.raises(ConfigError, match="1 models"):
        declared("ups", kwh[:1], use_half_width_ratio=0.5, source="makers", year=2023)
