"""Units of power and energy as profiles name them, and what a register's steps are in µJ."""

from fractions import Fraction
from functools import lru_cache
from typing import Literal, Protocol

from sobre_drivers.sample import UJ_PER_J, UJ_PER_KWH

PowerUnit = Literal["W", "kW", "mW"]
EnergyUnit = Literal["Wh", "kWh", "MWh", "J", "kJ"]

# What one of a unit is in µJ.
UJ: dict[EnergyUnit, int] = {
    "Wh": UJ_PER_KWH // 1000,
    "kWh": UJ_PER_KWH,
    "MWh": UJ_PER_KWH * 1000,
    "J": UJ_PER_J,
    "kJ": UJ_PER_J * 1000,
}


class Counter(Protocol):
    """A cumulative register of a profile: value = raw × `scale`, in `unit`.

    `resolution` (in `unit`) is its step where `scale` does not say so; it starts again from 0 at
    the raw value `modulus`.
    """

    @property
    def unit(self) -> EnergyUnit: ...
    @property
    def scale(self) -> float: ...
    @property
    def resolution(self) -> float | None: ...
    @property
    def modulus(self) -> int | None: ...


def count_uj(register: Counter) -> int:
    """One step of the register in µJ, at least 1."""
    step = exact(register.scale if register.resolution is None else register.resolution)
    return max(1, round(step * UJ[register.unit]))


def modulus_uj(register: Counter) -> int | None:
    """Where the register starts again from 0, in µJ; None if nobody knows."""
    if register.modulus is None:
        return None
    return round(register.modulus * exact(register.scale) * UJ[register.unit])


@lru_cache(maxsize=1024)
def exact(factor: float) -> Fraction:
    """The decimal that a person wrote: 0.1 is one tenth, not the nearest binary number."""
    return Fraction(repr(factor))
