"""What the loads of a model's printers tell: their power, and their use at night."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sobre_collector.day_sums import cut
from sobre_collector.indicators.printer_use import WindowUse
from sobre_collector.printing.day_states import LONGEST_S
from sobre_collector.rows import Key
from sobre_collector.store.base import Series
from sobre_drivers.load import Load

# Of a window less than this was seen: what it used is not known.
LEAST_SEEN_RATIO = 0.9


def powers_w(series: Series, keys: Iterable[Key], start: int, end: int) -> list[float]:
    """Mean power of each load that is short enough to tell a state, of several printers."""
    return [
        stored.load.energy_j / stored.load.span_s
        for key in keys
        for stored in series.loads(start, end, key)
        if stored.load.span_s <= LONGEST_S
    ]


def windows(
    first: date, last: date, hours: tuple[int, int], days: tuple[int, ...], zone: ZoneInfo
) -> Iterator[tuple[int, int]]:
    """Unix seconds of each window from `hours[0]` of a day to `hours[1]`, on the next day if less.

    A window begins on the days (1 is Monday) that are named.
    """
    day, (off_h, on_h) = first, hours
    while day <= last:
        if day.isoweekday() in days:
            until = day if on_h > off_h else day + timedelta(days=1)
            yield _second(day, off_h, zone), _second(until, on_h, zone)
        day += timedelta(days=1)


def window_use(
    loads: Iterable[Load], within: Iterable[tuple[int, int]], kwh_per_page: float
) -> WindowUse | None:
    """What one printer used in those of the windows that were seen; None if none was."""
    listed = sorted(loads, key=lambda load: load.end)
    kwh = printed_kwh = hours = 0.0
    seen = 0
    for begins, ends in within:
        energy_j = pages = covered_s = 0
        for load in listed:
            low, high = max(begins, load.start), min(ends, load.end)
            if low < high:
                covered_s += high - low
                energy_j += cut(load.energy_j, load, high) - cut(load.energy_j, load, low)
                if load.pages is not None:
                    pages += cut(load.pages, load, high) - cut(load.pages, load, low)
        if covered_s >= LEAST_SEEN_RATIO * (ends - begins):
            seen += 1
            kwh += energy_j / 3.6e6
            printed_kwh += pages * kwh_per_page
            hours += (ends - begins) / 3600
    return WindowUse(kwh, min(kwh, printed_kwh), hours, float(seen)) if seen else None


def _second(day: date, hour: int, zone: ZoneInfo) -> int:
    at = day + timedelta(days=1) if hour == 24 else day
    return int(datetime.combine(at, time(hour % 24), tzinfo=zone).timestamp())
