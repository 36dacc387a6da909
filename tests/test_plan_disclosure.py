"""Plans made from what was measured, beside all reports, give no few people away.

Their figures are added to those of test_report_disclosure: what plan-sample says a unit of a
stratum uses, times its units, is a total like any other.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from report_fleet import FACTS
from sobre_collector.indicators.moments import DeviceMonth, StratumMonth, stratum_month
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.planning.candidates import known as candidates
from sobre_collector.planning.candidates import told
from sobre_collector.planning.declared import declared, figures
from sobre_collector.report.figures import report
from test_report_disclosure import MONTHS, Atom, fleet_of, known, too_few
from test_report_disclosure import figures as energies

DECLARED = declared(figures())


def unequal(atom: Atom, kwh: float) -> StratumMonth:
    """A month whose devices differ a little, or no spread could be measured."""
    parts = [0.9, 1.1] * (atom.devices // 2) + [1.0] * (atom.devices % 2)
    each = [kwh / atom.devices * part for part in parts]
    devices = [DeviceMonth((one, 0.0), (20, 10), one, 0.0, 0.0) for one in each]
    return stratum_month(atom.month, atom.stratum, (20, 10), devices)


def published(atoms: Sequence[Atom], kwh: Sequence[float], stated: Perimeter) -> dict[str, float]:
    """What reports and plans say after each of the months."""
    rows = [unequal(atom, energy) for atom, energy in zip(atoms, kwh, strict=True)]
    inventory = next(iter(stated.inventory.values()))
    found: dict[str, float] = {}
    for this_month in (*MONTHS[1:], "2025-04"):
        made = report(rows, stated, 2025, replace(FACTS, this_month=this_month))
        found |= {f"{this_month} {name}": value for name, value in energies(made)}
        strata = candidates(inventory, DECLARED, told(rows, stated, this_month))
        for one in strata.candidates:
            if one.name in strata.measured:
                found[f"{this_month} {one.name}"] = one.unit_kwh
    return found


def leaks(atoms: Sequence[Atom], stated: Perimeter) -> list[list[Atom]]:
    """Groups of too few people, within one month, whose energy can be worked out."""
    kwh = [50.0 * atom.devices for atom in atoms]
    base = published(atoms, kwh, stated)
    columns = []
    for index, atom in enumerate(atoms):
        more = published(atoms, [k * (1 + 0.1 * (i == index)) for i, k in enumerate(kwh)], stated)
        assert more.keys() == base.keys(), atom
        columns.append([(more[name] - base[name]) / (0.1 * kwh[index]) for name in sorted(base)])
    space = np.array(columns).T
    found = []
    for name in MONTHS:
        here = [index for index, atom in enumerate(atoms) if atom.month == name]
        for bits in range(1, 2 ** len(here)):
            chosen = [index for n, index in enumerate(here) if bits >> n & 1]
            wanted = np.zeros(len(atoms))
            wanted[chosen] = 1.0
            few = too_few([atoms[index] for index in chosen], stated.publish_at_least)
            if few and known(space, wanted):
                found.append([atoms[index] for index in chosen])
    return found


@pytest.mark.parametrize("seed", range(12))
def test_plans_beside_reports_give_no_few_people_away(seed: int) -> None:
    atoms, stated = fleet_of(seed, 10 if seed % 3 else 20)
    assert leaks(atoms, stated) == []


def test_a_plan_does_tell_of_strata_that_may_be_shown() -> None:
    shown = 0
    for seed in range(12):
        atoms, stated = fleet_of(seed)
        rows = [unequal(atom, 50.0 * atom.devices) for atom in atoms]
        shown += len(told(rows, stated, "2025-04"))
    assert shown > 0
