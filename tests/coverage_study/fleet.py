"""A fleet over two years, day by day: what it really used, and what its agents saw of it.

The fleet is that of method 2.2.5: four sampled classes and a metered room, devices that differ and
drift, seasons, days that are hotter for all, a roll-out in the course of both years, missing days,
outages of the collector, devices that come and go. Its days are columns (devices × days).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sobre_collector.indicators.moments import Stratum
from sobre_drivers.calendar import WorkingHours, rests

Rollout = Literal["even", "uneven", "biased"]
ROLLOUTS: tuple[Rollout, ...] = ("even", "uneven", "biased")

FIRST_DAY = date(2025, 1, 1)
DAYS = 730
YEARS = (2025, 2026)
USERS = (9_800.0, 10_150.0)
EARLY_ADOPTERS_USE = 1.35


@dataclass(frozen=True)
class Kind:
    """A class: its strata's units, kWh per work day, rest-day factor, spread, change in a year."""

    name: str
    units: tuple[int, ...]
    work_kwh: float
    rest_factor: float
    cv: float
    change: float
    # Share with an agent at the start, after a year and after two, when unevenly rolled out.
    uneven: tuple[float, float, float]


KINDS = (
    Kind("workstation.laptop", (600, 500, 300), 0.16, 0.20, 0.6, 0.79, (0.10, 0.65, 0.95)),
    Kind("workstation.desktop", (450, 250), 0.70, 0.45, 0.5, 0.84, (0.08, 0.25, 0.60)),
    Kind("monitor", (400, 200), 0.20, 0.12, 0.8, 0.86, (0.10, 0.40, 0.85)),
    Kind("printer", (120,), 1.10, 0.50, 0.7, 0.78, (0.20, 0.50, 0.90)),
)
EVEN = (0.10, 0.45, 0.85)
METERED = Stratum("a", "dc", "pdu")
METERS, METERED_KWH, METERED_CHANGE = 12, 45.0, 0.905


@dataclass(frozen=True)
class Fleet:
    """Columns over devices × days; `seen` is whether the day came in, valid."""

    strata: tuple[Stratum, ...]
    stratum: NDArray[np.int64]
    kwh: NDArray[np.float64]
    in_service: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    adopted: NDArray[np.int64]

    def used_kwh(self, year: int) -> float:
        """What the whole fleet really used in a year."""
        days = year_days(year)
        return float(self.kwh[:, days][self.in_service[:, days]].sum())

    def true_reduction(self) -> float:
        """1 − (E_R/E_B)/(U_R/U_B) of everything, seen or not."""
        before, after = (self.used_kwh(year) for year in YEARS)
        return 1 - after / before / (USERS[1] / USERS[0])


def calendar() -> tuple[list[str], NDArray[np.int64]]:
    """The month of each day ("2025-01"), and its day type (0 work, 1 rest)."""
    days = [FIRST_DAY + timedelta(days=n) for n in range(DAYS)]
    hours = WorkingHours()
    return [f"{d.year}-{d.month:02d}" for d in days], np.array([int(rests(d, hours)) for d in days])


def year_days(year: int) -> slice:
    """The columns of a year."""
    start = (date(year, 1, 1) - FIRST_DAY).days
    return slice(start, start + 365)


def fleet(seed: int, rollout: Rollout) -> Fleet:
    """A fleet from its seed: the same seed gives the same fleet."""
    draw = np.random.default_rng(seed)
    months, day_type = calendar()
    names = list(dict.fromkeys(months))
    month = np.array([names.index(name) for name in months])
    common = draw.normal(0, 0.05, DAYS)
    parts = [
        _stratum(draw, kind, units, day_type, month, common, rollout)
        for kind in KINDS
        for units in kind.units
    ]
    strata = [Stratum("a", f"s{k}", kind.name) for kind in KINDS for k, _ in enumerate(kind.units)]
    parts.append(_metered(draw, month, common))
    strata.append(METERED)
    number = np.concatenate([np.full(len(p[0]), k) for k, p in enumerate(parts)])
    kwh, in_service, seen = (np.concatenate([p[k] for p in parts]) for k in range(3))
    adopted = np.concatenate([p[3] for p in parts])
    return Fleet(tuple(strata), number, kwh, in_service, seen, adopted)


