"""From what a PC can say of itself to the power at its plug: pure, with parameters as data.

No counter in a PC measures its plug. Each way of estimating has its own parameters and its own
stated error, in `pc/models/*.toml` with their sources (docs/accuracy.md measures them).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sobre_drivers.load import PC_STATES

# What stands between the words of `Intel(R) Xeon(R) CPU E5-2660 0 @ 2.20GHz`.
_MARKS = re.compile(r"(?:\((?:R|TM)\)|\b(?:CPU|Processor)\b|\s)+", re.IGNORECASE)
# Below this load the processor sleeps deeper and deeper: SPECpower has its lowest level there.
_AWAKE_RATIO = 0.1


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Plug power from `idle_w` to `max_w` (W): a `step` of that way (ratio) as soon as there is
    work, the rest of it as load ratio to the `exponent`."""

    idle_w: float
    max_w: float
    exponent: float
    uncertainty_ratio: float
    step: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.idle_w < self.max_w:
            raise ValueError("idle_w: more than 0 and less than max_w is needed")
        _curved(self.exponent, self.step)
        _stated(self.uncertainty_ratio)


@dataclass(frozen=True, slots=True)
class Generation:
    """How power grows with load, for processors whose name matches one of the patterns."""

    name: str
    match: tuple[str, ...]
    step: float
    exponent: float

    def __post_init__(self) -> None:
        _curved(self.exponent, self.step)
        _patterns(self.match)


