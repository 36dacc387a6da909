"""SNMP, as the catalogue takes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.snmp import access, points, profile
from sobre_drivers.sample import Described

if TYPE_CHECKING:
    from sobre_drivers.meters.snmp.driver import SnmpDriver

PORT = 161


def about(path: Path) -> About:
    """The model of a profile file."""
    model = profile.read(path)
    energy = any(part.energy for part in model.part)
    power = any(part.power for part in model.part)
    return About(
        protocol="snmp",
        maker=model.maker,
        model=model.model,
        source=model.source,
        confirmed=model.confirmed,
        device_class=model.device_class,
        measures="register" if energy else "power" if power else "state",
        devices=sum(part.count for part in model.part),
        note=model.note,
        sample_s=model.sample_s,
        hours=model.hours,
    )


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The devices behind an agent, without asking it; ConfigError if the settings do not fit."""
    if not meter.host:
        raise ConfigError(f"{meter.device}: host is missing; name the agent's address")
    model = profile.read(path)
    # (Wherever a template stands in it.)
    if meter.unit_id != 1 and "{unit}" not in repr(model):
        raise ConfigError(
            f"{meter.device}: unit_id is {meter.unit_id}; profile {name} knows no chain, so that "
            "the first one would be read again; leave it out"
        )
    access.credentials(meter.device, meter.snmp)
    whole = Own(meter.device_class, meter.rated_w)
    return [
        points.described(model, name, point, whole, own.get(point.device))
        for point in points.points(model, meter.device, meter.outlets)
    ]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "SnmpDriver":
    """The driver of an agent. All of them share one event loop."""
    try:
        from sobre_drivers.meters.snmp.driver import SnmpDriver
        from sobre_drivers.meters.snmp.exchange import Exchange
        from sobre_drivers.meters.snmp.session import Session
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    model = profile.read(path)
    session = Session(
        lines.setdefault(("snmp", ""), Exchange()),
        meter.host,
        meter.port or PORT,
        access.credentials(meter.device, meter.snmp),
        meter.timeout_s,
        # A lost answer of a printer is made up for by the next round; a second question is not.
        retries=0 if model.patient else 1,
        max_oids=model.max_oids,
    )
    behind = points.points(model, meter.device, meter.outlets)
    return SnmpDriver(meter.device, session, meter.unit_id, model, behind, described)
