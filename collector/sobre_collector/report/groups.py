"""Which groups a report may name, and their energy.

Published are the whole, its organisations and, across organisations, the classes. Laptops, desktops
and screens are one group there: classes and organisations cut the same people's devices twice, and
a class minus some organisations could leave a few of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.indicators.privacy import Cell, cells, is_personal, shown
from sobre_collector.indicators.total import StratumTotal, year_total
from sobre_collector.report.model import Group
from sobre_collector.report.monthly import Fleet

WORKSTATIONS = "workstations"
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Groups:
    """Organisations and classes of a period."""

    organisations: tuple[Group, ...]
    classes: tuple[Group, ...]


def groups(fleet: Fleet, months: Sequence[str]) -> Groups:
    """Groups of a period, each with its energy or, where that would tell of too few, without."""
    rows, totals = fleet.rows_of(months), fleet.of(months)
    allowed = shown(_cells(rows))
    names = {o.id: o.name for o in fleet.perimeter.organisations}
    by_organisation: dict[str, list[StratumTotal]] = defaultdict(list)
    by_class: dict[str, list[StratumTotal]] = defaultdict(list)
    for one in totals:
        by_organisation[one.stratum.organisation].append(one)
        by_class[group_of(one.stratum.device_class)].append(one)
    # An organisation that nobody reports from has no row, and nothing of its own to tell.
    reporting = {row.stratum.organisation for row in rows if row.devices > 0}
    open_organisations = allowed.organisations | (by_organisation.keys() - reporting)
    return Groups(
        tuple(
            _group(
                names.get(key, key),
                by_organisation[key],
                key in open_organisations,
            )
            for key in sorted(by_organisation)
        ),
        tuple(
            # The months reported may each be published as a whole, and so may their sum.
            _group(key, by_class[key], True)
            for key in sorted(by_class)
        ),
    )


def group_of(device_class: str) -> str:
    """The group in which a class is published."""
    return WORKSTATIONS if is_personal(device_class) else device_class


def _cells(rows: Iterable[StratumMonth]) -> list[Cell]:
    """A period's cells: at least as many devices as in its best month, the largest as if one."""
    by_month: dict[str, list[StratumMonth]] = defaultdict(list)
    for row in rows:
        by_month[row.month].append(row)
    found: dict[tuple[str, str], Cell] = {}
    for members in by_month.values():
        for cell in cells(members):
            key = (cell.organisation, cell.device_class)
            before = found.get(key)
            if before is None:
                found[key] = cell
            else:
                found[key] = Cell(
                    *key,
                    max(before.devices, cell.devices),
                    before.energy_kwh + cell.energy_kwh,
                    before.largest_kwh + cell.largest_kwh,
                    cell.personal,
                )
    return list(found.values())


def _group(name: str, totals: Sequence[StratumTotal], open_to_all: bool) -> Group:
    if not open_to_all:
        return Group(name, None, None, None)
    whole = year_total(totals)
    low, high = whole.interval(LEVEL)
    return Group(name, whole.total_kwh, max(0.0, low), high)
