"""What of one month may be shown: decided month by month, so that no two tables give more.

Reports of different periods are sums of the same months. An organisation is shown in a period only
if it may be in each of its months; a difference of two reports is then a sum of what single months
show. The decision needs nothing but the month itself, so each later version takes the same.

What stands beside a total (plain sum, shares) weighs the same devices otherwise, and two weightings
of a few devices give each of them. So where there are a few, it is rounded to what about ten use.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, fsum, log10

from sobre_collector.indicators.moments import POOLED, StratumMonth
from sobre_collector.indicators.privacy import Cell, cells, is_personal, shown
from sobre_collector.indicators.total import StratumTotal


@dataclass(frozen=True, slots=True)
class Disclosed:
    """Whether a month's total may be shown, and which organisations within it.

    `few` says whether some workstations are too few to be shown by themselves.
    """

    whole: bool
    organisations: frozenset[str]
    few: bool


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
        if cell.personal
        and cell.devices > 0
        and (cell.organisation, cell.device_class) not in allowed.cells
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
            if people and people <= organisations:
                # Were all others shown, their difference from the whole would be this one.
                organisations.discard(min(people, key=lambda o: (_devices(table, o), o)))
        else:
            organisations.add(organisation)
    return Disclosed(whole, frozenset(organisations), bool(hidden_classes))


def _devices(table: Sequence[Cell], organisation: str) -> int:
    return sum(c.devices for c in table if c.personal and c.organisation == organisation)


def step_kwh(rows: Sequence[StratumMonth], at_least: int) -> float:
    """What `at_least` workstations use in the months of the rows: 1, 2 or 5 times a power of ten.

    0 where no workstation is monitored: then nothing needs rounding.
    """
    people = [row for row in rows if is_personal(row.stratum.device_class) and row.devices > 0]
    if not people:
        return 0.0
    months: dict[str, list[StratumMonth]] = defaultdict(list)
    for row in people:
        months[row.month].append(row)
    return nice(
        at_least
        * fsum(
            fsum(sum(row.sums[:2]) for row in members) / sum(row.devices for row in members)
            for members in months.values()
        )
    )


def nice(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below `least`; 0 for 0."""
    if least <= 0:
        return 0.0
    power = 10.0 ** floor(log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


def rounded(value: float, step: float) -> float:
    """The nearest multiple of the step; the value itself where the step is 0."""
    return round(value / step) * step if step > 0 else value


def rounded_shares(shares: Sequence[float], step: float) -> list[float]:
    """Shares as multiples of a step that divides 1, and that still add up to 1."""
    if step <= 0:
        return list(shares)
    steps = round(1 / step)
    whole = [floor(share * steps) for share in shares]
    order = sorted(range(len(shares)), key=lambda i: whole[i] - shares[i] * steps)
    for i in order[: steps - sum(whole)]:
        whole[i] += 1
    return [count / steps for count in whole]
