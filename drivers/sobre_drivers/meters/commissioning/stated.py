"""What a person read off a display, and whether a profile reads the same."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.kind import Value
from sobre_drivers.sample import UJ_PER_J, UJ_PER_KWH, Reading

_STATED = re.compile(
    r"(?:(?P<part>[a-z0-9][a-z0-9._-]*)[./])?(?P<name>[a-z0-9_]+)="
    r"(?P<number>[+-]?\d{1,15}(?:\.\d{1,9})?)\s*(?P<unit>[A-Za-z%]*)"
)
_W = {"W": Fraction(1), "kW": Fraction(1000), "mW": Fraction(1, 1000)}
_UJ = {
    "Wh": UJ_PER_KWH // 1000,
    "kWh": UJ_PER_KWH,
    "MWh": UJ_PER_KWH * 1000,
    "J": UJ_PER_J,
    "kJ": UJ_PER_J * 1000,
}

Expected = dict[str, dict[str, Any]]


def expected(stated: Sequence[str]) -> Expected:
    """`power=1410W outlet-03.energy=12.5kWh` by part, with how far each is rounded.

    Power is in W, energy in µJ, everything else as the profile has it. ConfigError names what is
    no such thing.
    """
    made: Expected = {}
    for each in stated:
        found = _STATED.fullmatch(each)
        if found is None:
            raise ConfigError(
                f"values: {each!r}; power=1410W or outlet-03.energy=12.5kWh is needed"
            )
        number, unit, name = Fraction(found["number"]), found["unit"], found["name"]
        # A display shows its last digit rounded, or cut off.
        _, _, decimals = found["number"].partition(".")
        digit = Fraction(1, 10 ** len(decimals))
        part = made.setdefault(found["part"] or "", {})
        within = part.setdefault("within", {})
        if name == "power":
            _one_of(each, unit, _W)
            part["power_w"] = float(number * _W[unit])
            within["power_w"] = float(digit * _W[unit])
        elif name == "energy":
            _one_of(each, unit, _UJ)
            part["register_uj"] = int(number * _UJ[unit])
            within["register_uj"] = int(digit * _UJ[unit])
        else:
            part.setdefault("shown", {})[name] = float(number)
            within[name] = float(digit)
    return made


def differences(
    wanted: Mapping[str, Mapping[str, Any]],
    device: str,
    readings: Sequence[Reading],
    shown: Sequence[Value],
) -> list[str]:
    """Where a profile reads something else than is expected; none if it reads it all."""
    by_part = {each.device.removeprefix(device).lstrip("/"): each for each in readings}
    values = {(each.device, each.name): each.value for each in shown}
    found = []
    for part, all_of_it in wanted.items():
        reading = by_part.get(part)
        subject = part or "the meter itself"
        if reading is None:
            found.append(f"{subject}: expected, and the profile has no such part")
            continue
        within = all_of_it.get("within", {})
        for key in ("power_w", "register_uj", "state", "pages", "serial"):
            if key in all_of_it:
                read = getattr(reading, key)
                found += _differs(subject, key, all_of_it[key], read, within.get(key, 0))
        for name, value in all_of_it.get("shown", {}).items():
            read = values.get((reading.device, name))
            found += _differs(subject, name, value, read, within.get(name, 0))
    return found


def _differs(subject: str, key: str, wanted: Any, read: Any, within: float) -> list[str]:
    numbers = isinstance(wanted, int | float) and isinstance(read, int | float)
    if (abs(wanted - read) <= within) if numbers else (wanted == read):
        return []
    rounded = f" ± {within:g}" if within else ""
    told = "nothing" if read is None else f"{read!r}"
    return [f"{subject}: {key} is {wanted!r}{rounded}, and the profile reads {told}"]


def _one_of(each: str, unit: str, units: Mapping[str, object]) -> None:
    if unit not in units:
        raise ConfigError(
            f"values: {each!r} has unit {unit!r}; one of {', '.join(units)} is needed"
        )
