"""Days of single machines become their months, on the way of all days to the strata."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import groupby
from math import fsum
from operator import attrgetter

from sobre_collector.indicators.printer_states import (
    RunningHours,
    running_hours,
)
from sobre_collector.indicators.unit_month import PageSums, Pair, Printing, UnitMonth
from sobre_collector.months import J_PER_KWH, Counting, day_types, device_month
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.printing import Printer
from sobre_collector.rows import DayRow, Device, Key
from sobre_drivers.calendar import WorkingHours, rests
from sobre_drivers.load import personal

MINUTES_PER_DAY = 1_440
# Outlets and servers are many: of these only what measures a room is kept singly.
KEPT = frozenset({"printer", "facility", "cooling", "ups", "pdu"})
# A printer that nobody registered: what it can print is not known, so nothing is set aside.
UNREGISTERED = ""


class UnitMonths:
    """Lets days pass, and makes the month of each device that is nobody's on their way."""

    def __init__(
        self,
        month: str,
        devices: Mapping[Key, Device],
        perimeter: Perimeter,
        through: date | None = None,
    ) -> None:
        self._month, self._devices, self._perimeter = month, devices, perimeter
        self._through = through
        self._points = {point.key for room in perimeter.rooms for point in room.points}
        self._counting = Counting(devices, perimeter.metering)
        self._days = day_types(month, perimeter.working_hours, through)
        self.rows: list[UnitMonth] = []

    def passing(self, days: Iterable[DayRow]) -> Iterator[DayRow]:
        """The same days, by device; `rows` is whole once all have passed."""
        for key, group in groupby(days, key=attrgetter("key")):
            device = self._devices.get(key)
            if device is None or not self._kept(device):
                yield from group
                continue
            rows = list(group)
            yield from rows
            within = [row for row in rows if self._counts(row)]
            if within:
                self.rows.append(self._unit_month(device, within))

    def _kept(self, device: Device) -> bool:
        # Nobody's room makes a workstation anything but a person's.
        told = device.device_class in KEPT or device.key in self._points
        return told and not personal(device.device_class)

    def _counts(self, row: DayRow) -> bool:
        return self._through is None or date.fromisoformat(row.day) <= self._through

    def _unit_month(self, device: Device, rows: list[DayRow]) -> UnitMonth:
        hours = self._perimeter.working_hours
        whole = device_month(rows, hours)
        out = [device_month([row for row in rows if _rests(row, hours) is t], hours) for t in _DAYS]
        printing = None
        if device.device_class == "printer":
            printing = _printing(rows, hours, self._perimeter.printing.printers.get(device.key))
        return UnitMonth(
            self._month,
            *device.key,
            device.device_class,
            device.organisation,
            device.site,
            self._days,
            whole.valid_days,
            whole.energy_kwh,
            (out[0].out_of_hours_kwh, out[1].out_of_hours_kwh),
            whole.estimated_kwh,
            any(self._counting.on(device.key, date.fromisoformat(row.day)) for row in rows),
            printing,
        )


# Day types as `rests` tells them: work days, then days of rest.
_DAYS = (False, True)


def _rests(row: DayRow, hours: WorkingHours) -> bool:
    return rests(date.fromisoformat(row.day), hours)


def _printing(rows: list[DayRow], hours: WorkingHours, printer: Printer | None) -> Printing:
    used = [(row, _running(row)) for row in rows]
    printed, aside = _pages(rows, printer)
    pages = [0, 0]
    for row, count in printed:
        pages[_rests(row, hours)] += count

    def pair(values: Iterable[tuple[DayRow, float]]) -> Pair:
        listed = [(_rests(row, hours), value) for row, value in values]
        return (fsum(v for t, v in listed if not t), fsum(v for t, v in listed if t))

    valid = [(row, found) for row, found in used if found.scaled_h is not None]
    states = {state for _, found in used for state in found.by_state}
    return Printing(
        printer.model if printer else UNREGISTERED,
        printer.size if printer else "",
        printer.unit if printer else "impressions",
        # Nobody said where it stands, so it could be in anybody's office.
        printer is None or printer.private,
        pair((row, 1.0) for row, _ in valid),
        pair((row, found.scaled_h or 0.0) for row, found in valid),
        pair((row, found.seen_h) for row, found in valid),
        pair((row, found.most_h) for row, found in valid),
        {s: fsum(found.by_state.get(s, 0.0) for _, found in used) for s in sorted(states)},
        (pages[0], pages[1]),
        pair((row, 1.0) for row, _ in printed),
        aside,
        _sums(printed),
    )


def _running(row: DayRow) -> RunningHours:
    # Two spools that tell of the same time count it twice: then nothing is known of that day.
    known = {state: s for state, s in row.state_s.items() if state != "unknown"}
    if sum(known.values()) > row.length_s + 1:
        known = {}
    return running_hours(known, row.length_s)


def _pages(rows: list[DayRow], printer: Printer | None) -> tuple[list[tuple[DayRow, int]], int]:
    """Days with their pages, and how many days claim more than the printer can print."""
    told = [(row, row.pages) for row in rows if row.pages is not None]
    if printer is None:
        return told, 0
    most = printer.pages_per_minute * MINUTES_PER_DAY + 1
    kept = [(row, pages) for row, pages in told if pages <= most]
    return kept, len(told) - len(kept)


def _sums(printed: list[tuple[DayRow, int]]) -> PageSums:
    pairs = [(row.energy_j / J_PER_KWH, pages) for row, pages in printed if row.valid]
    return PageSums(
        len(pairs),
        fsum(kwh for kwh, _ in pairs),
        sum(pages for _, pages in pairs),
        sum(pages * pages for _, pages in pairs),
        fsum(kwh * pages for kwh, pages in pairs),
    )
