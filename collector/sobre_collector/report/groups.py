"""Which groups a report may name, and their energy.

Published are the whole, its organisations and, across organisations, the classes. Laptops, desktops
and screens are one group there: classes and organisations cut the same people's devices twice, and
a class minus some organisations could leave a few of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sobre_collector.indicators.privacy import is_personal
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
    """Groups of a period, each with its energy or, where that would tell of too few, without.

    An organisation that one month hides is hidden in every period that holds the month.
    """
    names = {o.id: o.name for o in fleet.perimeter.organisations}
    by_organisation: dict[str, list[StratumTotal]] = defaultdict(list)
    by_class: dict[str, list[StratumTotal]] = defaultdict(list)
    hidden = set()
    for one in fleet.absolute(months):
        organisation = one.stratum.organisation
        by_organisation[organisation].append(one)
        by_class[group_of(one.stratum.device_class)].append(one)
        if organisation not in fleet.disclosed[one.month].organisations:
            hidden.add(organisation)
    return Groups(
        tuple(
            _group(names.get(key, key), by_organisation[key], key not in hidden)
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


def _group(name: str, totals: Sequence[StratumTotal], open_to_all: bool) -> Group:
    if not open_to_all:
        return Group(name, None, None, None)
    whole = year_total(totals)
    low, high = whole.interval(LEVEL)
    return Group(name, whole.total_kwh, max(0.0, low), high)
