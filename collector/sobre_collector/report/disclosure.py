"""What of one month may be shown: decided month by month, so that no two tables give more.

Reports of different periods are sums of the same months. An organisation is shown in a period only
if it may be in each of its months; a difference of two reports is then a sum of what single months
show. The decision needs nothing but the month itself, so each later version takes the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sobre_collector.indicators.moments import POOLED, StratumMonth
from sobre_collector.indicators.privacy import cells, is_personal, shown
from sobre_collector.indicators.total import StratumTotal


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Whether a month's total may be shown, and which organisations within it."""

    whole: bool
    organisations: frozenset[str]


def disclosed(
    rows: Sequence[StratumMonth], totals: Sequence[StratumTotal], at_least: int
) -> Disclosed:
    """What a month shows, with groups of `at_least` monitored workstations."""
    table = cells(rows)
    allowed = shown(table, at_least=at_least)
    people = {cell.organisation for cell in table if cell.personal and cell.devices > 0}
    pooled = {row.stratum.device_class for row in rows if row.stratum.organisation == POOLED}
    # With nobody else monitored, the total of a class is a multiple of the few that were joined.
    whole = allowed.whole and (bool(people) or not pooled)
    organisations = set(allowed.organisations)
    hidden_classes = pooled | {
        cell.device_class
        for cell in table
        if cell.personal and cell.devices > 0 and cell.organisation not in allowed.organisations
    }
    by_organisation: dict[str, set[str]] = defaultdict(set)
    for one in totals:
        by_organisation[one.stratum.organisation].add(one.stratum.device_class)
    for organisation, classes in by_organisation.items():
        if organisation in people:
            continue
        # Its people's devices are so many times the mean of their class: where that mean rests on
        # devices that are hidden, it would give them back.
        borrows = {name for name in classes if is_personal(name)}
        if borrows & hidden_classes:
            organisations.discard(organisation)
        else:
            organisations.add(organisation)
    return Disclosed(whole, frozenset(organisations))
