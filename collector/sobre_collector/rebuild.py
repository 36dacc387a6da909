"""Days that a commit touched are built again, however late their loads came.

Loads lie by time in the store, so days are taken one after the other, all touched devices of a day
in one pass.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from sobre_collector.day_sums import DaySums, Frame, frame
from sobre_collector.days import day_rows, days_of
from sobre_collector.perimeter.facts import Perimeter, month_of
from sobre_collector.printing.day_states import DayStates, day_states
from sobre_collector.rows import DayRow, Key, LoadPart, Touched
from sobre_collector.store.base import Series, narrow_of
from sobre_collector.store.ledger import Ledger
from sobre_drivers.load import Load

# Rebuilt months are noted in the ledger under this job, so that totals know what is stale.
DAYS = "days"
CHUNK = 10_000
# Reading one device out of a day costs about this part of reading the whole day.
ONE_OF_DAY_RATIO = 0.1


def never() -> bool:
    """Nobody waits for the end."""
    return False


def rebuild_days(
    series: Series,
    ledger: Ledger,
    perimeter: Perimeter,
    at: int,
    stopping: Callable[[], bool] = never,
) -> int:
    """Build all days that were touched; how many. Building twice changes nothing.

    Asked to stop, it ends after the day at hand; what was touched is then built at the next call.

    The workstations' days of a month that is closed are not built again: their other loads are
    forgotten, and half a day would take the place of what the month kept.
    """
    built = 0
    while touched := series.touched(CHUNK):
        built += _rebuild(touched, series, ledger, perimeter, at, stopping)
        if stopping():
            break
    return built


def rebuild_printers(
    series: Series, ledger: Ledger, perimeter: Perimeter, model: str, days: Iterable[date]
) -> int:
    """Build days of the printers of a model again, whose thresholds were confirmed; how many."""
    printers = day_states(perimeter.printing, ledger.rulebook.thresholds())
    register = perimeter.printing.printers
    devices = ledger.devices()
    keys = {key: False for key in devices if key in register and register[key].model == model}
    rows = [
        row
        for day in days
        for row in _day(day, keys, series, perimeter, len(devices), printers)
        if row.observed_s
    ]
    series.put_days(rows, ())
    return len(rows)


def _rebuild(
    touched: Sequence[Touched],
    series: Series,
    ledger: Ledger,
    perimeter: Perimeter,
    at: int,
    stopping: Callable[[], bool],
) -> int:
    zone = perimeter.timezone
    closed, devices_n = ledger.closed_months(), len(ledger.devices())
    printers = day_states(perimeter.printing, ledger.rulebook.thresholds())
    by_day = _by_day(touched, zone, closed)
    noted: set[str] = set()
    built = 0
    rows: list[DayRow] = []
    for day in sorted(by_day):
        if stopping():
            series.put_days(rows, ())
            return built
        month = month_of(day)
        if month not in noted:
            # Before the days are written: noted for nothing costs a little time, not noted a month.
            ledger.record_job(DAYS, month, at, "built")
            noted.add(month)
        before = len(rows)
        rows += _day(day, by_day[day], series, perimeter, devices_n, printers)
        built += len(rows) - before
        # Each call is a commit: a few days of a small fleet share one.
        if len(rows) > CHUNK:
            series.put_days(rows, ())
            rows = []
    series.put_days(rows, touched)
    return built


def _by_day(
    touched: Iterable[Touched], zone: ZoneInfo, closed: set[str]
) -> dict[date, dict[Key, bool]]:
    found: dict[date, dict[Key, bool]] = {}
    for touch in touched:
        day, last = days_of(touch.start, touch.end, zone)
        while day <= last:
            if not (touch.personal and month_of(day) in closed):
                found.setdefault(day, {})[touch.key] = touch.personal
            day += timedelta(days=1)
    return found


def _day(
    day: date,
    keys: dict[Key, bool],
    series: Series,
    perimeter: Perimeter,
    devices_n: int,
    printers: DayStates,
) -> Iterator[DayRow]:
    of = frame(day, perimeter.working_hours, perimeter.timezone)
    left = dict(keys)
    if len(keys) >= ONE_OF_DAY_RATIO * devices_n:
        # What is added up by the store has no states, and from these a power tells some.
        summed = {key: personal for key, personal in keys.items() if key not in printers}
        for row in _added_up(of, summed, series):
            del left[row.key]
            yield row
    several = len(left) >= ONE_OF_DAY_RATIO * devices_n
    for key, loads in _by_key(of, left, series, several):
        if key in printers:
            loads = printers.filled(key, loads)
        rows = day_rows(
            key, keys[key], loads, day, day, perimeter.timezone, perimeter.working_hours
        )
        if rows:
            del left[key]
            yield from rows
    yield from _emptied(day, left, series, of.ends - of.begins)


def _added_up(of: Frame, keys: dict[Key, bool], series: Series) -> Iterator[DayRow]:
    """Days that the store itself can add up exactly."""
    narrow = narrow_of(series)
    if narrow is None or all(keys.values()):
        return
    for run in narrow.runs(*of[1:]):
        if keys.get(run.key) is False:
            sums = DaySums(of)
            sums.add_run(run)
            yield sums.row(run.key, False)


def _emptied(day: date, keys: dict[Key, bool], series: Series, length_s: int) -> Iterator[DayRow]:
    """Days of which the last load was voided: nothing of them was observed."""
    if not keys:
        return
    alone = next(iter(keys)) if len(keys) == 1 else None
    for row in series.days(day.isoformat(), day.isoformat(), alone):
        if row.key in keys:
            yield DayRow(row.key, keys[row.key], row.day, length_s, 0, 0, 0, 0, 0, 0)


def _by_key(
    of: Frame, keys: dict[Key, bool], series: Series, several: bool
) -> Iterator[tuple[Key, Iterable[Load | LoadPart]]]:
    keys = dict(keys)
    narrow = narrow_of(series)
    if several and narrow is not None:
        mixed = narrow.mixed()
        for personal in sorted(set(keys.values())):
            for key, parts in narrow.parts(of.begins, of.ends, personal):
                if keys.get(key) is personal and key not in mixed:
                    yield key, parts
        keys = {key: personal for key, personal in keys.items() if key in mixed}
    elif several:
        stored = series.loads(of.begins, of.ends)
        for pair, loads in groupby(stored, lambda s: (s.node, s.load.device)):
            key = Key(*pair)
            if key in keys:
                yield key, (each.load for each in loads)
        return
    for key in keys:
        yield key, (each.load for each in series.loads(of.begins, of.ends, key))
