"""How much of each stratum is monitored over a period, and how its figure was made."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from sobre_collector.indicators.privacy import is_personal
from sobre_collector.indicators.total import StratumTotal
from sobre_collector.report.model import Coverage, Note
from sobre_collector.report.monthly import Fleet


def coverage(fleet: Fleet, months: Sequence[str]) -> tuple[Coverage, ...]:
    """One row a stratum: mean units, devices and method of its last month, mean f, all its flags.

    Workstations, and printers that may stand in an office, are not counted out where they are few.
    """
    totals, at_least = fleet.of(months), fleet.perimeter.publish_at_least
    offices = {stratum for month, stratum in fleet.private if month in months}
    by_stratum: dict[tuple[str, str, str], list[StratumTotal]] = defaultdict(list)
    for one in totals:
        stratum = one.stratum
        by_stratum[stratum.organisation, stratum.site, stratum.device_class].append(one)
    found = []
    for key, members in sorted(by_stratum.items()):
        last = max(members, key=lambda one: one.month)
        of_people = is_personal(key[2]) or last.stratum in offices
        few = of_people and min(one.devices_n for one in members) < at_least
        found.append(
            Coverage(
                *key,
                inventory=fmean(one.inventory_n for one in members),
                devices=None if few else last.devices_n,
                coverage_ratio=None if few else fmean(one.covered_ratio for one in members),
                method=last.method,
                flags=tuple(sorted({flag for one in members for flag in one.flags})),
            )
        )
    return tuple(found)


def flagged(totals: Sequence[StratumTotal]) -> list[Note]:
    """One note for each kind of flag, with the number of stratum-months that carry it."""
    counts: dict[str, int] = defaultdict(int)
    for one in totals:
        for flag in one.flags:
            counts[flag] += 1
    return [
        Note("flagged", {"flag": flag, "count": counts[flag], "total": len(totals)})
        for flag in sorted(counts)
    ]
