"""What Shelly devices say of energy; each generation counts in a unit of its own."""

from collections.abc import Mapping
from typing import Any

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.figures import counted_uj, inside, positive
from sobre_drivers.meters.model import fingerprint
from sobre_drivers.meters.plugs.model import UJ_PER_WH, Figures

UJ_PER_WATT_MINUTE = 60_000_000


def first_generation(status: Mapping[str, Any], place: str, channel: int) -> Figures:
    """`/status` of Gen1: `meters` count in watt-minutes, `emeters` (EM, 3EM) in Wh."""
    meter = inside(status, place, channel)
    if meter is None:
        raise MeterError(f"has no {place}[{channel}]; is this the model of the profile?")
    if inside(meter, "is_valid") is False:
        raise MeterError(f"says itself that its {place}[{channel}] is not valid")
    unit_uj = UJ_PER_WH if place == "emeters" else UJ_PER_WATT_MINUTE
    mac = inside(status, "mac")
    return _said(
        positive(meter, "power"),
        counted_uj(positive(meter, "total"), unit_uj),
        fingerprint(mac) if isinstance(mac, str) and mac else None,
    )


def later_generation(status: Mapping[str, Any]) -> Figures:
    """`Switch.GetStatus` or `PM1.GetStatus` of Gen2 and later, in Wh."""
    return _said(
        positive(status, "apower"), counted_uj(positive(status, "aenergy", "total"), UJ_PER_WH)
    )


def _said(power_w: float | None, register_uj: int | None, serial: str | None = None) -> Figures:
    if power_w is None and register_uj is None:
        raise MeterError("says neither power nor energy; does this device measure?")
    return Figures(power_w, register_uj, serial)
