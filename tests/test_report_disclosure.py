"""No figure of any report, of any month or version, gives back what may not be shown.

The published figures of several reports are taken together as functions of what each organisation's
workstations used in each month. Their derivatives span all that a reader can work out by adding,
subtracting and scaling; what too few people used must not be among it.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from report_fleet import FACTS, month, perimeter, unequal_organisations
from sobre_collector.indicators.moments import POOLED, Stratum, StratumMonth
from sobre_collector.perimeter.facts import Organisation, Perimeter, months_of
from sobre_collector.report.facts import Facts
from sobre_collector.report.figures import report
from sobre_collector.report.model import Report

LAPTOP, DESKTOP = "workstation.laptop", "workstation.desktop"
MONTHS = ("2025-01", "2025-02", "2025-03")
NOBODY = Stratum(POOLED, POOLED, LAPTOP)


@dataclass(frozen=True)
class Atom:
    """What some devices used in a month: the least that a reader could want to know."""

    month: str
    stratum: Stratum
    devices: int


def figures(found: Report) -> Iterator[tuple[str, float]]:
    """All energies that a report publishes unrounded, by name."""
    energy = found.energy
    if energy.energy_kwh is not None:
        yield "energy", energy.energy_kwh
    for group in (*found.organisations, *found.classes):
        if group.energy_kwh is not None:
            yield f"group {group.name}", group.energy_kwh
    for one in found.months:
        if one.energy_kwh is not None:
            yield f"{one.month} energy", one.energy_kwh


def published(atoms: Sequence[Atom], kwh: Sequence[float], stated: Perimeter) -> dict[str, float]:
    """The figures of the reports that were made after each of the months."""
    rows: list[StratumMonth] = [
        month(atom.month, atom.stratum, atom.devices, 0.0, energy)
        for atom, energy in zip(atoms, kwh, strict=True)
    ]
    found = {}
    for this_month in (*MONTHS[1:], "2025-04"):
        facts: Facts = replace(FACTS, this_month=this_month)
        for name, value in figures(report(rows, stated, 2025, facts)):
            found[f"{this_month} {name}"] = value
    return found


def derivatives(atoms: Sequence[Atom], stated: Perimeter) -> np.ndarray:
    kwh = [50.0 * atom.devices for atom in atoms]
    base = published(atoms, kwh, stated)
    columns = []
    for index, atom in enumerate(atoms):
        # Ten per cent keeps what is shown the same: all devices of a stratum are alike.
        more = published(atoms, [k + 0.1 * k * (i == index) for i, k in enumerate(kwh)], stated)
        assert more.keys() == base.keys(), atom
        columns.append([(more[name] - base[name]) / (0.1 * kwh[index]) for name in sorted(base)])
    return np.array(columns).T


def known(space: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether a reader can work out `wanted`, a combination of atoms."""
    if space.size == 0:
        return False
    rest = wanted - space.T @ np.linalg.lstsq(space.T, wanted, rcond=1e-9)[0]
    return float(np.linalg.norm(rest)) < 1e-6


def too_few(group: Sequence[Atom], at_least: int) -> bool:
    return sum(atom.devices for atom in group) < at_least


def leaks(atoms: Sequence[Atom], stated: Perimeter) -> list[list[Atom]]:
    """Groups of too few people, within one month, whose energy can be worked out."""
    space = derivatives(atoms, stated)
    found = []
    for name in MONTHS:
        here = [index for index, atom in enumerate(atoms) if atom.month == name]
        for bits in range(1, 2 ** len(here)):
            chosen = [index for n, index in enumerate(here) if bits >> n & 1]
            group = [atoms[index] for index in chosen]
            if too_few(group, stated.publish_at_least):
                wanted = np.zeros(len(atoms))
                wanted[chosen] = 1.0
                if known(space, wanted):
                    found.append(group)
    return found


def fleet_of(seed: int, at_least: int = 10) -> tuple[list[Atom], Perimeter]:
    """Four organisations whose monitored devices change from month to month, and another."""
    draw = random.Random(seed)
    names, inventory, atoms = ("a", "b", "c", "d"), {}, []
    for name in names:
        for device_class in (LAPTOP, DESKTOP):
            if draw.random() < 0.3:
                continue
            stratum = Stratum(name, "s", device_class)
            usual = draw.choice((3, 5, 8, 12, 40))
            inventory[stratum] = (float(max(usual, 12)), 0.0)
            for each in MONTHS:
                devices = usual if draw.random() < 0.6 else draw.choice((3, 4, 11))
                atoms.append(Atom(each, stratum, devices))
    if draw.random() < 0.5:
        inventory[Stratum("unseen", "s", LAPTOP)] = (20.0, 0.0)
    if draw.random() < 0.3:
        atoms += [Atom(each, NOBODY, 4) for each in MONTHS[:2]]
    stated = replace(
        perimeter(),
        organisations=tuple(Organisation(name, name) for name in (*names, "unseen")),
        inventory={"2022-01": inventory},
        publish_at_least=at_least,
    )
    return atoms, stated


@pytest.mark.parametrize("seed", [*range(30), 62, 149])
def test_reports_of_several_months_give_no_few_people_away(seed: int) -> None:
    atoms, stated = fleet_of(seed, 10 if seed % 3 else 20)
    assert leaks(atoms, stated) == []


