"""From a month's devices to the sums that outlive them: who joined, and who was silent."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sobre_collector.indicators.exchangeability import compare
from sobre_collector.indicators.moments import (
    POOLED,
    DeviceMonth,
    Stratum,
    StratumMonth,
    stratum_month,
)
from sobre_collector.indicators.month_checks import Joined, MonthChecks
from sobre_collector.months import Counting, month_bounds
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.rows import DayRow, Device, Key
from sobre_drivers.calendar import local_day, rests
from sobre_drivers.load import personal

# Who was not heard for a quarter is taken to be gone: the inventory knows it, or should.
HEARD_WITHIN_DAYS = 92


class Silence:
    """Lets a month's days pass, and counts the days of which nothing came.

    `heard` is the end (Unix seconds) of the last load of each device; `through` is the last day
    that counts. Only personal classes are looked at: a meter that is silent is a gap, never off.
    """

    def __init__(
        self,
        month: str,
        devices: Mapping[Key, Device],
        perimeter: Perimeter,
        heard: Mapping[Key, int],
        through: date,
    ) -> None:
        first, last = month_bounds(month)
        self._first, self._last = first, min(last, through)
        self._hours, self._zone = perimeter.working_hours, perimeter.timezone
        counting = Counting(devices, perimeter.metering)
        self._devices = {
            key: device
            for key, device in devices.items()
            if personal(device.device_class)
            and counting.on(key, last)
            and self._since(device) <= self._last
            and _day(heard.get(key, 0), self._zone) >= first - timedelta(days=HEARD_WITHIN_DAYS)
        }
        self._told: dict[Key, set[date]] = {}

    def passing(self, days: Iterable[DayRow]) -> Iterator[DayRow]:
        """The same days; `by_stratum` is whole once all have passed."""
        for row in days:
            if row.key in self._devices and row.observed_s > 0:
                self._told.setdefault(row.key, set()).add(date.fromisoformat(row.day))
            yield row

    def by_stratum(self) -> dict[Stratum, tuple[tuple[float, float], int]]:
        """Silent device-days (work, rest) and how many devices had one."""
        found: dict[Stratum, tuple[tuple[float, float], int]] = {}
        for key, device in self._devices.items():
            silent = [0.0, 0.0]
            day = max(self._first, self._since(device))
            told = self._told.get(key, set())
            while day <= self._last:
                if day not in told:
                    silent[rests(day, self._hours)] += 1
                day += timedelta(days=1)
            if any(silent):
                stratum = Stratum(device.organisation, device.site, device.device_class)
                (work, rest), count = found.get(stratum, ((0.0, 0.0), 0))
                found[stratum] = ((work + silent[0], rest + silent[1]), count + 1)
        return found

    def _since(self, device: Device) -> date:
        return _day(device.first_seen, self._zone)


def joiners(
    month: str,
    calendar_days: tuple[int, int],
    devices: Mapping[Stratum, Mapping[Key, DeviceMonth]],
    known: Mapping[Key, Device],
    zone: ZoneInfo,
) -> dict[Stratum, Joined]:
    """Devices in their first whole month against those of before, where each side has three.

    Whoever joined during the month stands on neither side: part of a month is no month.
    """
    first = month_bounds(month)[0]
    before = (first - timedelta(days=1)).replace(day=1)
    found = {}
    for stratum, members in devices.items():
        seen = {key: _day(known[key].first_seen, zone) for key in members}
        sides = [
            stratum_month(month, stratum, calendar_days, [members[k] for k in sorted(keys)])
            for keys in (
                [k for k, day in seen.items() if before < day <= first],
                [k for k, day in seen.items() if day <= before],
            )
        ]
        if min(side.devices for side in sides) == 0:
            continue
        one = compare(sides[0], sides[1])
        if one is not None:
            found[stratum] = Joined(
                one.joined, one.present, one.difference_ratio, one.variance, one.df
            )
    return found


def with_checks(
    rows: Iterable[StratumMonth],
    joined: Mapping[Stratum, Joined],
    silent: Mapping[Stratum, tuple[tuple[float, float], int]],
) -> list[StratumMonth]:
    """The rows with what is kept of their devices; a row of several strata keeps nothing."""
    return [
        row
        if row.stratum.site == POOLED
        else replace(
            row,
            checks=MonthChecks(joined.get(row.stratum), *silent.get(row.stratum, ((0.0, 0.0), 0))),
        )
        for row in rows
    ]


def _day(at: int, zone: ZoneInfo) -> date:
    return local_day(at, zone)
