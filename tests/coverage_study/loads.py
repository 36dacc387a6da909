"""One whole fleet once more, from loads on: that they give the days which the study begins with.

Each day that came in is cut into loads as an agent would send it (a workstation's at the working
hours, anything else's wherever chance has it), and goes through the product's days and months.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import numpy as np

from coverage_study.fleet import DAYS, FIRST_DAY, Fleet
from coverage_study.months import Month, months
from sobre_collector.days import day_rows
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, month_rows
from sobre_collector.months import device_month
from sobre_collector.rows import DayRow, Key
from sobre_drivers.calendar import WorkingHours, day_bounds, working_span
from sobre_drivers.load import Load, Origin, personal

J_PER_KWH = 3_600_000
PARIS = ZoneInfo("Europe/Paris")
HOURS = WorkingHours()


@dataclass(frozen=True)
class Proof:
    """How many loads gave how many device-days, and how far the months that follow are off.

    `largest_ratio` is the largest relative difference of any sum or second moment.
    """

    loads: int
    device_days: int
    wrong_days: int
    months: int
    largest_ratio: float

    @property
    def holds(self) -> bool:
        """Whether every day is the same to the joule, and every month but for rounding."""
        return self.wrong_days == 0 and self.months > 0 and self.largest_ratio < 1e-9


def in_joules(made: Fleet) -> Fleet:
    """The same fleet, each day of which is a whole number of joules, as in a store."""
    return replace(made, kwh=np.rint(made.kwh * J_PER_KWH) / J_PER_KWH)


def proved(made: Fleet) -> Proof:
    """Let a fleet's loads become days and months, and hold them against its columns."""
    whole = in_joules(made)
    closed = months(whole)
    draw = Random(1)
    loads_n = days_n = wrong = 0
    found: dict[str, dict[Stratum, list[DeviceMonth]]] = {
        month.name: {stratum: [] for stratum in whole.strata} for month in closed
    }
    for device in range(len(whole.stratum)):
        stratum = whole.strata[whole.stratum[device]]
        seen = np.flatnonzero(whole.seen[device])
        energy_j = np.rint(whole.kwh[device, seen] * J_PER_KWH).astype(int)
        sent: list[Load] = []
        for column, joules in zip(seen.tolist(), energy_j.tolist(), strict=True):
            sent += _loads(column, joules, personal(stratum.device_class), draw)
        rows = _days(device, sent, personal(stratum.device_class))
        loads_n += len(sent)
        days_n += len(seen)
        wrong += _wrong(rows, seen.tolist(), energy_j.tolist())
        for month, of_month in _by_month(rows):
            found[month][stratum].append(device_month(of_month, HOURS))
    built = {
        name: month_rows(name, _calendar_days(closed, name), strata, personal)
        for name, strata in found.items()
    }
    largest = max(_difference(month.rows, built.get(month.name, [])) for month in closed)
    return Proof(loads_n, days_n, wrong, len(closed), largest)


def _loads(column: int, energy_j: int, cut_at_hours: bool, draw: Random) -> Iterator[Load]:
    day = FIRST_DAY + timedelta(days=column)
    begins, ends = day_bounds(day, PARIS)
    if cut_at_hours:
        edges = [begins, *(working_span(day, HOURS, PARIS) or ()), ends]
    else:
        edges = sorted({begins, ends, *(draw.randrange(begins + 1, ends) for _ in range(3))})
    left_j = energy_j
    for start, end in pairwise(edges):
        part_j = left_j if end == ends else draw.randint(0, left_j)
        left_j -= part_j
        on_s = draw.randint(0, end - start)
        states = {"on": on_s, "off": end - start - on_s} if cut_at_hours else None
        yield Load("d", 1, end, end - start, part_j, 0, Origin.MEASURED, states, None, None)


def _days(device: int, sent: list[Load], is_personal: bool) -> list[DayRow]:
    last = FIRST_DAY + timedelta(days=DAYS - 1)
    key = Key("n", str(device))
    return day_rows(key, is_personal, sent, FIRST_DAY, last, PARIS, HOURS)


def _wrong(rows: list[DayRow], seen: list[int], energy_j: list[int]) -> int:
    wanted = {
        (FIRST_DAY + timedelta(days=column)).isoformat(): joules
        for column, joules in zip(seen, energy_j, strict=True)
    }
    right = {row.day for row in rows if row.valid and wanted.get(row.day) == row.energy_j}
    return len(wanted.keys() ^ right) + len(rows) - len({row.day for row in rows})


def _by_month(rows: list[DayRow]) -> list[tuple[str, list[DayRow]]]:
    found: dict[str, list[DayRow]] = defaultdict(list)
    for row in rows:
        found[row.day[:7]].append(row)
    return sorted(found.items())


def _calendar_days(closed: list[Month], name: str) -> tuple[int, int]:
    return next(month.calendar_days for month in closed if month.name == name)


def _difference(wanted: list[StratumMonth], built: list[StratumMonth]) -> float:
    if [(row.stratum, row.devices) for row in wanted] != [
        (row.stratum, row.devices) for row in built
    ]:
        return float("inf")
    pairs = [
        (a, b)
        for one, other in zip(wanted, built, strict=True)
        for a, b in zip(
            (*one.sums, *(one.squares or ())), (*other.sums, *(other.squares or ())), strict=True
        )
    ]
    return max((abs(a - b) / abs(a) if a else abs(b)) for a, b in pairs)
