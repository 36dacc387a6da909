"""From 16-bit registers to values, exactly: integers stay integers until they are W or µJ."""

import math
import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction

from sobre_drivers.meters.modbus.profile import BITS, Energy, Kind, Power, Register, WordOrder
from sobre_drivers.meters.units import UJ, exact

# SunSpec's "not implemented" for a scale factor; no meter needs a power of ten beyond 10.
_NO_EXPONENT = 0x8000
_MAX_EXPONENT = 10

# What a unit is in W, as numerator and denominator.
_W = {"W": (1, 1), "kW": (1000, 1), "mW": (1, 1000)}


def pattern(words: Sequence[int], order: WordOrder) -> int:
    """The registers as one unsigned number."""
    made = 0
    for word in words if order == "high-first" else reversed(words):
        made = made << 16 | word
    return made


def raw(bits: int, kind: Kind) -> int | float:
    """A bit pattern as the number it stands for; NaN and infinities pass through."""
    width = BITS[kind]
    if kind.startswith("float"):
        code = ">f" if width == 32 else ">d"
        return float(struct.unpack(code, bits.to_bytes(width // 8, "big"))[0])
    negative = kind.startswith("int") and bits >> (width - 1)
    return bits - (1 << width) if negative else bits


def number(
    words: Sequence[int], register: Register, order: WordOrder, exponent: int = 0
) -> Fraction | None:
    """The value in the register's unit; None if the meter says that it has none."""
    bits = pattern(words, register.word_order or order)
    if bits in register.not_available:
        return None
    value = raw(bits, register.type)
    if not math.isfinite(value):
        return None
    if exponent == 0 and register.scale == 1.0 and register.offset == 0.0:
        return Fraction(value)
    return Fraction(value) * exact(register.scale) * Fraction(10) ** exponent + exact(
        register.offset
    )


def exponent(word: int) -> int | None:
    """The power of ten in a scale factor's register; None if there is none, or no sense in it."""
    value = int(raw(word, "int16"))
    return None if word == _NO_EXPONENT or abs(value) > _MAX_EXPONENT else value


def power_w(value: Fraction, register: Power) -> float:
    """W. Negative if the meter says that power flows back."""
    by, parts = _W[register.unit]
    return value.numerator * by / (value.denominator * parts)


def energy_uj(value: Fraction, register: Energy) -> int | None:
    """µJ, rounded where a register is finer than that; None for a total below 0."""
    if value.numerator < 0:
        return None
    whole, rest = divmod(value.numerator * UJ[register.unit], value.denominator)
    # As `round` does: half a µJ goes to the even one.
    twice = 2 * rest
    return whole + (twice > value.denominator or (twice == value.denominator and whole & 1))


def text(words: Sequence[int]) -> str | None:
    """A text of two characters a register, or of one where the high bytes are all empty.

    None if it is empty or not printable ASCII.
    """
    wide = 1 if max(words) <= 0xFF else 2
    data = b"".join(word.to_bytes(wide, "big") for word in words)
    made = data.split(b"\0", 1)[0].decode("latin-1").strip()
    return made if made and made.isascii() and made.isprintable() else None


def cut(picture: Mapping[int, int], address: int, count: int) -> list[int] | None:
    """The words at an address; None if one of them could not be read."""
    words = [picture.get(at) for at in range(address, address + count)]
    known = [word for word in words if word is not None]
    return known if len(known) == count else None
