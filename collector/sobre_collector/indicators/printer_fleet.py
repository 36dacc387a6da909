"""Running hours and pages of all printers of a period, from those that are monitored (method 2.5).

H = N·h̄ is the ratio estimator of method 2.2.2 with hours or pages in the place of kWh. Printers are
nobody's, so each is one unit over the whole period and the error of the year is exact (2.2.4 A).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Literal

from sobre_collector.indicators.counts import Count
from sobre_collector.indicators.moments import DeviceMonth, Stratum, stratum_month
from sobre_collector.indicators.printer_states import is_active
from sobre_collector.indicators.total import Inventory, Total, month_total, year_total
from sobre_collector.indicators.unit_month import PageSums, Pair, Printing, UnitMonth

Quantity = Literal["running", "seen", "most", "pages"]
_OF: dict[Quantity, tuple[Callable[[Printing], Pair], Callable[[Printing], Pair]]] = {
    "running": (lambda p: p.running_h, lambda p: p.valid_days),
    "seen": (lambda p: p.seen_h, lambda p: p.valid_days),
    "most": (lambda p: p.most_h, lambda p: p.valid_days),
    "pages": (lambda p: p.pages, lambda p: p.page_days),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Pages and days of one printer that were told otherwise than by its loads."""

    stratum: Stratum
    node: str
    device: str
    pages: float
    days: float


@dataclass(frozen=True, slots=True)
class Activity:
    """Means over the months of a period: printers seen, and those with a page or an active hour."""

    seen_n: float
    active_n: float


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Monitored printers of a model or size: kWh per printer-day and its standard error.

    `u_kwh_per_day` is None for fewer than two printers.
    """

    name: str
    printers_n: int
    private_n: int
    kwh_per_day: float
    u_kwh_per_day: float | None
    sums: PageSums


def fleet_total(
    rows: Iterable[UnitMonth],
    inventory: Inventory,
    quantity: Quantity,
    calendar_days: tuple[int, int],
    otherwise: Iterable[Counted] = (),
) -> Total | None:
    """Hours or pages of all printers of the inventory over `calendar_days` (in place of kWh).

    `otherwise` stands in for printers whose loads tell nothing of it. None if no printer has a
    single day.
    """
    amount, days = _OF[quantity]
    units: dict[tuple[Stratum, str, str], list[float]] = defaultdict(lambda: [0.0] * 4)
    for row in rows:
        if row.printing is not None:
            stratum = Stratum(row.organisation, row.site, row.device_class)
            sums = units[stratum, row.node, row.device]
            for i, value in enumerate((*amount(row.printing), *days(row.printing))):
                sums[i] += value
    whole_days = sum(calendar_days)
    for each in otherwise:
        sums = units[each.stratum, each.node, each.device]
        if sums[2] + sums[3] == 0 and whole_days > 0:
            # Nobody knows which of its days were work days: both types get their share.
            for t in (0, 1):
                sums[t] = each.pages * calendar_days[t] / whole_days
                sums[2 + t] = each.days * calendar_days[t] / whole_days
    strata: dict[Stratum, list[DeviceMonth]] = defaultdict(list)
    for (stratum, _, _), (x_work, x_rest, w_work, w_rest) in units.items():
        whole = x_work + x_rest
        one = DeviceMonth((x_work, x_rest), (w_work, w_rest), whole, 0.0, 0.0)
        strata[stratum].append(one)
    # "period" stands where a month would: the year of a printer is one observation.
    kept = [stratum_month("period", s, calendar_days, ones) for s, ones in sorted(strata.items())]
    if not any(row.devices for row in kept):
        return None
    return year_total(month_total(kept, inventory, month="period", calendar_days=calendar_days))


def counted(total: Total) -> Count:
    """A total as a count whose reduction can be told."""
    return Count(total.total_kwh, total.se_kwh, total.df)


def activity(rows: Iterable[UnitMonth]) -> Activity:
    """Printers seen and printers active, as means over the months that any row has."""
    seen: dict[str, int] = defaultdict(int)
    active: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.printing is not None:
            seen[row.month] += 1
            hours = fsum(row.printing.running_h)
            active[row.month] += is_active(sum(row.printing.pages), hours)
    months = len(seen) or 1
    return Activity(sum(seen.values()) / months, sum(active.values()) / months)


def state_hours(rows: Iterable[UnitMonth]) -> dict[str, float]:
    """Hours in each state of all monitored printers, "unknown" kept apart."""
    hours: dict[str, float] = defaultdict(float)
    for row in rows:
        if row.printing is not None:
            for state, state_h in row.printing.state_h.items():
                hours[state] += state_h
    return dict(hours)


def uses(rows: Iterable[UnitMonth], name: Callable[[Printing], str]) -> list[ModelUse]:
    """Energy by model or by size, `name` says which; printers of an empty name are left out.

    A ratio of sums over printers, so that one that was seen for long weighs accordingly.
    """
    grouped: dict[str, dict[tuple[str, str], list[UnitMonth]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        if row.printing is not None and name(row.printing):
            grouped[name(row.printing)][row.node, row.device].append(row)
    found = []
    for label, printers in sorted(grouped.items()):
        pairs = [
            (fsum(sum(r.kwh) for r in months), fsum(sum(r.valid_days) for r in months))
            for months in printers.values()
        ]
        pairs = [(kwh, days) for kwh, days in pairs if days > 0]
        if pairs:
            private = sum(any(_private(r) for r in months) for months in printers.values())
            per_day, u = _per_day(pairs)
            sums = page_sums(r for months in printers.values() for r in months)
            found.append(ModelUse(label, len(pairs), private, per_day, u, sums))
    return found


def page_sums(rows: Iterable[UnitMonth]) -> PageSums:
    """Sums of several printer-months."""
    parts = [row.printing.energy_pages for row in rows if row.printing is not None]
    return PageSums(
        sum(p.days for p in parts),
        fsum(p.kwh for p in parts),
        sum(p.pages for p in parts),
        sum(p.pages_square for p in parts),
        fsum(p.kwh_pages for p in parts),
    )


def _private(row: UnitMonth) -> bool:
    return row.printing is not None and row.printing.private


def _per_day(pairs: Sequence[tuple[float, float]]) -> tuple[float, float | None]:
    days, n = fsum(d for _, d in pairs), len(pairs)
    rate = fsum(kwh for kwh, _ in pairs) / days
    if n < 2:
        return rate, None
    square = fsum((kwh - rate * d) ** 2 for kwh, d in pairs)
    return rate, sqrt(n / (n - 1) * square) / days
