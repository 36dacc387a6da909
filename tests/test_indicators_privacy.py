"""Nothing that is published tells about a few people, not even by subtraction."""

import itertools
import random

import numpy as np
import pytest

from sobre_collector.indicators.moments import (
    POOLED,
    DeviceMonth,
    Stratum,
    StratumMonth,
    stratum_month,
)
from sobre_collector.indicators.privacy import Cell, Shown, cells, publishable, shown


def cell(organisation: str, name: str, devices: int, largest_ratio: float = 0.05) -> Cell:
    energy_kwh = 10.0 * devices
    return Cell(
        organisation,
        name,
        devices,
        energy_kwh,
        largest_ratio * energy_kwh,
        name.startswith("workstation"),
    )


LAPTOP, DESKTOP, THIN = "workstation.laptop", "workstation.desktop", "workstation.thin"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ([cell("a", LAPTOP, 10)], True),
        ([cell("a", LAPTOP, 9)], False),
        ([cell("a", LAPTOP, 50, 0.21)], False),
        ([cell("a", LAPTOP, 50, 0.20)], True),
        ([cell("a", LAPTOP, 9), cell("a", DESKTOP, 5)], True),
        ([cell("a", LAPTOP, 9), cell("a", "server", 50)], False),
        ([cell("a", "server", 1, 1.0)], True),
        ([], True),
    ],
    ids=["ten", "nine", "dominated", "a-fifth", "joined", "servers-do-not-count", "server", "none"],
)
def test_group_needs_ten_devices_of_which_none_dominates(group: list[Cell], expected: bool) -> None:
    assert publishable(group) is expected


def test_small_cell_takes_the_next_smallest_with_it() -> None:
    table = [cell("a", LAPTOP, 50), cell("a", DESKTOP, 4), cell("a", THIN, 20)]
    found = shown(table)
    assert found.cells == {("a", LAPTOP)}
    assert found.organisations == {"a"}
    assert found.whole


def test_hidden_cells_must_together_be_enough() -> None:
    # 4 + 5 would still be nine people: a third cell goes.
    table = [
        cell("a", LAPTOP, 4),
        cell("a", DESKTOP, 5),
        cell("a", THIN, 30),
        cell("a", "server", 9),
    ]
    found = shown(table)
    assert found.cells == {("a", "server")}
    assert found.organisations == {"a"}


def test_small_organisation_takes_another_with_it() -> None:
    table = [
        cell("a", LAPTOP, 50),
        cell("b", LAPTOP, 6),
        cell("c", LAPTOP, 30),
        cell("b", "pdu", 3),
    ]
    found = shown(table)
    assert found.organisations == {"a"}
    assert found.cells == {("a", LAPTOP), ("b", "pdu")}
    assert found.whole


def test_whole_is_hidden_when_nothing_else_can_cover() -> None:
    assert shown([cell("a", LAPTOP, 6), cell("b", "server", 3)]) == Shown(
        False, frozenset({"b"}), frozenset({("b", "server")})
    )


def test_what_was_hidden_before_stays_hidden_and_covered() -> None:
    table = [cell("a", LAPTOP, 50), cell("a", DESKTOP, 40), cell("a", THIN, 30)]
    assert len(shown(table).cells) == 3
    found = shown(table, frozenset({("a", DESKTOP)}))
    assert found.cells == {("a", LAPTOP)}
    alone = [cell("a", LAPTOP, 50), cell("b", LAPTOP, 40), cell("c", LAPTOP, 30)]
    found = shown(alone, organisations_hidden_before=frozenset({"b"}))
    assert "b" not in found.organisations


def derivable_groups(table: list[Cell], found: Shown) -> list[list[Cell]]:
    """Every set of cells whose sum is a sum or difference of published figures."""
    figures = [
        np.array([(c.organisation, c.device_class) in found.cells and c is d for d in table], int)
        for c in table
    ]
    for organisation in found.organisations:
        figures.append(np.array([c.organisation == organisation for c in table], int))
    if found.whole:
        figures.append(np.ones(len(table), int))
    known = np.array([figure for figure in figures if figure.any()]).reshape(-1, len(table))
    signs = np.array(list(itertools.product((-1, 0, 1), repeat=len(known))), int)
    sums = np.unique(signs.reshape(-1, len(known)) @ known, axis=0)
    sets = sums[((sums == 0) | (sums == 1)).all(axis=1)]
    return [[c for c, taken in zip(table, row, strict=True) if taken] for row in sets]


@pytest.mark.parametrize("seed", range(40))
def test_no_sum_or_difference_of_what_is_shown_is_about_too_few(seed: int) -> None:
    draw = random.Random(seed)
    table = [
        cell(
            organisation, name, draw.choice((1, 2, 4, 6, 9, 12, 40)), draw.choice((0.05, 0.15, 0.3))
        )
        for organisation in ("a", "b", "c")
        for name in (LAPTOP, DESKTOP, "server")
        if draw.random() < 0.85
    ]
    found = shown(table)
    for group in derivable_groups(table, found):
        assert publishable(group), (table, found, group)


def test_cells_join_the_sites_of_an_organisation() -> None:
    def month(site: str, kwh: list[float]) -> StratumMonth:
        rows = [DeviceMonth((x, 0.0), (20, 10), x, 0.0, 0.0) for x in kwh]
        return stratum_month("2026-11", Stratum("a", site, LAPTOP), (20, 10), rows)

    found = cells([month("nord", [1.0] * 8), month("sud", [3.0, 4.0])])
    # Two devices do not say which is the largest: their sum stands for it.
    assert found == [Cell("a", LAPTOP, 10, 15.0, 7.0, True)]


def test_what_belongs_to_several_organisations_is_no_cell() -> None:
    rows = [DeviceMonth((1.0, 0.0), (20, 10), 1.0, 0.0, 0.0)] * 12
    several = stratum_month("2026-11", Stratum(POOLED, POOLED, LAPTOP), (20, 10), rows)
    assert cells([several]) == []
