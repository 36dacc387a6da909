"""Loads of one device become its local days, without losing or creating a joule.

A load that lies in one day goes there whole; one that crosses midnight or the edge of working hours
is cut in proportion to time (method.md 2.1.4). Nothing here asks what time it is: the same loads
give the same days, whenever and however often they are built.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sobre_collector.day_sums import DaySums
from sobre_collector.rows import DayRow, Key
from sobre_drivers.calendar import WorkingHours, day_bounds, local_day
from sobre_drivers.load import Load


def days_of(start: int, end: int, zone: ZoneInfo) -> tuple[date, date]:
    """First and last local day that the Unix seconds [start, end) touch."""
    return local_day(start, zone), local_day(max(start, end - 1), zone)


def day_rows(
    key: Key,
    personal: bool,
    loads: Iterable[Load],
    first: date,
    last: date,
    zone: ZoneInfo,
    hours: WorkingHours,
) -> list[DayRow]:
    """The days from `first` to `last` of one device, from all its loads that overlap them.

    The loads come in order of their end. A day that no load touches has no row.
    """
    begins, ends = day_bounds(first, zone)[0], day_bounds(last, zone)[1]
    found: dict[date, DaySums] = {}
    now: DaySums | None = None
    for load in loads:
        end = load.end
        start = end - load.span_s
        if now is not None and start >= now.begins and end <= now.ends:
            now.add(load, start, end)
            continue
        if end <= begins or start >= ends:
            continue
        day, load_last = days_of(max(start, begins), min(end, ends), zone)
        while day <= load_last:
            if day not in found:
                found[day] = DaySums(*day_bounds(day, zone), day, hours, zone)
            now = found[day]
            now.add(load, start, end)
            day += timedelta(days=1)
    return [found[day].row(key, personal) for day in sorted(found)]
