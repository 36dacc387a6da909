"""Plans and levers, beside all reports, give no few people away.

Their figures are added to those of test_report_disclosure: what plan-sample says a unit of a
stratum uses, times its units, is a total like any other; so is what runs out of hours.
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
from sobre_collector.report.drawn import drawn_from
from sobre_collector.report.figures import report
from sobre_collector.report.levers import levers
from test_report_disclosure import MONTHS, Atom, fleet_of, known, too_few
from test_report_disclosure import figures as energies

DECLARED = declared(figures())


def unequal(atom: Atom, kwh: float, out_kwh: float) -> StratumMonth:
    """A month whose devices differ a little, or no spread could be measured."""
    parts = [0.9, 1.1] * (atom.devices // 2) + [1.0] * (atom.devices % 2)
    each = [(kwh / atom.devices * part, out_kwh / atom.devices * part) for part in parts]
    devices = [DeviceMonth((one, 0.0), (20, 10), one, 0.0, out) for one, out in each]
    return stratum_month(atom.month, atom.stratum, (20, 10), devices)


def published(
    atoms: Sequence[Atom], kwh: Sequence[float], out_kwh: Sequence[float], stated: Perimeter
) -> dict[str, float]:
    """What reports, plans and levers say after each of the months."""
    rows = [unequal(*each) for each in zip(atoms, kwh, out_kwh, strict=True)]
    inventory = next(iter(stated.inventory.values()))
    found: dict[str, float] = {}
    for this_month in (*MONTHS[1:], "2025-04"):
        facts = replace(FACTS, this_month=this_month)
        made = report(rows, stated, 2025, facts)
        found |= {f"{this_month} {name}": value for name, value in energies(made)}
        strata = candidates(inventory, DECLARED, told(rows, stated, this_month))
        for one in strata.candidates:
            if one.name in strata.measured:
                found[f"{this_month} {one.name}"] = one.unit_kwh
        drawn = drawn_from(rows, stated, 2025, facts)
        for lever in levers(drawn, {"printers": (), "idle": None}, ()):
            # Its kWh, euros and kgCO₂e follow from these two.
            for name in ("share_ratio", "of_kwh"):
                found[f"{this_month} {lever.subject} {name}"] = float(lever.values[name])
    return found


def leaks(atoms: Sequence[Atom], stated: Perimeter) -> list[tuple[str, list[Atom]]]:
    """Groups of too few people whose energy of a month, in all or out of hours, can be had."""
    n = len(atoms)
    usual = [share * atom.devices for share in (50.0, 20.0) for atom in atoms]
    base = published(atoms, usual[:n], usual[n:], stated)
    columns = []
    for index in range(2 * n):
        given = [k * (1 + 0.1 * (i == index)) for i, k in enumerate(usual)]
        more = published(atoms, given[:n], given[n:], stated)
        assert more.keys() == base.keys(), atoms[index % n]
        columns.append([(more[name] - base[name]) / (0.1 * usual[index]) for name in sorted(base)])
    space = np.array(columns).T
    found = []
    for name in MONTHS:
        here = [index for index, atom in enumerate(atoms) if atom.month == name]
        for bits in range(1, 2 ** len(here)):
            chosen = [index for k, index in enumerate(here) if bits >> k & 1]
            group = [atoms[index] for index in chosen]
            if not too_few(group, stated.publish_at_least):
                continue
            for what, first in (("all", 0), ("out of hours", n)):
                wanted = np.zeros(2 * n)
                wanted[[first + index for index in chosen]] = 1.0
                if known(space, wanted):
                    found.append((what, group))
    return found


@pytest.mark.parametrize("seed", [*range(12), 62, 149])
def test_plans_and_levers_beside_reports_give_no_few_people_away(seed: int) -> None:
    atoms, stated = fleet_of(seed, 10 if seed % 3 else 20)
    assert leaks(atoms, stated) == []


def test_plans_and_levers_do_tell_of_what_may_be_shown() -> None:
    shown, ranked = 0, 0
    for seed in range(12):
        atoms, stated = fleet_of(seed)
        rows = [unequal(atom, 50.0 * atom.devices, 20.0 * atom.devices) for atom in atoms]
        shown += len(told(rows, stated, "2025-04"))
        drawn = drawn_from(rows, stated, 2025, replace(FACTS, this_month="2025-04"))
        ranked += len(levers(drawn, {"printers": (), "idle": None}, ()))
    assert shown > 0
    assert ranked > 0
