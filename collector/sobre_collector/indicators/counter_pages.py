"""Pages of a period from life counters that somebody read now and then."""

from collections.abc import Sequence
from datetime import date

from sobre_collector.indicators.pages import Counter, Flag, Reading, printed

DAY_S = 86_400


def pages_within(
    readings: Sequence[tuple[date, int, str]], counter: Counter, first: date, last: date
) -> tuple[float, int, tuple[Flag, ...]]:
    """Pages and days from `first` to `last` that lie between readings, and what these met.

    Readings are (day, count, serial) in order of their day. Between two of them pages are spread
    evenly: a guess about when, never about how many. Days outside of all readings are not known.
    """
    stamped = [Reading(day.toordinal() * DAY_S, count, serial) for day, count, serial in readings]
    if len(stamped) < 2:
        return 0.0, 0, ()
    pages, days = 0.0, 0
    before = 0
    for n in range(2, len(stamped) + 1):
        upto = printed(stamped[:n], counter).total
        begins, ends = readings[n - 2][0], readings[n - 1][0]
        low, high = max(begins, first).toordinal(), min(ends.toordinal(), last.toordinal() + 1)
        if high > low:
            pages += (upto - before) * (high - low) / (ends - begins).days
            days += high - low
        before = upto
    return pages, days, printed(stamped, counter).flags
