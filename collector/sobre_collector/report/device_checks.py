"""Checks that need single devices, hence only of classes that tell about nobody.

Printers, servers and meters have their months kept one by one (`store.units`). From these follow
the chain-linked index (method 2.2.6) and the exact variance of a year (method 2.2.4 A).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, hypot, inf, sqrt

from sobre_collector.indicators import device_year as years
from sobre_collector.indicators import linked as links
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth
from sobre_collector.indicators.privacy import is_personal
from sobre_collector.indicators.quantiles import satterthwaite
from sobre_collector.indicators.reduction import (
    AdjustedBaseline,
    Energy,
    Reduction,
    log_interval,
    reported,
)
from sobre_collector.indicators.total import StratumTotal, Total, year_total
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.class_factors import factors
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note
from sobre_collector.report.monthly import RECTANGULAR

INPUT = "checks"
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Link:
    """R of what is nobody's, and the same by matched devices; `alarm` if they are 2 SE apart.

    `devices` is the most that were matched in a month; `borrowed` strata had none of their own.
    """

    reduction_ratio: float
    se_ratio: float
    linked_ratio: float
    devices: int
    borrowed: int
    alarm: bool


@dataclass(frozen=True, slots=True)
class DeviceYears:
    """The interval of R at 95 % with the exact variance of `strata` strata that are nobody's."""

    low_ratio: float
    high_ratio: float
    strata: int


@dataclass(frozen=True, slots=True)
class Matched:
    """The interval of R at 95 % if both years' errors go together (method 2.2.5), ρ > 0.

    ρ is what devices seen in both years tell of `strata` strata, all others taken as independent;
    or it is `stated` by people.
    """

    low_ratio: float
    high_ratio: float
    correlation_ratio: float
    strata: int
    stated: bool


Months = Mapping[tuple[str, Stratum], Mapping[str, DeviceMonth]]


def seen_devices(facts: Facts, months: Collection[str]) -> Months:
    """Devices that count, by month and stratum; only these months are read."""
    found: dict[tuple[str, Stratum], dict[str, DeviceMonth]] = defaultdict(dict)
    wanted = set(months)
    printers = facts.inputs.get("printers", {}).get("months", ())
    for month, content in (*printers, *facts.inputs.get(INPUT, ())):
        if month not in wanted:
            continue
        one = json.loads(content)
        if one["counts"]:
            stratum = Stratum(one["organisation"], one["site"], one["device_class"])
            (work, rest), days = one["kwh"], one["valid_days"]
            found[month, stratum][f"{one['node']} {one['device']}"] = DeviceMonth(
                (work, rest), (days[0], days[1]), work + rest, 0.0, 0.0
            )
    return found


def compared(drawn: Drawn) -> list[str]:
    """The months that the result rests on: the period's, and a measured baseline's."""
    stated = drawn.fleet.perimeter.baseline
    return [*(months_of(stated.year) if stated.kind == "measured" else []), *drawn.months]


def link(drawn: Drawn, seen: Months) -> tuple[Link | None, list[Note]]:
    """R and R_link of the classes that are nobody's, and why there is none."""
    fleet = drawn.fleet
    if fleet.perimeter.baseline.kind != "measured":
        return None, [Note("link-not-measured")]
    before = _nobodys(fleet.of(months_of(fleet.perimeter.baseline.year)))
    after = _nobodys(fleet.of(drawn.months))
    was, now_of = _by_stratum(before), _by_stratum(after)
    sampled = sorted({one.stratum for one in (*before, *after) if one.method != "census"})
    strata = [
        _linked(stratum, was.get(stratum, []), now_of.get(stratum, []), seen, drawn)
        for stratum in sampled
    ]
    strata = [one for one in strata if one.before_n > 0]
    census = (was.keys() | now_of.keys()) - set(sampled)
    whole, now = year_total(before), year_total(after)
    factor = factors(drawn)
    reference_kwh = fsum(
        factor.get(one.stratum.device_class, 1.0) * one.total_kwh for one in before
    )
    if whole.total_kwh <= 0 or now.total_kwh <= 0:
        return None, [Note("link-none")]
    linked = links.linked_reduction(
        strata,
        census_before_kwh=fsum(o.total_kwh for o in before if o.stratum in census),
        census_after_kwh=fsum(o.total_kwh for o in after if o.stratum in census),
        users_before=1.0,
        users_after=reference_kwh / whole.total_kwh,
    )
    if linked is None:
        return None, [Note("link-none")]
    ratio = 1 - now.total_kwh / reference_kwh
    se_ratio = (1 - ratio) * hypot(whole.se_kwh / whole.total_kwh, now.se_kwh / now.total_kwh)
    alarm = links.disagrees(ratio, se_ratio, linked)
    borrowed = len(linked.borrowed)
    return Link(ratio, se_ratio, linked.reduction_ratio, linked.devices, borrowed, alarm), []


def _nobodys(totals: Sequence[StratumTotal]) -> list[StratumTotal]:
    return [one for one in totals if not is_personal(one.stratum.device_class)]


def _by_stratum(totals: Sequence[StratumTotal]) -> dict[Stratum, list[StratumTotal]]:
    found: dict[Stratum, list[StratumTotal]] = defaultdict(list)
    for one in totals:
        found[one.stratum].append(one)
    return found


