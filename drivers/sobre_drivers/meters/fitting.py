"""What is said of a meter and means nothing to its protocol; meters that are said to be one place.

A key that does nothing is a mistake that nobody would find: the meter is read otherwise than the
person who wrote it thinks. Two meters at one place are the same joules twice.
"""

from collections.abc import Iterable
from dataclasses import MISSING, fields

from sobre_drivers.meters.configured import MeterSettings

# What is said of every meter.
_ALL = {"device", "profile", "device_class", "rated_w", "timeout_s"}
_HOST = {"host", "port"}
_PORT = {"serial_port", "serial"}
# What each protocol makes something of, beside that.
_USED: dict[str, set[str]] = {
    "modbus": {*_HOST, *_PORT, "unit_id", "framing", "outlets", "parts"},
    "tic": _PORT,
    "p1": _PORT,
    "snmp": {*_HOST, "unit_id", "outlets", "parts", "snmp"},
    "ipp": {*_HOST, "login"},
    "nut": _HOST,
    "dcmi": {*_HOST, "login"},
    "redfish": {*_HOST, "parts", "login"},
    "tasmota": {*_HOST, "topic", "login"},
    "shelly": {*_HOST, "outlets", "parts", "login"},
    "zigbee2mqtt": {*_HOST, "topic", "login"},
}
# Where several meters answer behind one address, each by its number.
_NUMBERED = {"modbus", "snmp"}
# Where nobody states one; printers' and plugs' own are in their addresses, and nobody shares them.
_PORTS = {"modbus": 502, "snmp": 161, "nut": 3493, "dcmi": 623, "redfish": 443}


def address(protocol: str, meter: MeterSettings) -> str:
    """What meters on one line have in common, whether or not its port is stated."""
    if meter.host and meter.port is None and protocol in _PORTS:
        return f"{meter.host}:{_PORTS[protocol]}"
    return meter.address


def unused(protocol: str, meter: MeterSettings) -> list[str]:
    """One line for each key that says something other than its default, to nobody."""
    used = _ALL | _USED[protocol]
    said = {name for name, value in _defaults().items() if getattr(meter, name) != value}
    return [
        f"{meter.device}: {name} means nothing to {protocol}; leave it out"
        for name in sorted(said - used)
    ]


def at_one_place(meters: Iterable[tuple[str, MeterSettings]]) -> list[str]:
    """One line for each meter (with its protocol) that is where one before it is.

    Chassis that are named apart stand behind one controller.
    """
    first: dict[tuple[object, ...], str] = {}
    spoken: dict[str, str] = {}
    found = []
    for protocol, meter in meters:
        if protocol == "redfish" and meter.parts:
            continue
        port = meter.serial_port
        if port and spoken.setdefault(port, protocol) != protocol:
            found.append(
                f"{meter.device}: serial_port: {spoken[port]} is spoken on {port}, and {protocol} "
                "cannot be beside it; give one of them another port"
            )
            continue
        # What speaks by itself has its port alone.
        unit_id = meter.unit_id if protocol in _NUMBERED else None
        # (One SNMP agent may speak for several devices, each by its community or context.)
        place = (protocol, address(protocol, meter), meter.topic, unit_id, meter.snmp)
        other = first.setdefault(place, meter.device)
        if other != meter.device:
            found.append(
                f"{meter.device}: is where {other} is, so that its energy would count twice; "
                "correct the address or unit_id of one, or leave it out"
            )
    return found


def _defaults() -> dict[str, object]:
    """The keys that may be left out, by what they then are."""
    made: dict[str, object] = {}
    for field in fields(MeterSettings):
        if field.name not in _ALL:
            make = field.default_factory
            made[field.name] = field.default if make is MISSING else make()
    return made
