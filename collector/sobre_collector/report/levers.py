"""What runs out of hours, as levers: how many kWh, how sure, and what stays on for a reason.

Workstations only as whole organisations, and only where no single one can make a fifth of what is
shown. Servers, storage and network serve at night as well and are no lever; an idle outlet is.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, sqrt
from typing import Any

from sobre_collector.indicators.moments import PAIRS, StratumMonth
from sobre_collector.indicators.privacy import MAX_SHARE_RATIO, is_personal
from sobre_collector.indicators.quantiles import two_sided
from sobre_collector.indicators.total import StratumTotal, year_total
from sobre_collector.indicators.unit_month import UnitMonth, from_json
from sobre_collector.indicators.waste import OutOfHours, avoidable, share
from sobre_collector.months import day_types
from sobre_collector.report.drawn import Drawn

LEVEL = 0.95
# Stands for all organisations in the name of a lever.
ALL = "all"
# What is switched off still draws this much: Regulation (EU) 2023/826, off mode.
OFF_W = 0.5
# What a plug or PDU of class 1 to 2 may be wrong by, where none said.
METER_RATIO = 0.02


@dataclass(frozen=True, slots=True)
class Lever:
    """One thing to switch off sooner: kWh of the period with its 95 % interval.

    `subject` is its name, by which it can be excluded; `computed` is a code of the wording with its
    `values`. Excluded is all of it where `excluded` says why, else `excluded_units` of its units.
    """

    subject: str
    kind: str
    units: float
    kwh: float
    low_kwh: float
    high_kwh: float
    computed: str
    values: Mapping[str, str | int | float]
    excluded: str | None = None
    excluded_units: float = 0.0


@dataclass(frozen=True, slots=True)
class Excluded:
    """An exclusion that holds: what, why, by which role, until when, how many of its units."""

    subject: str
    reason: str
    by: str
    until: str | None
    units: int | None


def excluded(given: Sequence[tuple[Any, ...]], day: str) -> tuple[Excluded, ...]:
    """The exclusions that hold on an ISO day, of what the ledger has."""
    rows = [Excluded(*row) for row in given]
    return tuple(row for row in rows if row.until is None or row.until >= day)


def levers(drawn: Drawn, read: Mapping[str, Any], exclusions: Sequence[Excluded]) -> list[Lever]:
    """All levers, the largest first, those that are excluded last."""
    single = {e.subject for e in exclusions if not is_group(e.subject)}
    found = [
        *_workstations(drawn),
        *_printers(drawn, read["printers"], single),
        *_outlets(read["idle"], single),
    ]
    judged = [_judged(one, exclusions) for one in found]
    return sorted(judged, key=lambda one: (one.excluded is not None, -one.kwh, one.subject))


def is_group(subject: str) -> bool:
    """Whether an exclusion names a lever rather than a device."""
    return ":" in subject


def _judged(one: Lever, exclusions: Sequence[Excluded]) -> Lever:
    units = 0.0
    for each in exclusions:
        if each.subject == one.subject:
            if each.units is None or each.units >= one.units:
                return replace(one, excluded=each.reason)
            units += each.units
    if units >= one.units > 0:
        return replace(
            one, excluded="; ".join(e.reason for e in exclusions if e.subject == one.subject)
        )
    left = 1 - units / one.units if units else 1.0
    return replace(
        one,
        kwh=one.kwh * left,
        low_kwh=one.low_kwh * left,
        high_kwh=one.high_kwh * left,
        excluded_units=units,
    )


def _workstations(drawn: Drawn) -> Iterator[Lever]:
    """Each organisation where all may be shown, else all of them as one: nothing to subtract."""
    fleet = drawn.fleet
    open_to_all = all(
        fleet.organisations <= fleet.disclosed[month].organisations for month in drawn.months
    )
    rows = [row for row in fleet.rows_of(drawn.months) if is_personal(row.stratum.device_class)]
    totals = [o for o in fleet.absolute(drawn.months) if is_personal(o.stratum.device_class)]
    found = [_of_organisation(drawn, name, rows, totals) for name in sorted(fleet.organisations)]
    known = [one for one in found if one is not None]
    if open_to_all and len(known) == len(found):
        yield from known
    else:
        whole = _of_organisation(drawn, ALL, rows, totals)
        if whole is not None:
            yield whole


def _of_organisation(
    drawn: Drawn,
    organisation: str,
    peoples: Sequence[StratumMonth],
    of_all: Sequence[StratumTotal],
) -> Lever | None:
    at_least = drawn.fleet.perimeter.publish_at_least
    rows = [r for r in peoples if organisation in (ALL, r.stratum.organisation)]
    by_month = [[r for r in rows if r.month == month] for month in drawn.months]
    if not rows or not all(_no_one_stands_out(month, at_least) for month in by_month):
        return None
    totals = [o for o in of_all if organisation in (ALL, o.stratum.organisation)]
    whole = year_total(totals)
    seen_kwh = fsum(sum(r.sums[:2]) for r in rows)
    ratio = fsum(r.out_of_hours_kwh for r in rows) / seen_kwh
    units = fsum(one.inventory_n for one in totals) / len(drawn.months)
    off_kwh = units * _out_hours(drawn) * OFF_W / 1000
    kwh = max(0.0, ratio * whole.total_kwh - off_kwh)
    covered = min(1.0, seen_kwh / whole.total_kwh)
    se_ratio = fsum(_bound_kwh(month, ratio) for month in by_month) / seen_kwh
    se_ratio *= sqrt(1 - covered)
    half = two_sided(LEVEL, whole.df) * sqrt(
        (se_ratio * whole.total_kwh) ** 2 + (ratio * whole.se_kwh) ** 2
    )
    return Lever(
        f"workstations:{organisation}",
        "workstations",
        units,
        kwh,
        max(0.0, kwh - half),
        min(whole.total_kwh, kwh + half),
        "share",
        {"share_ratio": ratio, "of_kwh": whole.total_kwh, "off_kwh": off_kwh},
    )


def _no_one_stands_out(rows: Sequence[StratumMonth], at_least: int) -> bool:
    """Whether nobody can make a fifth of a month's out-of-hours kWh, even with all of theirs."""
    out_kwh = fsum(row.out_of_hours_kwh for row in rows)
    largest = max(
        (sum(r.sums[:2]) if r.largest_kwh is None else r.largest_kwh for r in rows), default=0
    )
    return sum(r.devices for r in rows) >= at_least and largest <= MAX_SHARE_RATIO * out_kwh


