"""Modbus, as the catalogue takes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.modbus import points, profile
from sobre_drivers.sample import Described

if TYPE_CHECKING:
    from sobre_drivers.meters.modbus.driver import ModbusDriver

PORT = 502


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
    if not meter.host:
        raise ConfigError(f"{meter.device}: host is missing; name the meter's address")
    model = profile.read(path)
    whole = Own(meter.device_class, meter.rated_w)
    return [
        points.described(model, name, point, whole, own.get(point.device))
        for point in points.points(model, meter.device, meter.outlets)
    ]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "ModbusDriver":
    """The driver of a meter. Meters behind one address share its connection, so that a gateway
    is asked one thing at a time."""
    try:
        from sobre_drivers.meters.modbus.driver import Line, ModbusDriver
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    port = meter.port or PORT
    key = ("modbus", f"{meter.host}:{port}")
    line = lines.setdefault(key, Line(meter.host, port, meter.timeout_s))
    model = profile.read(path)
    behind = points.points(model, meter.device, meter.outlets)
    return ModbusDriver(meter.device, line, meter.unit_id, model, behind, described)
