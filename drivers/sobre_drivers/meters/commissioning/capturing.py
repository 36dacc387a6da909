"""Which way of recording a protocol has, and of reading a recording again."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.capture_file import BODIES, Captured
from sobre_drivers.meters.commissioning.look import ANY_W
from sobre_drivers.meters.commissioning.masking import Masks
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.tasmota import kind as tasmota_kind
from sobre_drivers.sample import Reading

# Others are asked over the network, and answer in words: host_capture.
_MODULES = {
    "modbus": "modbus",
    "snmp": "snmp",
    "tic": "serial",
    "p1": "serial",
    "ipp": "ipp",
    "dcmi": "tool",
    "zigbee2mqtt": "topic",
    "tasmota over MQTT": "topic",
}
# They speak by themselves.
_LISTENS = ("serial", "topic")
# A capture has no address; each protocol wants its own kind of one.
_NOWHERE: Mapping[str, Mapping[str, Any]] = {
    "serial": {"serial_port": "capture"},
    "other": {"host": "capture"},
}


def record(
    meter: MeterSettings, folder: Path | None, masks: Masks, listen_s: float
) -> dict[str, Any]:
    """The body of a capture; MeterError if the meter is silent, ConfigError if it cannot be."""
    protocol = _protocol(meter.profile, folder)
    module = _module(protocol)
    if _MODULES.get(protocol) in _LISTENS:
        made: dict[str, Any] = module.record(meter, folder, masks, listen_s)
    else:
        made = module.record(meter, folder, masks)
    return made


def replay(
    profile: str, folder: Path | None, captured: Captured
) -> tuple[MeterSettings, list[Reading], list[Value]]:
    """What a profile reads from a capture, without any meter."""
    protocol = _protocol(profile, folder)
    if BODIES[protocol] not in captured.body:
        raise ConfigError(f"capture: {BODIES[protocol]!r} is missing; a {protocol} capture has it")
    where = _NOWHERE["serial" if _MODULES.get(protocol) == "serial" else "other"]
    meter = MeterSettings(device="capture", profile=profile, rated_w=ANY_W, **where)
    readings, shown = _module(protocol).replay(meter, folder, captured.body)
    return meter, readings, shown


def _protocol(profile: str, folder: Path | None) -> str:
    path = catalog.find(profile, folder)
    protocol = catalog.about(path).protocol
    if protocol == "tasmota" and tasmota_kind.read(path).by == "mqtt":
        protocol = "tasmota over MQTT"
    if protocol not in BODIES:
        known = ", ".join(BODIES)
        raise ConfigError(f"profile {profile} speaks {protocol}; captures are made of {known}")
    return protocol


def _module(protocol: str) -> Any:
    name = _MODULES.get(protocol, "host")
    try:
        return import_module(f"sobre_drivers.meters.commissioning.{name}_capture")
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error.name} is not installed; pip install 'sobre[meters]'") from error
