"""What Tasmota says of energy: `Status 8` over HTTP, `tele/…/SENSOR` over MQTT.

`Total` is the register and never goes back by itself; `Today` begins anew each midnight and is not
looked at. `TotalStartTime` changes when somebody resets the register: then it is another one.
"""

from collections.abc import Mapping
from typing import Any

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.figures import counted_uj, inside, positive
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.sample import UJ_PER_KWH


def figures(message: Mapping[str, Any]) -> Figures:
    """Power and register; MeterError if it says neither."""
    energy = inside(message, "StatusSNS", "ENERGY") or inside(message, "ENERGY")
    if "WARNING" in message:
        raise MeterError("asks who is there; give its user and password as login")
    start = inside(energy, "TotalStartTime")
    said = Figures(
        _whole(energy, "Power"),
        counted_uj(_whole(energy, "Total"), UJ_PER_KWH),
        start if isinstance(start, str) and start else None,
    )
    if said.power_w is None and said.register_uj is None:
        raise MeterError("says no ENERGY; has this device a power sensor, and is it set up?")
    return said


def _whole(energy: Any, name: str) -> float | None:
    """A figure; where there are several phases or channels, their sum if all are said."""
    parts = inside(energy, name)
    if not isinstance(parts, list):
        return positive(energy, name)
    found = [positive(parts, place) for place in range(len(parts))]
    known = [each for each in found if each is not None]
    return sum(known) if known and len(known) == len(found) else None
