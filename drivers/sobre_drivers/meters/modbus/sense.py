"""Whether what a meter says can be: nonsense is no value, and a wrong word order is called so.

A register that a reader takes in the wrong word order still moves: by 65,536 counts for one. What
is held here never becomes energy; what a step of a register is worth is settled by the agent.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sobre_drivers.meters.modbus import decoding
from sobre_drivers.meters.modbus.profile import Energy, Power, WordOrder
from sobre_drivers.registers import Limits
from sobre_drivers.sample import UJ_PER_KWH

OTHER: dict[WordOrder, WordOrder] = {"high-first": "low-first", "low-first": "high-first"}
# No meter tells so little power (W): a float in the wrong word order looks like this.
LEAST_W = 1e-6
# More than the largest feeder counts in a century (µJ).
MOST_UJ = 10**22

Words = Sequence[int]
_Settled = TypeVar("_Settled", Power, Energy)


class Sense:
    """What is known of one device's values: its `limits`, and where its register stood."""

    __slots__ = ("_before", "_limits", "_swapped")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # When (s), the register (µJ) and its words.
        self._before: tuple[float, int, Words] | None = None
        self._swapped = False

    def power(
        self,
        value_w: float,
        words: Words,
        register: Power,
        order: WordOrder,
        exponent: int = 0,
        *,
        backwards: bool = False,
    ) -> str | None:
        """What is wrong with this power (W); None if it can be. It may flow `backwards` where a
        register tells the energy."""
        if self._can_be(value_w) or (backwards and self._can_be(-value_w)):
            return None
        made = f"power {value_w:g} W cannot be"
        if self._can_be(-value_w):
            return f"{made}, it flows backwards; is a current transformer the wrong way round?"
        order = register.word_order or order
        other = decoding.number(words, _turned(register, order), order, exponent)
        other_w = 0.0 if other is None else decoding.power_w(other, register)
        if len(words) > 1 and other_w and self._can_be(other_w):
            return f"{made}, {other_w:g} W could; {_remedy(order)}"
        return (
            f"{made}, {self._limits.power_max_w:g} W is the most by rated_w; are that, the unit id "
            "and the model right?"
        )

    def energy(
        self,
        value_uj: int,
        words: Words,
        register: Energy,
        order: WordOrder,
        at_s: float,
        exponent: int = 0,
    ) -> str | None:
        """What is wrong with this register (µJ) at an instant (s); None if nothing is."""
        if value_uj > MOST_UJ:
            return f"energy {value_uj / UJ_PER_KWH:.3g} kWh cannot be; is this the profile's model?"
        order = register.word_order or order
        before, self._before = self._before, (at_s, value_uj, words)
        if before is not None and value_uj != before[1] and len(words) > 1:
            span_s = at_s - before[0]
            turned = _turned(register, order)
            self._swapped = not self._goes_on(before[1], value_uj, span_s) and self._goes_on(
                _energy_uj(before[2], turned, order, exponent),
                _energy_uj(words, turned, order, exponent),
                span_s,
            )
        if self._swapped:
            return (
                "energy moves as it cannot, and as it could in the other word order; "
                f"{_remedy(order)}"
            )
        return None

    def _can_be(self, power_w: float) -> bool:
        return power_w == 0 or LEAST_W <= power_w <= self._limits.power_max_w

    def _goes_on(self, before_uj: int | None, now_uj: int | None, span_s: float) -> bool:
        if before_uj is None or now_uj is None or now_uj > MOST_UJ:
            return False
        return now_uj >= before_uj and self._limits.plausible(now_uj - before_uj, span_s)


def _energy_uj(words: Words, register: Energy, order: WordOrder, exponent: int) -> int | None:
    told = decoding.number(words, register, order, exponent)
    return None if told is None else decoding.energy_uj(told, register)


def _turned(register: _Settled, order: WordOrder) -> _Settled:
    return replace(register, word_order=OTHER[order])


def _remedy(order: WordOrder) -> str:
    return f"the profile's word_order is probably wrong, try {OTHER[order]!r}"