def test_an_organisation_that_one_month_hides_stays_hidden_in_every_sum_with_that_month() -> None:
    rows, stated = unequal_organisations()
    # "d" has thirty laptops all year but in March: four.
    rows = [
        month(row.month, row.stratum, 4, 40.0)
        if (row.month, row.stratum.organisation) == ("2025-03", "d")
        else row
        for row in rows
    ]

    def shown(this_month: str) -> set[str]:
        found = report(rows, stated, 2025, replace(FACTS, this_month=this_month))
        return {one.name for one in found.organisations if one.energy_kwh is not None}

    # Of three and twelve laptops both stay hidden: one would be the other's difference.
    assert shown("2025-03") == {"C", "D"}
    assert shown("2025-04") == {"C"}
    assert shown("2026-02") == {"C"}


def test_an_organisation_without_devices_does_not_give_back_the_mean_it_borrows() -> None:
    rows, stated = unequal_organisations()
    inventory = {**stated.inventory["2022-01"], Stratum("e", "s", LAPTOP): (70.0, 0.0)}
    stated = replace(
        stated,
        organisations=(*stated.organisations, Organisation("e", "E")),
        inventory={"2022-01": inventory},
    )
    found = {one.name: one.energy_kwh for one in report(rows, stated, 2025, FACTS).organisations}
    assert found["E"] is None


def test_joined_devices_inform_their_class_and_are_said_to() -> None:
    rows, stated = unequal_organisations()
    lone = Stratum("b", "s", "monitor")
    inventory = {**stated.inventory["2022-01"], lone: (10.0, 0.0)}
    stated = replace(stated, inventory={"2022-01": inventory})
    assert report(rows, stated, 2025, FACTS).result is None
    joined = Stratum(POOLED, POOLED, "monitor")
    rows += [month(name, joined, 4, 0.0, 8.0) for name in months_of(2025)]
    found = report(rows, stated, 2025, FACTS)
    assert found.result is not None
    assert found.energy.energy_kwh == pytest.approx(12 * (857 + 10 * 2))
    # Some of them may be outside of the perimeter: what is seen of it does not count them.
    assert found.energy.naive_kwh == pytest.approx(12 * 857, abs=1_000)
    by_class = {(one.organisation, one.device_class): one for one in found.coverage}
    assert by_class["b", "monitor"].method == "class-mean"
    assert POOLED not in {one.organisation for one in found.coverage}
    assert POOLED not in {one.name for one in found.organisations}
    assert {note.code: note.values for note in found.notes}["pooled"] == {"count": 12}


def test_a_month_in_which_only_a_few_joined_devices_report_is_not_shown() -> None:
    stated = replace(
        perimeter(), inventory={"2022-01": {Stratum("bx", "hdv", LAPTOP): (200.0, 0.0)}}
    )
    rows = [month(name, NOBODY, 4, 0.0, 100.0) for name in months_of(2025)]
    found = report(rows, stated, 2025, FACTS)
    assert [one.energy_kwh for one in found.months] == [None] * 12
    assert found.energy.energy_kwh is None


@pytest.mark.parametrize(
    ("few", "naive_kwh", "step_ratio"),
    [(3, 1_400.0, 0.1), (30, 1_420.0, None)],
    ids=["few", "none"],
)
def test_what_stands_beside_a_total_does_not_weigh_a_few_devices_anew(
    few: int, naive_kwh: float, step_ratio: float | None
) -> None:
    # All of 40 laptops (10 kWh each), half of 80 desktops (20 kWh each), and half of a few laptops.
    small, desk = Stratum("a", "s", LAPTOP), Stratum("c", "s", DESKTOP)
    inventory = {small: (2.0 * few, 0.0), Stratum("c", "s", LAPTOP): (40.0, 0.0), desk: (80.0, 0.0)}
    rows = [
        row
        for name in months_of(2025)
        for row in (
            month(name, small, few, 0.0, 220.0),
            month(name, Stratum("c", "s", LAPTOP), 40, 0.0, 400.0),
            month(name, desk, 40, 0.0, 800.0),
        )
    ]
    stated = replace(
        perimeter(),
        organisations=(Organisation("a", "A"), Organisation("c", "C")),
        inventory={"2022-01": inventory},
    )
    found = report(rows, stated, 2025, FACTS)
    # Ten of them use 10 × 1,420/83 = 171 kWh a month: to the next 200.
    assert found.months[0].energy_kwh == pytest.approx(2 * 220 + 400 + 2 * 800)
    assert found.months[0].naive_kwh == pytest.approx(naive_kwh)
    assert ("rounded" in [note.code for note in found.notes]) is (step_ratio is not None)
    share = found.energy.estimated_share_ratio
    assert share == pytest.approx(1_420 / 2_440 if step_ratio is None else 0.6)
    parts = (found.energy.measured_share_ratio, share, found.energy.extrapolated_share_ratio)
    assert sum(part or 0.0 for part in parts) == pytest.approx(1)


def test_the_perimeter_may_ask_for_larger_groups() -> None:
    rows, stated = unequal_organisations()
    found = report(rows, replace(stated, publish_at_least=35), 2025, FACTS)
    assert {o.name for o in found.organisations if o.energy_kwh is not None} == {"C"}
    assert {note.code: note.values for note in found.notes}["suppressed"]["k"] == 35
    devices = {one.organisation: one.devices for one in found.coverage}
    assert (devices["d"], devices["c"]) == (None, 40)
    hidden = report(rows, replace(stated, publish_at_least=86), 2025, FACTS)
    assert [one.energy_kwh for one in hidden.months] == [None] * 12
