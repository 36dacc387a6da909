"""Loads of one device become its local days, without losing or creating a joule.

A load that lies in one day goes there whole; one that crosses midnight or the edge of working hours
is cut in proportion to time (method.md 2.1.4). Nothing here asks what time it is: the same loads
give the same days, whenever and however often they are built.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sobre_collector.day_sums import DaySums, Frame, frame
from sobre_collector.rows import DayRow, Key, LoadPart
from sobre_drivers.calendar import WorkingHours, day_bounds, local_day
from sobre_drivers.load import Load


def days_of(start: int, end: int, zone: ZoneInfo) -> tuple[date, date]:
    """First and last local day that the Unix seconds [start, end) touch."""
    return local_day(start, zone), local_day(max(start, end - 1), zone)


def day_rows(
    key: Key,
    personal: bool,
    loads: Iterable[Load | LoadPart],
    first: date,
    last: date,
    zone: ZoneInfo,
    hours: WorkingHours,
) -> list[DayRow]:
    """The days from `first` to `last` of one device, from all its loads that overlap them.

    The loads come in order of their end. A day that no load touches has no row.
    """
    if first == last:
        return _one_day(key, personal, loads, frame(first, hours, zone))
    begins, ends = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    found: dict[date, DaySums] = {}
    for load in loads:
        end = load.end
        start = end - load.span_s
        if end <= begins or start >= ends:
            continue
        day, load_last = days_of(max(start, begins), min(end, ends), zone)
        while day <= load_last:
            if day not in found:
                found[day] = DaySums(frame(day, hours, zone))
            found[day].add(load, start, end)
            day += timedelta(days=1)
    return [found[day].row(key, personal) for day in sorted(found)]


def _one_day(key: Key, personal: bool, loads: Iterable[Load | LoadPart], of: Frame) -> list[DayRow]:
    sums = DaySums(of)
    add, begins, ends = sums.add, of.begins, of.ends
    touched = False
    for load in loads:
        end = load.end
        start = end - load.span_s
        if end > begins and start < ends:
            add(load, start, end)
            touched = True
    return [sums.row(key, personal)] if touched else []
