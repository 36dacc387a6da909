"""What `ipmitool` printed of a server's power."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.masking import Masks
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.dcmi import decoding
from sobre_drivers.meters.dcmi.driver import DcmiDriver
from sobre_drivers.meters.kind import Value
from sobre_drivers.sample import Reading


def record(meter: MeterSettings, folder: Path | None, masks: Masks) -> dict[str, Any]:
    """Its lines."""
    driver = cast(DcmiDriver, catalog.driver_for(meter, folder))
    return {"lines": masks.everywhere(driver.said()).splitlines()}


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Value]]:
    """What is read from a capture; MeterError if it tells no power."""
    lines = held["lines"]
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ConfigError("capture: 'lines' needs a list of texts")
    text = "\n".join(lines)
    try:
        power_w = decoding.power_w(text)
    except MeterError as error:
        raise MeterError(f"{meter.device}: {error}") from error
    shown = [Value(meter.device, name, said, "") for name, said in decoding.lines(text).items()]
    return [Reading(meter.device, power_w=power_w)], shown
