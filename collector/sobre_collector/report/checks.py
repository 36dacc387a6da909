"""What an auditor sets beside the result: other ways to the figure, tests of what it rests on.

None of these is the result. Where one is far from it, something that the result assumes is broken.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators import exchangeability
from sobre_collector.indicators.exchangeability import Comparison
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.indicators.privacy import is_personal
from sobre_collector.indicators.ratio import DAY_TYPES, rate_kwh
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.indicators.total import StratumTotal
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.class_factors import by_class, factors
from sobre_collector.report.device_checks import (
    DeviceYears,
    Link,
    Matched,
    compared,
    device_years,
    link,
    seen_devices,
)
from sobre_collector.report.disclosure import rounded, step_kwh
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.groups import group_of
from sobre_collector.report.model import Note
from sobre_collector.report.open_strata import open_strata

# A PC that is off still draws something (method.md 2.1: 0.3 to 1 W).
OFF_W = 0.5
OFF_KWH_PER_DAY = OFF_W * 24 / 1000
# A class of which more than this was not on a meter does not count as measured.
ESTIMATED_AT_MOST_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Devices that joined against those present: −0.1 if they use 10 % less (method 2.2.3).

    `compared` stratum-months could be compared; `doubtful` names strata, `alarm` is at 99 %.
    """

    joined: int
    compared: int
    difference_ratio: float
    p_value: float
    alarm: bool
    doubtful: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Off:
    """The figure had each PC of which nothing came by the close of its month been off.

    `silent_kwh` is what they count for in the period, `device_days` how many days that are.
    """

    reduction_ratio: float
    silent_kwh: float
    device_days: float


@dataclass(frozen=True, slots=True)
class OnMeters:
    """The figure of the classes that meters measure, without what is estimated or modelled."""

    reduction_ratio: float
    classes: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checks:
    """Each None where it cannot be told; then `missing` says why."""

    newcomers: Newcomers | None
    link: Link | None
    off: Off | None
    on_meters: OnMeters | None
    device_years: DeviceYears | None
    matched: Matched | None
    missing: tuple[Note, ...]
    notes: tuple[Note, ...]


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Checks | None:
    """The checks of a result; without one there is nothing to check."""
    if not found:
        return None
    missing, notes = [], []
    rows = drawn.fleet.rows_of(compared(drawn))
    kept = [row for row in rows if row.checks is not None]
    newcomers = _newcomers(kept, drawn.fleet.perimeter.publish_at_least)
    if newcomers is None:
        missing.append(Note("newcomers-none" if kept else "checks-not-kept"))
    elif newcomers.alarm:
        notes.append(Note("newcomers-differ", {"u_ratio": newcomers.difference_ratio}))
    off = _off(drawn, found[0]) if kept else None
    seen = seen_devices(facts, compared(drawn))
    linked, why = link(drawn, seen)
    missing += why
    if linked is not None and linked.alarm:
        values = {"r_ratio": -linked.reduction_ratio, "link_ratio": -linked.linked_ratio}
        notes.append(Note("link-differs", values))
    exact, matched = device_years(drawn, found[0], seen)
    if matched is None:
        missing.append(Note("matched-unknown"))
    return Checks(
        newcomers,
        linked,
        off,
        _on_meters(drawn),
        exact,
        matched,
        tuple(missing),
        tuple(notes),
    )


def _newcomers(rows: Sequence[StratumMonth], at_least: int) -> Newcomers | None:
    comparisons = [
        Comparison(
            row.month,
            row.stratum,
            one.joined,
            one.present,
            one.difference_ratio,
            one.variance,
            one.df,
        )
        for row in rows
        if row.checks is not None and (one := row.checks.joined) is not None
    ]
    people = [one for one in comparisons if one.stratum and is_personal(one.stratum.device_class)]
    # A difference that a few people's PCs make is theirs.
    few = sum(one.joined for one in people) < at_least
    listed = [one for one in comparisons if not (few and one in people)]
    verdict = exchangeability.verdict(listed)
    if verdict.whole is None:
        return None
    return Newcomers(
        verdict.whole.joined,
        len(listed),
        verdict.whole.difference_ratio,
        verdict.whole.p_value,
        verdict.alarm,
        tuple(f"{s.organisation} / {s.site} / {s.device_class}" for s in verdict.doubtful),
    )


