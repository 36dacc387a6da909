"""Days, working hours and holidays in local time: a day lasts 23, 24 or 25 hours.

Sources: French labour code L3133-1 for the eleven holidays; the Gregorian computus of Meeus,
"Astronomical Algorithms", chapter 8, for Easter.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Hours of presence: from `start_h` to `end_h` (0–24, local) on the ISO weekdays in `days`."""

    start_h: int = 7
    end_h: int = 20
    days: tuple[int, ...] = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Times:
    """Working hours in a time zone, as Unix seconds know them."""

    zone: ZoneInfo
    hours: WorkingHours

    def hold(self, wall_s: float) -> bool:
        """Whether people work at this instant."""
        local = datetime.fromtimestamp(wall_s, tz=UTC).astimezone(self.zone)
        worked = self.hours.start_h <= local.hour < self.hours.end_h
        return worked and not rests(local.date(), self.hours)


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=64)
def french_holidays(year: int) -> frozenset[date]:
    """The eleven public holidays of mainland France in `year`."""
    fixed = {(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)}
    sunday = easter(year)
    return frozenset(
        {date(year, month, day) for month, day in fixed}
        | {sunday + timedelta(days=n) for n in (1, 39, 50)}
    )


def rests(day: date, hours: WorkingHours) -> bool:
    """Whether nobody works on `day`: a weekend or a holiday (day type "rest", otherwise "work")."""
    return day.isoweekday() not in hours.days or day in french_holidays(day.year)


@lru_cache(maxsize=8192)
def midnight(day: date, zone: ZoneInfo) -> int:
    """Unix second at which the local `day` begins."""
    return int(datetime.combine(day, time.min, tzinfo=zone).timestamp())


def day_bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Unix seconds at which the local `day` begins and ends: 82,800, 86,400 or 90,000 s apart."""
    return midnight(day, zone), midnight(day + timedelta(days=1), zone)


def local_day(unix_s: float, zone: ZoneInfo) -> date:
    """The local day that holds this Unix second."""
    return datetime.fromtimestamp(unix_s, tz=UTC).astimezone(zone).date()


@lru_cache(maxsize=8192)
def working_span(day: date, hours: WorkingHours, zone: ZoneInfo) -> tuple[int, int] | None:
    """Unix seconds at which working hours begin and end on the local `day`; None if it rests."""
    if rests(day, hours):
        return None
    begins = datetime.combine(day, time(hours.start_h), tzinfo=zone)
    if hours.end_h == 24:
        return int(begins.timestamp()), midnight(day + timedelta(days=1), zone)
    ends = datetime.combine(day, time(hours.end_h), tzinfo=zone)
    return int(begins.timestamp()), int(ends.timestamp())
