"""Cumulative energy registers → energy: rollover, reset, gap, replacement, implausible jump.

method.md 2.1 with the precisions of 2.0. The last accepted reading stays as anchor. A reading that
is implausible against it is set aside: if the next one is plausible against the anchor, the one set
aside was a spike; if the next one confirms it, the register was reset or replaced, and the energy
in between is unknown.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a step of a register was."""

    OK = "ok"
    ROLLOVER = "rollover"
    RESET = "reset_lower_bound"
    REPLACED = "meter_replaced"
    JUMP = "implausible_jump"
    DROP = "implausible_drop"
    SPIKE = "spike"
    OUT_OF_ORDER = "duplicate_or_out_of_order"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a register can do: `power_max_w` (W) holds the margin of 1.1 already.

    `count_uj` is one count, `modulus_uj` where it wraps (µJ; None: no rollover is ever assumed).
    """

    power_max_w: float
    count_uj: int = 1
    modulus_uj: int | None = None

    def plausible(self, energy_uj: int, span_s: float) -> bool:
        """Whether so much energy (µJ) fits in the span: at full power, and one count more."""
        return energy_uj <= self.power_max_w * span_s * 1e6 + self.count_uj

    def hides_a_rollover(self, gap_s: float) -> bool:
        """Whether the register could wrap twice in a gap of `gap_s` without anyone seeing it."""
        return self.modulus_uj is not None and self.plausible(self.modulus_uj, gap_s)


@dataclass(frozen=True, slots=True)
class Shown:
    """A register at an instant: `at_s` on a clock of one's own, `value_uj` in µJ."""

    at_s: float
    value_uj: int
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What is settled of a span: its energy (µJ, None if unknown) and why."""

    start_s: float
    end_s: float
    energy_uj: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Register:
    """Where settling stands: the last accepted reading, and one that waits for its confirmation."""

    anchor: Shown | None = None
    aside: Shown | None = None


def settle(state: Register, now: Shown, limits: Limits) -> tuple[Register, tuple[Step, ...]]:
    """The next state, and the spans that this reading settles.

    Nothing is settled by a first reading, nor by one that is set aside. A step with verdict SPIKE
    or OUT_OF_ORDER has no length and no energy: it tells that a reading was not used.
    """
    anchor, aside = state.anchor, state.aside
    if anchor is None:
        return Register(now), ()
    last = aside or anchor
    if now.at_s <= last.at_s:
        return state, (Step(now.at_s, now.at_s, None, Verdict.OUT_OF_ORDER),)
    if _replaced(anchor, now):
        return Register(now), (Step(anchor.at_s, now.at_s, None, Verdict.REPLACED),)
    step = between(anchor, now, limits)
    if step.verdict is Verdict.RESET and now.value_uj == 0 and aside is None:
        # It is also what some say who cannot read their register: the next reading tells.
        return Register(anchor, now), ()
    after = None if aside is None else between(aside, now, limits)
    # With time a register that was reset looks plausible as a reset from the anchor too, with all
    # that it shows; if it went on from the reading set aside, that one tells more.
    goes_on = after is not None and after.verdict is Verdict.OK
    if step.energy_uj is not None and not (step.verdict is Verdict.RESET and goes_on):
        spike = (Step(aside.at_s, aside.at_s, None, Verdict.SPIKE),) if aside else ()
        return Register(now), (*spike, step)
    if aside is not None and after is not None and after.energy_uj is not None:
        return Register(now), (between(anchor, aside, limits), after)
    return Register(anchor, now), ()


def between(before: Shown, now: Shown, limits: Limits) -> Step:
    """Energy between two readings of one register, or why it cannot be told."""
    span_s = now.at_s - before.at_s
    delta_uj = now.value_uj - before.value_uj
    if delta_uj >= 0:
        if limits.plausible(delta_uj, span_s):
            return Step(before.at_s, now.at_s, delta_uj, Verdict.OK)
        return Step(before.at_s, now.at_s, None, Verdict.JUMP)
    if limits.modulus_uj is not None:
        wrapped_uj = delta_uj + limits.modulus_uj
        if wrapped_uj >= 0 and limits.plausible(wrapped_uj, span_s):
            return Step(before.at_s, now.at_s, wrapped_uj, Verdict.ROLLOVER)
    if limits.plausible(now.value_uj, span_s):
        return Step(before.at_s, now.at_s, now.value_uj, Verdict.RESET)
    return Step(before.at_s, now.at_s, None, Verdict.DROP)


def _replaced(before: Shown, now: Shown) -> bool:
    return None not in (before.serial, now.serial) and before.serial != now.serial
