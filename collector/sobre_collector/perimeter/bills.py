"""Bills become stratum-months beside those that were measured: never sampled, never borrowed from.

They are joined to the ledger's months when these are read, and not kept in it: a bill comes months
after the month that it is about has been closed.
"""

from collections.abc import Iterator, Sequence
from math import sqrt

from sobre_collector.indicators.moments import (
    Stratum,
    StratumMonth,
    billed_month,
    unbilled_month,
)
from sobre_collector.months import day_types, month_after
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_drivers.errors import ConfigError


def with_bills(
    rows: Sequence[StratumMonth], perimeter: Perimeter, first: str, last: str
) -> list[StratumMonth]:
    """The months from `first` to `last` that were measured, and those that bills tell, in order.

    Only months in which something was measured, or any bill tells something, are looked at: a month
    that is not over has no bill yet. Doing it twice changes nothing. ConfigError where devices and
    a bill would tell the same stratum.
    """
    there = {(r.month, r.stratum) for r in rows if r.devices > 0 and r.billed_u_kwh is None}
    known = {row.month for row in rows} | {m for m in perimeter.billed if first <= m <= last}
    bills = [row for row in bill_months(perimeter, first, last) if row.month in known]
    twice = [row for row in bills if (row.month, row.stratum) in there]
    if twice:
        raise ConfigError(*(_twice(row) for row in twice))
    taken = {(row.month, row.stratum) for row in bills}
    kept = [row for row in rows if (row.month, row.stratum) not in taken]
    return sorted([*kept, *bills], key=lambda row: (row.month, row.stratum))


def bill_months(perimeter: Perimeter, first: str, last: str) -> Iterator[StratumMonth]:
    """Each billed stratum's months; a month without a bill is there, and empty."""
    for stratum in sorted({s for bills in perimeter.billed.values() for s in bills}):
        for month in _due(perimeter, stratum, first, last):
            days = day_types(month, perimeter.working_hours)
            bill = perimeter.billed.get(month, {}).get(stratum)
            if bill is None:
                yield unbilled_month(month, stratum, days)
            else:
                yield billed_month(month, stratum, days, bill.kwh, bill.half_width_kwh / sqrt(3))


def missing_bills(perimeter: Perimeter, first: str, last: str) -> list[tuple[str, Stratum]]:
    """(month, stratum) of which a bill is due and not there."""
    rows = bill_months(perimeter, first, last)
    return [(row.month, row.stratum) for row in rows if row.devices == 0]


def _due(perimeter: Perimeter, stratum: Stratum, first: str, last: str) -> Iterator[str]:
    """From the first bill on, and the baseline year wherever its months are what it rests on.

    What did not exist then, or is gone, is stated as 0 kWh: nobody can tell it from a hole.
    """
    begun = min(month for month, bills in perimeter.billed.items() if stratum in bills)
    baseline = perimeter.baseline
    own = set(months_of(baseline.year)) if baseline.kind == "measured" else set()
    month = first
    while month <= last:
        # What is measured by devices from some month on is in the inventory from there.
        metered = perimeter.inventory_of(month).values.get(stratum, (0.0, 0.0))[0] > 0
        if (month >= begun or month in own) and not metered:
            yield month
        month = month_after(month)


def _twice(row: StratumMonth) -> str:
    s = row.stratum
    return (
        f"bills: {s.organisation} / {s.site} / {s.device_class} of {row.month} is billed, and "
        "devices report it too; give what is billed a site of its own, or take its bills out"
    )