_Part = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int64]]


def _stratum(
    draw: np.random.Generator,
    kind: Kind,
    units: int,
    day_type: NDArray[np.int64],
    month: NDArray[np.int64],
    common: NDArray[np.float64],
    rollout: Rollout,
) -> _Part:
    # One device in ten goes each year, and another comes in its place.
    leaving = draw.integers(0, DAYS, round(0.2 * units))
    n = units + len(leaving)
    comes, goes = np.zeros(n, dtype=int), np.full(n, DAYS)
    goes[: len(leaving)] = leaving
    comes[units:] = leaving
    in_service = (np.arange(DAYS) >= comes[:, None]) & (np.arange(DAYS) < goes[:, None])

    rank = draw.random(n)
    adopted = np.maximum(_adoption_day(rank, kind.uneven if rollout == "uneven" else EVEN), comes)
    level = _log_normal(draw, kind.cv, n)
    if rollout == "biased":
        level[rank < EVEN[1]] *= EARLY_ADOPTERS_USE
    kwh = _days(draw, kind, level, day_type, month, common)
    seen = in_service & (np.arange(DAYS) >= adopted[:, None]) & (draw.random((n, DAYS)) > 0.08)
    for _ in range(6 * len(YEARS)):
        outage = draw.integers(0, DAYS - 1)
        seen[:, outage : outage + 2] = False
    return kwh, in_service, seen, adopted


def _adoption_day(rank: NDArray[np.float64], shares: Sequence[float]) -> NDArray[np.int64]:
    """The day on which the device of this rank gets its agent; DAYS for never."""
    start, middle, end = shares
    days = np.interp(rank, [start, middle, end], [0, 365, DAYS])
    return np.where(rank >= end, DAYS, days).astype(int)


def _log_normal(draw: np.random.Generator, cv: float, n: int) -> NDArray[np.float64]:
    sigma = np.sqrt(np.log1p(cv * cv))
    return np.exp(draw.normal(-sigma * sigma / 2, sigma, n))


def _days(
    draw: np.random.Generator,
    kind: Kind,
    level: NDArray[np.float64],
    day_type: NDArray[np.int64],
    month: NDArray[np.int64],
    common: NDArray[np.float64],
) -> NDArray[np.float64]:
    n, months = len(level), int(month[-1]) + 1
    drift = np.empty((n, months))
    drift[:, 0] = draw.normal(0, 0.2, n)
    for k in range(1, months):
        drift[:, k] = 0.8 * drift[:, k - 1] + draw.normal(0, 0.2 * 0.6, n)
    season = 0.10 * np.cos(2 * np.pi * (month % 12) / 12)
    shape = np.where(day_type == 1, kind.rest_factor, 1.0) * np.exp(season + common)
    # What is saved comes in the second year, by and by.
    progress = np.interp(np.arange(DAYS), [300, 430], [1.0, kind.change])
    noise = draw.standard_normal((n, DAYS), dtype=np.float32)
    daily: NDArray[np.float64] = np.exp(0.3 * noise.astype(float) + drift[:, month])
    return kind.work_kwh * level[:, None] * daily * (shape * progress)


def _metered(
    draw: np.random.Generator, month: NDArray[np.int64], common: NDArray[np.float64]
) -> _Part:
    level = METERED_KWH * _log_normal(draw, 0.4, METERS)
    season = -0.05 * np.cos(2 * np.pi * (month % 12) / 12)
    progress = np.interp(np.arange(DAYS), [300, 430], [1.0, METERED_CHANGE])
    kwh = level[:, None] * np.exp(season + common / 2) * progress
    always = np.ones((METERS, DAYS), dtype=bool)
    return kwh, always, always, np.zeros(METERS, dtype=int)
