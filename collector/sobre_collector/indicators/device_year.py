"""One running number per device and year: the exact variance of a year's total (method 2.2.4 A).

The same devices are seen every month, so months' errors go together; adding them by the bound is
safe but wide. Keeping each device's linearised value makes the year exact. It is a memory of single
devices, hence refused for classes that tell about a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum, sqrt
from typing import Any

from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth
from sobre_collector.indicators.ratio import DAY_TYPES, covered_ratio
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import personal


@dataclass(frozen=True, slots=True)
class DeviceYear:
    """The linearised values (kWh) of a stratum's devices, summed over the months closed so far."""

    stratum: Stratum
    months: tuple[str, ...] = ()
    values_kwh: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if personal(self.stratum.device_class):
            raise ConfigError(
                f"device-year of {self.stratum.device_class!r}: nothing of single devices of a "
                "personal class outlives its month; add its months by the bound"
            )


def month_closed(
    so_far: DeviceYear,
    row: StratumMonth,
    devices: Mapping[str, DeviceMonth],
    inventory_n: float,
) -> DeviceYear:
    """The accumulator after one more month; `devices` (by pseudonym) are those that `row` sums up.

    Each device adds u = √((1 − f)·n/(n − 1))·Σ_τ N·D_τ·(x_τ − r_τ·w_τ)/Σw_τ, with f and n of the
    month: what is extrapolated in one month and counted in another weighs accordingly.
    """
    if row.month in so_far.months:
        raise ValueError(f"{row.month}: already in the device-year; it would count twice")
    if row.stratum != so_far.stratum:
        raise ValueError(f"{row.stratum} handed to the device-year of {so_far.stratum}")
    seen = {name: device for name, device in devices.items() if sum(device.valid_days) > 0}
    if len(seen) != row.devices:
        raise ValueError(
            f"{row.month}: {len(seen)} devices for a row of {row.devices}; hand in the devices "
            "that the row was made of"
        )
    values = dict(so_far.values_kwh)
    if row.devices >= 2:
        spread = sqrt((1 - covered_ratio(row, inventory_n)) * row.devices / (row.devices - 1))
        for name, device in seen.items():
            values[name] = values.get(name, 0.0) + spread * _residual_kwh(device, row, inventory_n)
    return DeviceYear(so_far.stratum, (*so_far.months, row.month), values)


def _residual_kwh(device: DeviceMonth, row: StratumMonth, inventory_n: float) -> float:
    parts = []
    for t in DAY_TYPES:
        x, w = row.sums[t], row.sums[2 + t]
        if w > 0:
            scale = inventory_n * row.calendar_days[t] / w
            parts.append(scale * (device.energy_kwh[t] - x / w * device.valid_days[t]))
    return fsum(parts)


def variance_kwh2(year: DeviceYear) -> float:
    """Variance (kWh²) of the year's total so far."""
    return fsum(value**2 for value in year.values_kwh.values())


def degrees_of_freedom(year: DeviceYear) -> float:
    """2 / (Σu⁴/(Σu²)² − 1/n), at most n − 1: a few large devices do not pass for many."""
    n = len(year.values_kwh)
    square = variance_kwh2(year)
    if n < 2 or square <= 0:
        return 1.0
    fourth = fsum((value**2 / square) ** 2 for value in year.values_kwh.values())
    excess = fourth - 1 / n
    return max(1.0, min(n - 1, 2 / excess)) if excess > 0 else float(n - 1)


def covariance_kwh2(before: DeviceYear, after: DeviceYear) -> float:
    """Covariance of two years' totals through the devices that were seen in both."""
    if before.stratum != after.stratum:
        raise ValueError(f"{before.stratum} and {after.stratum} share no device")
    both = before.values_kwh.keys() & after.values_kwh.keys()
    return fsum(before.values_kwh[name] * after.values_kwh[name] for name in sorted(both))


def correlation_ratio(before: DeviceYear, after: DeviceYear) -> float:
    """What the reduction takes as the correlation of both totals; 0 where one has no variance."""
    product = variance_kwh2(before) * variance_kwh2(after)
    return covariance_kwh2(before, after) / sqrt(product) if product > 0 else 0.0


def to_json(year: DeviceYear) -> dict[str, Any]:
    """A JSON object; `from_json` gives back an equal accumulator."""
    return {
        "organisation": year.stratum.organisation,
        "site": year.stratum.site,
        "class": year.stratum.device_class,
        "months": list(year.months),
        "values_kwh": dict(year.values_kwh),
    }


def from_json(stored: Mapping[str, Any]) -> DeviceYear:
    """The accumulator that `to_json` wrote; StoreError if it is another shape."""
    try:
        return DeviceYear(
            Stratum(stored["organisation"], stored["site"], stored["class"]),
            tuple(stored["months"]),
            {str(name): float(value) for name, value in stored["values_kwh"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"stored device-year: {error!r}; restore the ledger's back-up or start a new year"
        ) from error