def _off(drawn: Drawn, found: Reduction) -> Off:
    stated = drawn.fleet.perimeter.baseline
    after, days = _silent(drawn, drawn.months)
    before: Mapping[str, float] = {}
    if stated.kind == "measured":
        # The same rule on both sides: PCs of the baseline year were silent too.
        months = months_of(stated.year)
        told, _ = _silent(drawn, months)
        step = _step_kwh(drawn, months)
        before = {name: rounded(kwh, step) for name, kwh in told.items()}
    factor = factors(drawn)
    reference_kwh = found.adjusted.total_kwh - fsum(
        factor.get(name, 1.0) * kwh for name, kwh in before.items()
    )
    # So many kWh for so many days give the mean of those who were silent, be they three.
    silent_kwh = rounded(fsum(after.values()), _step_kwh(drawn, drawn.months))
    return Off(1 - (found.reporting.total_kwh - silent_kwh) / reference_kwh, silent_kwh, days)


def _step_kwh(drawn: Drawn, months: Sequence[str]) -> float:
    """To what silent PCs are rounded: 0 where each stratum of theirs may be explained anyway."""
    fleet = drawn.fleet
    told = fleet.rows_of(months)
    silent = {row.stratum for row in told if row.checks and any(row.checks.silent_days)}
    if silent <= open_strata(fleet, months):
        return 0.0
    return step_kwh(told, fleet.perimeter.publish_at_least)


def _silent(drawn: Drawn, months: Sequence[str]) -> tuple[dict[str, float], float]:
    """kWh by class that silent PCs count for beyond what they would use off, and device-days."""
    totals = {(one.month, one.stratum): one for one in drawn.fleet.of(months)}
    by_name: dict[str, list[float]] = defaultdict(list)
    device_days = []
    for row in drawn.fleet.rows_of(months):
        total = totals.get((row.month, row.stratum))
        if row.checks is None or total is None:
            continue
        for t in DAY_TYPES:
            days = min(row.checks.silent_days[t], _room(row, total, t))
            rate = rate_kwh(row, t)
            if days > 0 and rate is not None:
                device_days.append(days)
                by_name[row.stratum.device_class].append(days * max(0.0, rate - OFF_KWH_PER_DAY))
    return {name: fsum(parts) for name, parts in by_name.items()}, fsum(device_days)


def _room(row: StratumMonth, total: StratumTotal, day_type: int) -> float:
    """Device-days that the inventory has beyond those seen: no more can have been silent."""
    return max(0.0, total.inventory_n * row.calendar_days[day_type] - row.sums[2 + day_type])


def _on_meters(drawn: Drawn) -> OnMeters | None:
    before, after, factor = by_class(drawn), _energy(drawn), factors(drawn)
    names = sorted(before.keys() | after.keys())
    metered = _metered(drawn)
    estimated = {name for name in names if group_of(name) not in metered}
    kept = [name for name in names if name not in estimated]
    reference_kwh = fsum(before.get(name, 0.0) * factor.get(name, 1.0) for name in kept)
    if not estimated or reference_kwh <= 0:
        return None
    kwh = fsum(after.get(name, 0.0) for name in kept)
    return OnMeters(1 - kwh / reference_kwh, tuple(kept), tuple(sorted(estimated)))


def _energy(drawn: Drawn) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for one in drawn.fleet.of(drawn.months):
        found[one.stratum.device_class] += one.total_kwh
    return found


def _metered(drawn: Drawn) -> set[str]:
    """Groups of which meters measured enough."""
    measured: dict[str, float] = defaultdict(float)
    whole: dict[str, float] = defaultdict(float)
    for row in drawn.fleet.rows_of(compared(drawn)):
        group = group_of(row.stratum.device_class)
        measured[group] += row.measured_kwh
        whole[group] += row.measured_kwh + row.estimated_kwh
    least = 1 - ESTIMATED_AT_MOST_RATIO
    return {group for group in whole if 0 < least * whole[group] <= measured[group]}
