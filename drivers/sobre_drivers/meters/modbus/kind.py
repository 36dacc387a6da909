"""Modbus, as the catalogue takes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.configured import MeterSettings, SerialLine
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.modbus import points, profile
from sobre_drivers.sample import Described

if TYPE_CHECKING:
    from sobre_drivers.meters.modbus.driver import ModbusDriver


def about(path: Path) -> About:
    """The model of a profile file."""
    model = profile.read(path)
    energy = any(part.energy for part in model.part)
    return About(
        protocol="modbus",
        maker=model.maker,
        model=model.model,
        source=model.source,
        confirmed=model.confirmed,
        device_class=model.device_class,
        measures="register" if energy else "power",
        devices=sum(part.count for part in model.part),
        note=model.note,
    )


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The devices behind a meter, without asking it; ConfigError if the settings do not fit."""
    _refuse_unused(meter)
    model = profile.read(path)
    whole = Own(meter.device_class, meter.rated_w)
    return [
        points.described(model, name, point, whole, own.get(point.device))
        for point in points.points(model, meter.device, meter.outlets)
    ]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "ModbusDriver":
    """The driver of a meter. Meters behind one address share its line, so that a gateway or a bus
    is asked one thing at a time; ConfigError if they want that line otherwise."""
    try:
        from sobre_drivers.meters.modbus.driver import ModbusDriver
        from sobre_drivers.meters.modbus.lines import line_for
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    model = profile.read(path)
    behind = points.points(model, meter.device, meter.outlets)
    line = line_for(meter, model.line, lines)
    return ModbusDriver(
        meter.device, line, meter.unit_id, meter.timeout_s, model, behind, described
    )


def _refuse_unused(meter: MeterSettings) -> None:
    device = meter.device
    if not meter.host and not meter.serial_port:
        raise ConfigError(f"{device}: host is missing; name the meter's address, or a serial_port")
    if meter.host and meter.serial != SerialLine():
        raise ConfigError(f"{device}: serial is beside host; set the gateway itself, leave it out")
    if meter.serial_port and meter.port is not None:
        raise ConfigError(
            f"{device}: port is beside serial_port; only a host has one, leave it out"
        )
    if meter.serial_port and not 1 <= meter.unit_id <= 247:
        raise ConfigError(f"{device}: unit_id is {meter.unit_id}; 1 to 247 answer on a serial line")
