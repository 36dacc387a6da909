"""What a simulated fleet really used: the figure that the report is held against."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from sobre_collector.perimeter.facts import USER_FACTOR
from sobre_collector.simulate.fleet import (
    KINDS,
    SERVER,
    Fleet,
    Floats,
    Month,
    draw_month,
    room_ratio,
    users_at,
)
from sobre_drivers.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Truth:
    """The whole fleet's energy in kWh, seen by no agent, and the reduction that it comes to.

    `saving_ratio` is how much every device saves once the policy is fully in force, `pue` that of
    the room in the last year.
    """

    baseline_year: int
    reporting_year: int
    reduction_ratio: float
    saving_ratio: float
    baseline_kwh: float
    adjusted_baseline_kwh: float
    reporting_kwh: float
    baseline_kwh_by_class: dict[str, float]
    reporting_kwh_by_class: dict[str, float]
    users_baseline: float
    users_reporting: float
    pue: float


def ramp(fleet: Fleet, day: date) -> float:
    """How far the policy is in force: 0 in the baseline year, 1 in the last, growing between."""
    begin = date(fleet.first.year + 1, 1, 1)
    full = date(fleet.last.year, 1, 1)
    if day < begin:
        return 0.0
    return 1.0 if day >= full else (day - begin).days / (full - begin).days


def settle_truth(
    fleet: Fleet, reduction_ratio: float, progress: Callable[[str], None] = lambda month: None
) -> Truth:
    """The saving that makes the reduction at constant user perimeter exactly `reduction_ratio`.

    ConfigError if no saving can: the fleet grew or shrank too much by itself.
    """
    first_year, last_year = fleet.first.year, fleet.last.year
    room = np.zeros((2, 2))
    base, plain, ramped = np.zeros(len(KINDS)), np.zeros(len(KINDS)), np.zeros(len(KINDS))
    for month in fleet.months():
        year = int(month[:4])
        if year in (first_year, last_year):
            drawn = draw_month(fleet, month)
            by_kind = _by_kind(fleet, drawn)
            if year == first_year:
                base += by_kind.sum(axis=1)
            else:
                plain += by_kind.sum(axis=1)
                ramps = np.array([ramp(fleet, day) for day in drawn.days])
                ramped += by_kind @ ramps
                ratios = np.array([room_ratio(day) for day in drawn.days])
                # Into the room and to its IT, before the saving and what is saved of it.
                room += np.stack([ratios, np.ones_like(ratios)]) @ (
                    by_kind[SERVER][:, None] * np.stack([np.ones_like(ramps), ramps], axis=1)
                )
        progress(month)
    users = [_users(fleet, year) for year in (first_year, last_year)]
    phi = np.array([USER_FACTOR[kind.device_class] for kind in KINDS])
    adjusted_wh = float((base * (1 - phi + phi * users[1] / users[0])).sum())
    saving = (plain.sum() - (1 - reduction_ratio) * adjusted_wh) / ramped.sum()
    if not -1 < saving < 0.95:
        raise ConfigError(
            f"--reduction {reduction_ratio}: would need a saving of {saving:.0%} on every device; "
            "choose one between -0.5 and 0.8"
        )
    reporting = plain - saving * ramped
    names = [kind.device_class for kind in KINDS]
    return Truth(
        first_year,
        last_year,
        1 - float(reporting.sum()) / adjusted_wh,
        float(saving),
        float(base.sum()) / 1e3,
        adjusted_wh / 1e3,
        float(reporting.sum()) / 1e3,
        dict(zip(names, (base / 1e3).tolist(), strict=True)),
        dict(zip(names, (reporting / 1e3).tolist(), strict=True)),
        users[0],
        users[1],
        float((room[0, 0] - saving * room[0, 1]) / (room[1, 0] - saving * room[1, 1])),
    )


def used_j(fleet: Fleet, month: Month, saving_ratio: float) -> Floats:
    """Energy of each device (row) on each day (column) with the policy in force, in J."""
    kept = np.array([1 - saving_ratio * ramp(fleet, day) for day in month.days])
    return np.asarray(month.used_wh * kept * 3600.0, dtype=np.float64)


def _by_kind(fleet: Fleet, month: Month) -> Floats:
    return np.stack([month.used_wh[fleet.kind == k].sum(axis=0) for k in range(len(KINDS))])


def month_end_users(fleet: Fleet, month: str) -> Floats:
    """Users by organisation on the last day of a month, as a register counts them."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return np.round(users_at(fleet, (date(year, number + 1, 1) - fleet.first).days - 1))


def _users(fleet: Fleet, year: int) -> float:
    months = [month for month in fleet.months() if int(month[:4]) == year]
    return float(np.mean([month_end_users(fleet, month).sum() for month in months]))
