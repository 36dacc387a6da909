"""From an agent's answers to values, exactly: integers stay integers until they are W or µJ."""

import re
from fractions import Fraction

from sobre_drivers.meters.snmp.objects import Energy, Object, Power
from sobre_drivers.meters.units import UJ, exact

# A number, an OID or address in dots, or octets.
Raw = int | str | bytes

# No meter needs more decimals than these.
_MAX_DIGITS = 10
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?")
_W = {"W": Fraction(1), "kW": Fraction(1000), "mW": Fraction(1, 1000)}


def number(raw: Raw | None, about: Object, scale: Raw | None = None) -> Fraction | None:
    """The value in the object's unit; None if the agent says that it has none, or no number.

    `scale` is what the object's `scale_oid` says.
    """
    value = _plain(raw)
    if value is None or value in about.not_available:
        return None
    if about.lowest is not None and value < about.lowest:
        return None
    further = _further(about, scale) if about.scale_oid else Fraction(1)
    if further is None:
        return None
    return value * exact(about.scale) * further + exact(about.offset)


def power_w(value: Fraction, about: Power) -> float:
    """W. Negative if the meter says that power flows back."""
    return float(value * _W[about.unit])


def energy_uj(value: Fraction, about: Energy) -> int | None:
    """µJ, rounded where a register is finer than that; None for a total below 0."""
    return round(value * UJ[about.unit]) if value >= 0 else None


def text(raw: Raw | None) -> str | None:
    """A text, without the blanks around it, or octets as hexadecimal; None if there is none."""
    if raw is None or isinstance(raw, int):
        return None if raw is None else str(raw)
    if isinstance(raw, bytes):
        octets = raw.rstrip(b"\0")
        try:
            raw = octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.hex()
        if not raw.isprintable():
            return octets.hex()
    return raw.strip() or None


def _further(about: Object, scale: Raw | None) -> Fraction | None:
    if not isinstance(scale, int) or isinstance(scale, bool):
        return None
    if about.scale_is == "factor":
        if scale == 0 or abs(scale) > 10**_MAX_DIGITS:
            return None
        return Fraction(scale) if scale > 0 else Fraction(1, -scale)
    exponent = scale if about.scale_is == "exponent" else -scale
    return Fraction(10) ** exponent if abs(exponent) <= _MAX_DIGITS else None


def _plain(raw: Raw | None) -> Fraction | None:
    """A number, or one that the agent wrote as a text."""
    if isinstance(raw, int):
        return Fraction(raw)
    if isinstance(raw, bytes):
        raw = raw.decode("latin-1").strip(" \0")
    return Fraction(raw) if raw is not None and _NUMBER.fullmatch(raw) else None
