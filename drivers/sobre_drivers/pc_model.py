"""From what a PC can say of itself to the power at its plug: pure, with parameters as data.

No counter in a PC measures its plug. Each way of estimating has its own parameters and its own
stated error, in `pc_models/*.toml` with their sources.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sobre_drivers.load import PC_STATES


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Plug power from `idle_w` to `max_w` (W), between them as load ratio to the `exponent`."""

    idle_w: float
    max_w: float
    exponent: float
    uncertainty_ratio: float

    def __post_init__(self) -> None:
        if not 0 < self.idle_w < self.max_w:
            raise ValueError("idle_w: more than 0 and less than max_w is needed")
        if not 0.1 <= self.exponent <= 10:
            raise ValueError(f"exponent: {self.exponent}; 0.1 to 10 is needed")
        _stated(self.uncertainty_ratio)


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
    interval. `powercap` goes from package and memory to the plug, `psys` from the platform's
    counter, `battery` from the battery while it discharges.
    """

    version: int
    device_class: Literal["workstation.laptop", "workstation.desktop"]
    rated_w: float
    off_w: float
    sleep_w: float
    utilisation: Utilisation
    powercap: Linear
    psys: Linear
    battery: Linear
    sources: tuple[str, ...]

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
    ratio = min(1.0, max(0.0, load_ratio))
    # math.pow, since the type of float ** float may be complex.
    return curve.idle_w + (curve.max_w - curve.idle_w) * math.pow(ratio, curve.exponent)


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
