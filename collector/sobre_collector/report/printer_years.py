"""Printing in one year of the report: printers, running hours and pages, seen or stated.

What was not seen in each month of a year is taken from what was stated for it, if anything was.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, hypot

from sobre_collector.indicators.counter_pages import pages_within
from sobre_collector.indicators.counts import Count, added, reduced
from sobre_collector.indicators.moments import Stratum
from sobre_collector.indicators.pages import Counter
from sobre_collector.indicators.printer_fleet import Counted, counted, fleet_total
from sobre_collector.indicators.printer_use import fewer_and_shorter
from sobre_collector.indicators.total import Inventory
from sobre_collector.indicators.unit_month import UnitMonth, from_json
from sobre_collector.months import day_types, month_bounds
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.model import Note, RatioInterval
from sobre_collector.report.monthly import RECTANGULAR, inventory

PRINTER = "printer"
LEVEL = 0.95
MIXED = "mixed"
# Flags of a life counter that tell of another counter than the one before.
BROKEN = ("reset", "confirmed-reset", "replaced")


@dataclass(frozen=True, slots=True)
class Period:
    """Months, and the printers of the constant perimeter in them."""

    months: tuple[str, ...]
    rows: tuple[UnitMonth, ...]
    calendar_days: tuple[int, int]
    inventory: Inventory

    @property
    def printers_n(self) -> float:
        """Printers of the inventory, mean over the months."""
        return fsum(n for n, _ in self.inventory.values())


@dataclass(frozen=True, slots=True)
class Year:
    """Printers, running hours and pages of all printers; None is "not known".

    `least_h` and `most_h` bound the running hours, whatever happened in unknown time. `stated` are
    those of the three that were not seen but stated. `unit` is what pages are, or "mixed".
    """

    devices: Count | None
    running: Count | None
    pages: Count | None
    unit: str
    least_h: float | None = None
    most_h: float | None = None
    stated: tuple[str, ...] = ()
    broken_counters: int = 0

    def of(self, name: str) -> Count | None:
        """One of the three by its name."""
        return {"devices": self.devices, "running": self.running, "pages": self.pages}[name]


@dataclass(frozen=True, slots=True)
class Change:
    """A reduction from the baseline year, positive when falling: of the whole and per user."""

    name: str
    reduction_ratio: float
    interval: RatioInterval | None
    per_user_ratio: float | None


def period(drawn: Drawn, contents: Sequence[tuple[str, str]], months: Sequence[str]) -> Period:
    """The printers in some months, of what the ledger has of all."""
    wanted, perimeter = set(months), drawn.fleet.perimeter
    belongs = drawn.fleet.organisations
    rows = [from_json(json.loads(content)) for month, content in contents if month in wanted]
    days = [day_types(month, perimeter.working_hours) for month in months]
    units: dict[Stratum, list[tuple[float, float]]] = {}
    for month in months:
        for stratum, pair in inventory(perimeter, month, belongs).items():
            if stratum.device_class == PRINTER:
                units.setdefault(stratum, []).append(pair)
    # Counts of one register err the same way from month to month.
    means = {
        stratum: (fsum(n for n, _ in pairs) / len(months), fsum(u for _, u in pairs) / len(months))
        for stratum, pairs in units.items()
    }
    return Period(
        tuple(months),
        tuple(row for row in rows if row.organisation in belongs),
        (sum(work for work, _ in days), sum(rest for _, rest in days)),
        means,
    )


def year_of(drawn: Drawn, of: Period, year: int) -> Year:
    """What is known of a year, as far as it was seen in each of its months; else as stated."""
    stated = drawn.fleet.perimeter.printing.of(year, drawn.fleet.organisations)
    names = []
    devices = None
    if of.printers_n > 0:
        devices = Count(of.printers_n, hypot(*(u for _, u in of.inventory.values())))
    elif stated:
        devices = added(_count(row.printers) for row in stated)
        names.append("devices")
    running, least_h, most_h = _running(of)
    if running is None:
        running = _stated([row.running_h for row in stated])
        names += ["running"] if running else []
    read, broken = _by_counter(drawn, of)
    pages, unit = _pages(drawn, of, read)
    if pages is None and unit != MIXED:
        pages = _stated([row.pages for row in stated])
        if pages is not None:
            units = {row.unit for row in stated}
            names.append("pages")
            unit = units.pop() if len(units) == 1 else MIXED
    if unit == MIXED:
        pages = None
    return Year(devices, running, pages, unit, least_h, most_h, tuple(names), broken)


def changes(drawn: Drawn, was: Year, now: Year) -> tuple[list[Change], list[Note]]:
    """Reductions of running time, of printers and of pages, and why one is lacking."""
    baseline = {"baseline_year": drawn.fleet.perimeter.baseline.year}
    found: list[Change] = []
    notes: list[Note] = []
    for name in ("running", "devices", "pages"):
        before, after = was.of(name), now.of(name)
        if name == "pages" and before and after and was.unit != now.unit:
            notes.append(Note("printers-units-differ", baseline))
        elif before is None and after is not None:
            notes.append(Note(f"printers-no-{name}", baseline))
        elif before is not None and after is not None:
            found += _change(drawn, name, before, after)
    return found, notes


def points(was: Year, now: Year) -> Mapping[str, float]:
    """The change of running hours in points, by fewer printers and by shorter hours; or nothing."""
    known = (was.devices, was.running, now.devices, now.running)
    n0, h0, n1, h1 = (count.total if count else 0.0 for count in known)
    if min(n0, h0, n1, h1) <= 0:
        return {}
    return dict(fewer_and_shorter(n0, h0 / n0, n1, h1 / n1, 1.0).points)


def _change(drawn: Drawn, name: str, before: Count, after: Count) -> Iterator[Change]:
    whole = reduced(before, after, level=LEVEL)
    if whole.ratio is None:
        return
    per_user, interval = None, None
    if drawn.before is not None and drawn.after is not None:
        users = {"users_before": drawn.before.count, "users_after": drawn.after.count}
        per_user = reduced(before, after, **users).ratio
    if whole.low_ratio is not None and whole.high_ratio is not None:
        interval = RatioInterval(LEVEL, whole.low_ratio, whole.high_ratio)
    yield Change(name, whole.ratio, interval, per_user)


def _running(of: Period) -> tuple[Count | None, float | None, float | None]:
    if not {row.month for row in of.rows} >= set(of.months):
        return None, None, None
    running, least, most = (
        fleet_total(of.rows, of.inventory, quantity, of.calendar_days)
        for quantity in ("running", "seen", "most")
    )
    if running is None or least is None or most is None:
        return None, None, None
    return counted(running), least.total_kwh, most.total_kwh


def _pages(drawn: Drawn, of: Period, read: Sequence[Counted]) -> tuple[Count | None, str]:
    printers = {tuple(key): p for key, p in drawn.fleet.perimeter.printing.printers.items()}
    told = [row for row in of.rows if row.printing and sum(row.printing.page_days) > 0]
    units: set[str] = {row.printing.unit for row in told if row.printing}
    units |= {printers[each.node, each.device].unit for each in read}
    if len(units) != 1:
        return None, MIXED if units else ""
    if not read and not {row.month for row in told} >= set(of.months):
        return None, ""
    total = fleet_total(of.rows, of.inventory, "pages", of.calendar_days, read)
    return (None, "") if total is None else (counted(total), units.pop())


def _by_counter(drawn: Drawn, of: Period) -> tuple[list[Counted], int]:
    """Pages by the life counters that people read, and how many were reset or replaced."""
    printing = drawn.fleet.perimeter.printing
    first, last = month_bounds(of.months[0])[0], month_bounds(of.months[-1])[1]
    found, broken = [], 0
    for key, printer in printing.printers.items():
        readings = [(r.day, r.count, r.serial) for r in printing.readings_of(key)]
        if printer.organisation not in drawn.fleet.organisations or not readings:
            continue
        counter = Counter(printer.pages_per_minute, printer.counter_modulus)
        pages, days, flags = pages_within(readings, counter, first, last)
        if days:
            stratum = Stratum(printer.organisation, printer.site, PRINTER)
            found.append(Counted(stratum, *key, pages, days))
            broken += any(flag in BROKEN for flag in flags)
    return found, broken


def _stated(pairs: Sequence[tuple[float, float] | None]) -> Count | None:
    known = [pair for pair in pairs if pair is not None]
    return added(map(_count, known)) if known and len(known) == len(pairs) else None


def _count(pair: tuple[float, float]) -> Count:
    return Count(pair[0], pair[1] / RECTANGULAR)