def _bound_kwh(rows: Sequence[StratumMonth], ratio: float) -> float:
    """At most the standard error of Σ(o − q·x) of a month, of which only Σo was kept.

    0 ≤ o ≤ x for each device, so that |o − q·x| ≤ max(q, 1 − q)·x; Σx² is known.
    """
    square, n = 0.0, sum(row.devices for row in rows)
    for row in rows:
        if row.squares is None:
            square += sum(row.sums[:2]) ** 2
        else:
            xx = dict(zip(PAIRS, row.squares, strict=True))
            square += xx[0, 0] + 2 * xx[0, 1] + xx[1, 1]
    return max(ratio, 1 - ratio) * sqrt(square * n / (n - 1)) if n > 1 else inf


def _out_hours(drawn: Drawn) -> float:
    hours = drawn.fleet.perimeter.working_hours
    days = [day_types(month, hours) for month in drawn.months]
    work, rest = sum(w for w, _ in days), sum(r for _, r in days)
    return work * (24 - (hours.end_h - hours.start_h)) + rest * 24


def _printers(
    drawn: Drawn, contents: Sequence[tuple[str, str]], single: set[str]
) -> Iterator[Lever]:
    wanted, hours = set(drawn.months), drawn.fleet.perimeter.working_hours
    work_h = 24.0 - (hours.end_h - hours.start_h)
    sites: dict[tuple[str, str], dict[str, list[UnitMonth]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for month, content in contents:
        if month in wanted:
            row = from_json(json.loads(content))
            if row.organisation in drawn.fleet.organisations and row.counts:
                sites[row.organisation, row.site][f"{row.node}/{row.device}"].append(row)
    totals: dict[tuple[str, str], list[StratumTotal]] = defaultdict(list)
    for one in drawn.fleet.of(drawn.months):
        if one.stratum.device_class == "printer":
            totals[one.stratum.organisation, one.stratum.site].append(one)
    for (organisation, site), units in sorted(sites.items()):
        used = {
            name: OutOfHours(
                fsum(sum(row.kwh) for row in rows),
                fsum(sum(row.out_kwh) for row in rows),
                fsum(row.valid_days[0] * work_h + row.valid_days[1] * 24 for row in rows),
            )
            for name, rows in units.items()
        }
        private = any(r.printing and r.printing.private for rows in units.values() for r in rows)
        kept = [avoidable(one, OFF_W) for name, one in used.items() if name not in single]
        few = len(kept) < drawn.fleet.perimeter.publish_at_least
        seen_kwh = fsum(one.kwh for one in used.values())
        if len(kept) < 2 or seen_kwh <= 0 or (few and private):
            continue
        of_site = totals[organisation, site]
        whole = year_total(of_site)
        n = fsum(one.inventory_n for one in of_site) / len(drawn.months)
        # What is excluded by name is taken off the whole as it is, not off the rest in proportion.
        off_kwh = fsum(one.kwh for name, one in used.items() if name in single)
        fleet_kwh = max(0.0, whole.total_kwh - off_kwh)
        found = share(kept, max(n - (len(used) - len(kept)), len(kept)))
        u_kwh = sqrt((found.se_ratio * fleet_kwh) ** 2 + (found.ratio * whole.se_kwh) ** 2)
        half = two_sided(LEVEL, found.df) * u_kwh if u_kwh else 0.0
        kwh = found.ratio * fleet_kwh
        yield Lever(
            f"printers:{organisation}/{site}",
            "printers",
            n - (len(used) - len(kept)),
            kwh,
            max(0.0, kwh - half),
            min(fleet_kwh, kwh + half),
            "printers",
            {"share_ratio": found.ratio, "of_kwh": fleet_kwh, "count": len(kept)},
        )


def _outlets(idle: str | None, single: set[str]) -> Iterator[Lever]:
    racks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for outlet in json.loads(idle)["outlets"] if idle else ():
        if outlet["drawing"] and f"{outlet['node']}/{outlet['device']}" not in single:
            rack = f"{outlet['node']}/{outlet['device'].partition('/')[0]}"
            racks[rack].append(outlet)
    for rack, outlets in sorted(racks.items()):
        kwh = fsum(outlet["kwh_per_year"] for outlet in outlets)
        half = METER_RATIO * kwh
        values = {"count": len(outlets)}
        subject = f"outlets:{rack}"
        n = float(len(outlets))
        yield Lever(subject, "outlets", n, kwh, kwh - half, kwh + half, "outlets", values)
