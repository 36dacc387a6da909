"""A made-up fleet: who has which devices, from when to when, and what each uses on a day.

Everything is drawn from the seed, month by month, so that a month can be drawn again without the
others. The shape follows method.md 2.2.5: device effects are lognormal, drift from month to month
is autoregressive, days share a common shock, and the year has a season.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kind:
    """What devices of a class are like: W while on, Wh on a working day, and how they differ."""

    device_class: str
    share_ratio: float
    on_w: float
    off_w: float
    rated_w: float
    day_wh: float
    effect_cv_ratio: float
    weekend_ratio: float
    night_ratio: float


# Magnitudes of ordinary office equipment; the point of a simulation is that its truth is known, not
# that these are anyone's devices.
KINDS = (
    Kind("workstation.laptop", 0.47, 32.0, 0.5, 150.0, 230.0, 0.6, 0.07, 0.05),
    Kind("workstation.desktop", 0.36, 68.0, 1.0, 800.0, 720.0, 0.7, 0.20, 0.15),
    Kind("printer", 0.12, 190.0, 1.5, 2000.0, 900.0, 0.8, 0.40, 0.30),
    Kind("server", 0.05, 210.0, 0.0, 1500.0, 4900.0, 0.5, 0.97, 11 / 24),
)
LAPTOP, DESKTOP, PRINTER, SERVER = range(4)
OUTLETS_PER_PDU = 8
# A printer that uses more than this of its kind's mean is one of the larger range.
LARGE_EFFECT_RATIO = 0.8

# Share of PCs and printers that report at the start, and at the end of each year of three.
ROLL_OUT = (0.10, 0.45, 0.65, 0.85)
MISSING_DAY_RATIO = 0.08
OUTAGES_PER_YEAR = 6
OUTAGE_DAYS = 2
USER_GROWTH_RATIO = 0.036
YEARLY_ARRIVALS_RATIO = 0.06
YEARLY_DEPARTURES_RATIO = 0.05


@dataclass(frozen=True, slots=True)
class Fleet:
    """Devices as arrays. `joins` and `leaves` are days since `first`.

    A device gets its agent as soon as `rank_ratio` of the fleet is equipped.
    """

    seed: int
    first: date
    last: date
    organisations: tuple[str, ...]
    sites: tuple[str, ...]
    organisation: Ints
    site: Ints
    kind: Ints
    effect_ratio: Floats
    joins: Ints
    leaves: Ints
    rank_ratio: Floats
    users: Ints

    @property
    def days(self) -> int:
        """Days from the first to the last one."""
        return (self.last - self.first).days + 1

    def months(self) -> list[str]:
        """The months of the simulation ("2024-01"), in order."""
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        start = self.first.year * 12 + self.first.month - 1
        return [f"{n // 12:04}-{n % 12 + 1:02}" for n in range(start, start + count)]


@dataclass(frozen=True, slots=True)
class Month:
    """What happened in a month, by device (row) and day (column).

    `used_wh` is before any saving, `reported` whether the agent said what the day was.
    """

    month: str
    days: tuple[date, ...]
    used_wh: Floats
    in_service: Flags
    reported: Flags


def make_fleet(seed: int, first: date, last: date, devices: int, organisations: int) -> Fleet:
    """A fleet of about so many devices on an average day, in organisations of unequal size."""
    rng = np.random.default_rng([seed, 0])
    span = (last - first).days + 1
    size = rng.lognormal(0.0, 0.7, organisations)
    size /= size.sum()
    arrivals = round(devices * YEARLY_ARRIVALS_RATIO * span / 365.25)
    count = devices + arrivals
    kind = rng.choice(len(KINDS), count, p=[k.share_ratio for k in KINDS])
    organisation = rng.choice(organisations, count, p=size)
    # Every stratum exists: a handful of devices each, before chance has its say.
    spread = np.arange(min(count, organisations * 3))
    organisation[: len(spread)], kind[: len(spread)] = (
        spread % organisations,
        spread // organisations,
    )
    joins = np.zeros(count, dtype=np.int64)
    joins[devices:] = rng.integers(1, span, count - devices)
    stay = rng.exponential(365.25 / YEARLY_DEPARTURES_RATIO, count)
    leaves = np.minimum(span, joins + np.maximum(1, stay)).astype(np.int64)
    server = kind == SERVER
    organisation[server] = 0
    site = np.where(server, 2, (rng.random(count) < 0.25).astype(np.int64))
    spreads = np.array([math.sqrt(math.log(1 + k.effect_cv_ratio**2)) for k in KINDS])[kind]
    effect = np.exp(rng.normal(-(spreads**2) / 2, spreads))
    return Fleet(
        seed,
        first,
        last,
        tuple(f"commune-{n + 1:02}" for n in range(organisations)),
        ("mairie", "technique", "salle"),
        organisation,
        site,
        kind,
        effect,
        joins,
        leaves,
        np.where(server, 0.0, rng.random(count)),
        np.maximum(20, np.round(size * devices * 0.9)).astype(np.int64),
    )


def draw_month(fleet: Fleet, month: str) -> Month:
    """What each device uses and reports on each day of a month."""
    year, number = int(month[:4]), int(month[5:])
    days = _days_of(fleet, year, number)
    rng = np.random.default_rng([fleet.seed, 1, year, number])
    count, shape = len(fleet.kind), (len(fleet.kind), len(days))
    offset = np.array([(day - fleet.first).days for day in days])
    in_service = (fleet.joins[:, None] <= offset) & (offset < fleet.leaves[:, None])
    work = np.array([k.day_wh for k in KINDS])[fleet.kind]
    weekend = np.array([k.weekend_ratio for k in KINDS])[fleet.kind]
    factor = np.where([d.isoweekday() < 6 for d in days], 1.0, weekend[:, None])
    season = np.array(
        [1 + 0.08 * math.cos(2 * math.pi * (d.timetuple().tm_yday - 15) / 365.25) for d in days]
    )
    common = np.exp(rng.normal(0, 0.03, len(days)))
    noise = np.exp(rng.normal(-0.03125, 0.25, shape))
    drift = np.exp(_drift(fleet, year * 12 + number))
    level = work * fleet.effect_ratio * drift
    # Nobody's device draws more in working hours than its rating lets it.
    most_wh = np.array([k.rated_w for k in KINDS])[fleet.kind] * 0.6 * 13
    used_wh = np.minimum(level[:, None] * factor * season * common * noise, most_wh[:, None])
    equipped = fleet.rank_ratio[:, None] < equipped_ratio(fleet, offset)
    missing = (rng.random(shape) < MISSING_DAY_RATIO) & (fleet.kind != SERVER)[:, None]
    outage = np.array([day in _outages(fleet.seed, day.year) for day in days])
    reported = in_service & equipped & ~missing & ~outage
    assert used_wh.shape == (count, len(days))
    return Month(month, days, used_wh * in_service, in_service, reported)


def equipped_ratio(fleet: Fleet, offset: Ints) -> Floats:
    """Share of PCs and printers that have an agent, on days since the first."""
    at = np.asarray(offset) / max(1, fleet.days - 1) * (len(ROLL_OUT) - 1)
    return np.asarray(np.interp(at, np.arange(len(ROLL_OUT)), ROLL_OUT), dtype=np.float64)


def room_ratio(day: date) -> float:
    """What enters the room for each joule of its IT: more in summer."""
    return 1.45 - 0.08 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365.25)


def users_at(fleet: Fleet, offset: int) -> Floats:
    """Users by organisation on a day since the first: all grow alike, by a whole over the span."""
    growth = 1 + USER_GROWTH_RATIO * offset / max(1, fleet.days - 366)
    return np.asarray(fleet.users * growth, dtype=np.float64)


def _drift(fleet: Fleet, month_number: int) -> Floats:
    # A sum of the last months' shocks with falling weights: autoregressive, yet drawn on its own.
    total: Floats = np.zeros(len(fleet.kind))
    for lag in range(12):
        rng = np.random.default_rng([fleet.seed, 2, month_number - lag])
        total = total + 0.7**lag * rng.normal(0, 0.08, len(fleet.kind))
    return total


def _outages(seed: int, year: int) -> frozenset[date]:
    rng = np.random.default_rng([seed, 3, year])
    starts = rng.integers(0, 364, OUTAGES_PER_YEAR)
    begin = date(year, 1, 1)
    return frozenset(begin + timedelta(days=int(s) + n) for s in starts for n in range(OUTAGE_DAYS))


def _days_of(fleet: Fleet, year: int, month: int) -> tuple[date, ...]:
    day, found = date(year, month, 1), []
    while day.month == month:
        if fleet.first <= day <= fleet.last:
            found.append(day)
        day += timedelta(days=1)
    return tuple(found)