@dataclass(frozen=True, slots=True)
class Generations:
    """All processor generations of a file; the first that matches counts."""

    version: int
    sources: tuple[str, ...]
    generations: tuple[Generation, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """What PCs in an enclosure draw when idle (W); `chassis` are its types in DMTF DSP0134."""

    name: str
    chassis: tuple[int, ...]
    idle_w: float
    uncertainty_ratio: float

    def __post_init__(self) -> None:
        if self.idle_w <= 0:
            raise ValueError("idle_w: more than 0 is needed")
        _stated(self.uncertainty_ratio)


@dataclass(frozen=True, slots=True)
class Processor:
    """What a kind of processor changes: from idle to full by `swing_w` (W).

    `idle_w` and `uncertainty_ratio` are those of PCs built round it, whatever their shape, `rest_w`
    and `factor` take its counters to the plug; None: as the shape or the class says.
    """

    name: str
    match: tuple[str, ...]
    swing_w: float
    idle_w: float | None = None
    rest_w: float | None = None
    factor: float | None = None
    uncertainty_ratio: float | None = None

    def __post_init__(self) -> None:
        if self.swing_w <= 0:
            raise ValueError("swing_w: more than 0 is needed")
        _patterns(self.match)


@dataclass(frozen=True, slots=True)
class Linear:
    """Plug power (W) as `rest_w` plus `factor` times what a part of the machine draws."""

    rest_w: float
    factor: float
    uncertainty_ratio: float

    def __post_init__(self) -> None:
        if self.rest_w < 0:
            raise ValueError("rest_w: 0 W or more is needed")
        if self.factor < 1:
            raise ValueError("factor: less than 1 would be a supply that makes energy")
        _stated(self.uncertainty_ratio)


@dataclass(frozen=True, slots=True)
class PcModel:
    """All parameters of one class of PC.

    `rated_w`, `off_w`, `sleep_w` in W; `uncertainty_ratio` everywhere the half width of a 95 %
    interval. `powercap` goes from package and memory to the plug, `psys` from what sees the whole
    machine behind its supply, `plug` from what sees it before, `battery` from the battery while it
    discharges. A graphics card that counts for itself adds its power by `powercap.factor`.
    """

    version: int
    device_class: Literal["workstation.laptop", "workstation.desktop", "server"]
    rated_w: float
    off_w: float
    sleep_w: float
    utilisation: Utilisation
    powercap: Linear
    psys: Linear
    plug: Linear
    battery: Linear
    sources: tuple[str, ...]
    shapes: tuple[Shape, ...] = ()
    processors: tuple[Processor, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.off_w <= self.sleep_w <= self.utilisation.idle_w:
            raise ValueError("sleep_w: off_w ≤ sleep_w ≤ utilisation.idle_w is needed")
        if self.rated_w < self.utilisation.max_w:
            raise ValueError("rated_w: less than utilisation.max_w")
        if not self.sources:
            raise ValueError("sources: say where the figures come from")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds that all processors together were busy, and were there, since an arbitrary zero."""

    busy_s: float
    total_s: float


def utilised_w(model: PcModel, load_ratio: float) -> float:
    """Plug power (W) of a running PC at a processor load from 0 to 1; beyond is cut off."""
    curve = model.utilisation
    way_ratio = grown_ratio(load_ratio, curve.step, curve.exponent)
    return curve.idle_w + (curve.max_w - curve.idle_w) * way_ratio


def grown_ratio(load_ratio: float, step: float, exponent: float) -> float:
    """How far (0–1) power has gone from idle to full at a load from 0 to 1; beyond is cut off."""
    ratio = min(1.0, max(0.0, load_ratio))
    # math.pow, since the type of float ** float may be complex.
    return step * min(1.0, ratio / _AWAKE_RATIO) + (1 - step) * math.pow(ratio, exponent)


def fitted(
    model: PcModel, generations: Sequence[Generation], chassis: int | None, processor: str
) -> tuple[PcModel, tuple[str, ...]]:
    """The model with the parameters of this enclosure and processor, and their names."""
    shape = next((each for each in model.shapes if chassis in each.chassis), None)
    kind = next((each for each in model.processors if matches(each.match, processor)), None)
    grown = next((each for each in generations if matches(each.match, processor)), None)
    curve, powercap = model.utilisation, model.powercap
    idle_w, swing_w = curve.idle_w, curve.max_w - curve.idle_w
    uncertainty_ratio = curve.uncertainty_ratio
    if shape is not None:
        idle_w, uncertainty_ratio = shape.idle_w, shape.uncertainty_ratio
    if kind is not None:
        idle_w, swing_w = kind.idle_w or idle_w, kind.swing_w
        uncertainty_ratio = kind.uncertainty_ratio or uncertainty_ratio
        rest_w = powercap.rest_w if kind.rest_w is None else kind.rest_w
        powercap = replace(powercap, rest_w=rest_w, factor=kind.factor or powercap.factor)
    step, exponent = curve.step, curve.exponent
    if grown is not None:
        step, exponent = grown.step, grown.exponent
    made = Utilisation(idle_w, idle_w + swing_w, exponent, uncertainty_ratio, step)
    names = tuple(each.name for each in (shape, kind, grown) if each is not None)
    return replace(model, utilisation=made, powercap=powercap), names


def matches(patterns: Sequence[str], processor: str) -> bool:
    """Whether a processor's name, without `(R)` and its like, holds one of the patterns."""
    name = _MARKS.sub(" ", processor)
    return any(re.search(pattern, name, re.IGNORECASE) for pattern in patterns)


def plug_w(part: Linear, part_w: float) -> float:
    """Plug power (W) when a part of the machine draws `part_w`."""
    return part.rest_w + part.factor * part_w


def state_w(model: PcModel, state: str, load_ratio: float = 0.0) -> float | None:
    """Plug power (W) in a state of a PC; None for "unknown"."""
    if state not in PC_STATES:
        raise ValueError(f"state: {state!r} is none of {[*PC_STATES]}")
    if state == "on":
        return utilised_w(model, load_ratio)
    return {"off": model.off_w, "sleep": model.sleep_w}.get(state)


def load_between(before: CpuTime, after: CpuTime) -> float | None:
    """Processor load (0–1) between two moments; None if the counters did not run forwards."""
    busy_s, total_s = after.busy_s - before.busy_s, after.total_s - before.total_s
    if total_s <= 0 or busy_s < 0:
        return None
    return min(1.0, busy_s / total_s)


def counted_uj(
    before: Mapping[str, int], after: Mapping[str, int], range_uj: Mapping[str, int | None]
) -> int | None:
    """Energy (µJ) that counters saw between two moments; None if one of them does not tell.

    A counter that went down has wrapped, and only its own range says where. Without a range, or
    beyond it, nothing is assumed.
    """
    total_uj = 0
    if before.keys() != after.keys():
        return None
    for key, now_uj in after.items():
        grown_uj = now_uj - before[key]
        if grown_uj < 0:
            wraps_uj = range_uj.get(key)
            if wraps_uj is None or before[key] > wraps_uj:
                return None
            grown_uj += wraps_uj
        total_uj += grown_uj
    return total_uj


def _stated(uncertainty_ratio: float) -> None:
    if not 0 < uncertainty_ratio <= 10:
        raise ValueError(f"uncertainty_ratio: {uncertainty_ratio}; above 0, up to 10, is needed")


def _curved(exponent: float, step: float) -> None:
    if not 0.1 <= exponent <= 10:
        raise ValueError(f"exponent: {exponent}; 0.1 to 10 is needed")
    if not 0 <= step < 1:
        raise ValueError(f"step: {step}; 0 to less than 1 is needed")


def _patterns(match: Sequence[str]) -> None:
    for pattern in match:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"match: {pattern!r} is no pattern ({error})") from error
