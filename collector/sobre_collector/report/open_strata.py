"""Which strata may be explained one by one, beside all that the report shows already.

The report shows organisations and classes. A stratum is a part of its organisation, so whatever of
the organisation is not explained is given back by subtraction: it must be fit to be shown itself.
"""

from collections.abc import Sequence

from sobre_collector.indicators.moments import POOLED, Stratum, StratumMonth
from sobre_collector.indicators.privacy import Cell, is_personal, shown
from sobre_collector.report.monthly import Fleet


def open_strata(fleet: Fleet, months: Sequence[str]) -> frozenset[Stratum]:
    """Strata that may be explained in each of the months; those about nobody always may."""
    strata = {one.stratum for one in fleet.of(months)}
    closed: set[Stratum] = set()
    for month in months:
        open_now = _open(fleet.rows.get(month, ()), fleet.perimeter.publish_at_least)
        organisations = fleet.disclosed[month].organisations
        closed |= {
            stratum
            for stratum in strata
            if is_personal(stratum.device_class)
            and (stratum.organisation not in organisations or stratum not in open_now)
        }
    return frozenset(strata - closed)


def _open(rows: Sequence[StratumMonth], at_least: int) -> frozenset[Stratum]:
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
        personal = is_personal(s.device_class)
        table.append(Cell(s.organisation, label, row.devices, kwh, largest, personal))
    allowed = shown(table, at_least=at_least)
    return frozenset(
        stratum
        for key, stratum in names.items()
        if key in allowed.cells and key[0] in allowed.organisations
    )