def _linked(
    stratum: Stratum,
    before: Sequence[StratumTotal],
    after: Sequence[StratumTotal],
    seen: Months,
    drawn: Drawn,
) -> links.LinkedStratum:
    year = drawn.fleet.perimeter.baseline.year
    days = {month: drawn.fleet.rows[month][0].calendar_days for month in drawn.months}
    matched = [
        links.matched(
            seen.get((f"{year:04}-{month[5:7]}", stratum), {}),
            seen.get((month, stratum), {}),
            days[month],
        )
        for month in drawn.months
    ]
    return links.LinkedStratum(
        stratum,
        fsum(one.total_kwh for one in before),
        fsum(one.inventory_n for one in before) / max(1, len(before)),
        fsum(one.inventory_n for one in after) / max(1, len(after)),
        tuple(matched),
    )


def device_years(
    drawn: Drawn, found: Reduction, seen: Months
) -> tuple[DeviceYears | None, Matched | None]:
    """R's interval where the years of single devices replace the bound, and the matched one.

    Each is None where no device tells it.
    """
    baseline, stated_ratio = drawn.reference.found, drawn.fleet.perimeter.correlation.years_ratio
    matched = None
    if stated_ratio is not None:
        low, high, _, _ = log_interval(found.adjusted, found.reporting, LEVEL, stated_ratio)
        matched = Matched(low, high, stated_ratio, 0, stated=True)
    if not seen or baseline is None:
        return None, matched
    now, after = _exact(drawn, drawn.months, seen)
    strata, before_of = len(after), dict[Stratum, years.DeviceYear]()
    # What the result adds to the total's own error, of models common to both years, stays.
    common = max(0.0, found.reporting.u_kwh**2 - drawn.total.se_kwh**2)
    reporting = reported(now, sqrt(common) / drawn.total.total_kwh)
    adjusted = found.adjusted
    stated = drawn.fleet.perimeter.baseline
    if stated.kind == "measured":
        before, before_of = _exact(drawn, months_of(stated.year), seen)
        strata += len(before_of)
        own = adjusted.user_factor_ratio * before.se_kwh
        rest = max(0.0, adjusted.u_kwh**2 - (adjusted.user_factor_ratio * baseline.u_kwh) ** 2)
        adjusted = replace(
            adjusted,
            u_kwh=hypot(own, sqrt(rest)),
            df=satterthwaite([(own**2, before.df), (rest, inf)]),
        )
    if not strata:
        return None, matched
    if matched is None:
        matched = _matched(adjusted, reporting, before_of, after)
    low, high, _, _ = log_interval(adjusted, reporting, LEVEL)
    return DeviceYears(low, high, strata), matched


def _matched(
    adjusted: AdjustedBaseline,
    reporting: Energy,
    before: Mapping[Stratum, years.DeviceYear],
    after: Mapping[Stratum, years.DeviceYear],
) -> Matched | None:
    """None unless a device was seen in both years and the covariance is positive."""
    both = sorted(before.keys() & after.keys())
    covariances = [years.covariance_kwh2(before[s], after[s]) for s in both]
    covariance = adjusted.user_factor_ratio * fsum(covariances)
    if covariance <= 0:
        return None
    ratio = covariance / (adjusted.u_kwh * reporting.u_kwh)
    low, high, _, _ = log_interval(adjusted, reporting, LEVEL, ratio)
    return Matched(low, high, ratio, sum(c != 0 for c in covariances), stated=False)


def _exact(
    drawn: Drawn, months: Sequence[str], seen: Months
) -> tuple[Total, dict[Stratum, years.DeviceYear]]:
    """The total of the months, sampled strata that are nobody's with their exact variance."""
    totals = drawn.fleet.of(months)
    rows = {(row.month, row.stratum): row for row in drawn.fleet.rows_of(months)}
    exact = {}
    for stratum, members in _by_stratum(_nobodys(totals)).items():
        year = _year(stratum, members, rows, seen)
        if year is not None:
            exact[stratum] = year
    kept = [
        replace(one, variance=_of_inventory(one, drawn))
        if one.stratum in exact and one.method == "ratio"
        else one
        for one in totals
    ]
    whole = year_total(kept)
    variances = [(whole.se_kwh**2, whole.df)]
    variances += [
        (years.variance_kwh2(one), years.degrees_of_freedom(one)) for one in exact.values()
    ]
    se_kwh = sqrt(fsum(variance for variance, _ in variances))
    return replace(whole, se_kwh=se_kwh, df=satterthwaite(variances)), exact


def _year(
    stratum: Stratum,
    members: Sequence[StratumTotal],
    rows: Mapping[tuple[str, Stratum], StratumMonth],
    seen: Months,
) -> years.DeviceYear | None:
    """A stratum's year of devices; None unless each month is a sample whose devices are known."""
    if any(one.method not in ("ratio", "census") for one in members):
        return None
    if all(one.method == "census" for one in members):
        return None
    year = years.DeviceYear(stratum)
    for one in members:
        row, devices = rows[one.month, stratum], seen.get((one.month, stratum), {})
        # A device that counted for part of the month is not what its stratum's sums are made of.
        days = fsum(sum(device.valid_days) for device in devices.values())
        told = sum(sum(device.valid_days) > 0 for device in devices.values())
        if (told, days) != (row.devices, row.sums[2] + row.sums[3]):
            return None
        year = years.month_closed(year, row, devices, one.inventory_n)
    return year


def _of_inventory(one: StratumTotal, drawn: Drawn) -> float:
    """What the inventory's own uncertainty adds to a month's variance."""
    stated = drawn.fleet.perimeter.inventory_of(one.month).values.get(one.stratum)
    half_width = stated[1] if stated else 0.0
    return (one.total_kwh / one.inventory_n * half_width / RECTANGULAR) ** 2
