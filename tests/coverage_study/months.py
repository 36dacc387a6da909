"""Columns of days become the product's months: sums by device here, all else by the product."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverage_study.fleet import Fleet, calendar
from sobre_collector.indicators.exchangeability import Comparison, compare
from sobre_collector.indicators.moments import (
    DeviceMonth,
    Stratum,
    StratumMonth,
    month_rows,
    stratum_month,
)
from sobre_drivers.load import personal

Devices = dict[str, DeviceMonth]


@dataclass(frozen=True)
class Month:
    """A month as it is closed: rows kept, inventory, and for the checks its devices by stratum."""

    name: str
    calendar_days: tuple[int, int]
    rows: list[StratumMonth]
    inventory: dict[Stratum, tuple[float, float]]
    devices: dict[Stratum, Devices]
    comparisons: list[Comparison]


def months(fleet: Fleet) -> list[Month]:
    """All months of a fleet; a device is named by its number in the columns."""
    names, day_type = calendar()
    every = list(dict.fromkeys(names))
    month = np.array([every.index(name) for name in names])
    found = []
    for number, name in enumerate(every):
        days = np.flatnonzero(month == number)
        found.append(_month(fleet, name, days, day_type[days]))
    return found


def _month(fleet: Fleet, name: str, days: NDArray[Any], types: NDArray[Any]) -> Month:
    seen = fleet.seen[:, days]
    kwh = np.where(seen, fleet.kwh[:, days], 0.0)
    sums = [kwh[:, types == t].sum(axis=1) for t in (0, 1)]
    valid = [seen[:, types == t].sum(axis=1) for t in (0, 1)]
    calendar_days = (int((types == 0).sum()), int((types == 1).sum()))
    devices: dict[Stratum, Devices] = {stratum: {} for stratum in fleet.strata}
    reporting = np.flatnonzero(valid[0] + valid[1] > 0)
    for k, x, y, v, w in zip(
        reporting.tolist(),
        *(column[reporting].tolist() for column in (*sums, *valid)),
        strict=True,
    ):
        one = DeviceMonth((x, y), (float(v), float(w)), x + y, 0.0, 0.0)
        devices[fleet.strata[fleet.stratum[k]]][str(k)] = one
    mean_units = fleet.in_service[:, days].mean(axis=1)
    units = np.bincount(fleet.stratum, weights=mean_units, minlength=len(fleet.strata))
    rows = month_rows(
        name, calendar_days, {s: list(d.values()) for s, d in devices.items()}, personal
    )
    return Month(
        name,
        calendar_days,
        rows,
        {s: (float(n), 0.0) for s, n in zip(fleet.strata, units, strict=True)},
        devices,
        _comparisons(fleet, name, calendar_days, devices, int(days[0])),
    )


def _comparisons(
    fleet: Fleet,
    name: str,
    calendar_days: tuple[int, int],
    devices: dict[Stratum, Devices],
    first_day: int,
) -> list[Comparison]:
    """Devices in their first whole month against those that were there before."""
    found = []
    for stratum, of in devices.items():
        since = {key: first_day - int(fleet.adopted[int(key)]) for key in of}
        joined = [one for key, one in of.items() if 0 <= since[key] < 28]
        present = [one for key, one in of.items() if since[key] >= 28]
        if len(joined) < 3 or len(present) < 3 or first_day == 0:
            continue
        pair = [stratum_month(name, stratum, calendar_days, side) for side in (joined, present)]
        one = compare(*pair)
        found += [one] if one is not None else []
    return found
