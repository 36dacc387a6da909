"""Which strata may be explained one by one, beside all that the report shows already.

The report shows organisations and classes. A stratum is a part of its organisation, so whatever of
the organisation is not explained is given back by subtraction: it must be fit to be shown itself.
"""

import json
from collections.abc import Iterable, Sequence, Set

from sobre_collector.indicators.moments import POOLED, Stratum, StratumMonth
from sobre_collector.indicators.privacy import Cell, is_personal, shown
from sobre_collector.indicators.unit_month import from_json
from sobre_collector.report.monthly import Fleet


def private_strata(contents: Iterable[tuple[str, str]]) -> frozenset[tuple[str, Stratum]]:
    """Months and strata of printers in one person's office, or in no register, as kept as JSON."""
    # Most printers are nobody's own: the text says so faster than its parts.
    rows = [from_json(json.loads(text)) for _, text in contents if '"private": true' in text]
    return frozenset((r.month, Stratum(r.organisation, r.site, r.device_class)) for r in rows)


def open_strata(fleet: Fleet, months: Sequence[str]) -> frozenset[Stratum]:
    """Strata that may be explained in each of the months; those about nobody always may."""
    strata = {one.stratum for one in fleet.of(months)}
    at_least = fleet.perimeter.publish_at_least
    closed: set[Stratum] = set()
    for month in months:
        rows = fleet.rows.get(month, ())
        offices = {
            row.stratum
            for row in rows
            if (month, row.stratum) in fleet.private and row.devices < at_least
        }
        open_now = _open(rows, at_least, offices)
        closed |= offices
        organisations = fleet.disclosed[month].organisations
        closed |= {
            stratum
            for stratum in strata
            if is_personal(stratum.device_class)
            and (stratum.organisation not in organisations or stratum not in open_now)
        }
    return frozenset(strata - closed - _beside(strata, closed))


def _beside(strata: Set[Stratum], closed: Set[Stratum]) -> set[Stratum]:
    """One open stratum of each organisation of which a single one is closed: no rest is alone."""
    found = set()
    for organisation in {s.organisation for s in closed}:
        others = sorted(s for s in strata - closed if s.organisation == organisation)
        if others and sum(s.organisation == organisation for s in closed) == 1:
            found.add(others[0])
    return found


def _open(rows: Sequence[StratumMonth], at_least: int, offices: Set[Stratum]) -> frozenset[Stratum]:
    """Personal strata that the tree whole, organisations, strata may show in one month."""
    names, table = {}, []
    for row in rows:
        s, kwh = row.stratum, row.sums[0] + row.sums[1]
        if s.organisation == POOLED:
            continue
        # As a class of its own, so that the tree's last step is the stratum.
        label = f"{s.device_class} {s.site}"
        names[s.organisation, label] = s
        largest = kwh if row.largest_kwh is None else row.largest_kwh
        personal = is_personal(s.device_class) or s in offices
        table.append(Cell(s.organisation, label, row.devices, kwh, largest, personal))
    allowed = shown(table, at_least=at_least)
    return frozenset(
        stratum
        for key, stratum in names.items()
        if key in allowed.cells and key[0] in allowed.organisations
    )
