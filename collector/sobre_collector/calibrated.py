"""Where a class's factor meets its days: on energy that a model estimated, and on nothing else."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from sobre_collector.day_sums import rounded
from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.rows import DayRow, Device, Key

# How an agent's birth says that a device has no meter (`sobre_drivers.pc`).
_BY_MODEL = re.compile(r"\bmodel (\d+)\b")
# Factors are kept to the millionth, so that days stay integers and are the same wherever built.
_MILLION = 1_000_000


def modelled(device: Device) -> bool:
    """Whether a device's energy comes from a model; a meter's filled gaps are estimated too."""
    return model_version(device.method) is not None


def model_version(method: str) -> int | None:
    """The version of the model that a method names; None where there is none."""
    found = _BY_MODEL.search(method)
    return None if found is None else int(found[1])


def calibrated(
    days: Iterable[DayRow], devices: Mapping[Key, Device], factors: Mapping[str, Applied]
) -> Iterator[DayRow]:
    """The same days, in the same order, with the factor of their class where a model made them."""
    by_key = {
        key: factors[device.device_class]
        for key, device in devices.items()
        if device.device_class in factors and modelled(device)
    }
    for row in days:
        applied = by_key.get(row.key)
        yield row if applied is None else with_factor(row, applied)


def with_factor(row: DayRow, applied: Applied) -> DayRow:
    """A day whose estimated energy (J) is multiplied; what was filled follows the day's mean."""
    millionths = round(applied.factor_ratio * _MILLION)
    own_j = rounded((row.estimated_j - row.filled_j) * millionths, _MILLION)
    before_j = row.energy_j - row.filled_j
    after_j = row.measured_j + row.allocated_j + own_j
    filled_j = rounded(row.filled_j * after_j, before_j) if before_j else row.filled_j
    whole_j = after_j + filled_j
    out_j = rounded(row.out_of_hours_j * whole_j, row.energy_j) if row.energy_j else 0
    return replace(row, estimated_j=own_j + filled_j, filled_j=filled_j, out_of_hours_j=out_j)


def stamped(
    rows: Iterable[StratumMonth],
    devices: Iterable[Device],
    factors: Mapping[str, Applied],
) -> list[StratumMonth]:
    """Months that say which factor is in them."""
    touched = {device.device_class for device in devices if modelled(device)} & factors.keys()
    return [
        replace(row, calibration=factors[row.stratum.device_class].number)
        if row.stratum.device_class in touched
        else row
        for row in rows
    ]
