"""Whether the values that a meter shows can be, and what is probably wrong where they cannot.

A verdict is given to people who put a meter into service; nothing is settled by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sobre_drivers.meters.kind import Value
from sobre_drivers.sample import RATED_MARGIN

Level = Literal["ok", "doubt", "wrong", "silent", "none"]

POWER_W = {"W": 1.0, "kW": 1e3, "mW": 1e-3}
ENERGY_WH = {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "J": 1 / 3600, "kJ": 1 / 3.6}
# What low-voltage grids have: IEC 60038 with its tolerances, phase to neutral or to phase.
VOLTAGE_V = (80.0, 560.0)
FREQUENCY_HZ = (45.0, 65.0)
# More than the largest low-voltage feeder carries.
CURRENT_A = (0.0, 6300.0)
# Below this a float in the wrong word order is more likely than so small a value.
LEAST = 1e-6
# More than the largest feeder counts in a century (Wh).
MOST_WH = 1e12
# The nearest is the likeliest.
_SCALES = (0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be thought of a value; `finding` names the likely cause where it is doubtful."""

    level: Level
    finding: str = ""


OK, NONE, SILENT = Verdict("ok"), Verdict("none"), Verdict("silent")


def verdicts(
    shown: Sequence[Value], rated_w: Mapping[str, float], turned: Sequence[Value] = ()
) -> list[Verdict]:
    """One for each value. `rated_w` (W) is by device, None where nobody stated it.

    `turned` is what the same registers say in the other word order.
    """
    other = {(each.device, each.name): each.value for each in turned}
    return [
        verdict(each, rated_w.get(each.device), other.get((each.device, each.name)))
        for each in shown
    ]


def verdict(shown: Value, rated_w: float | None, turned: float | str | None = None) -> Verdict:
    """What is to be thought of one value; `turned` is it in the other word order."""
    value = shown.value
    if value is None:
        return SILENT
    bounds = _bounds(shown, rated_w)
    if isinstance(value, str) or bounds is None:
        return NONE
    if bounds.hold(value):
        return OK
    told = f"{value:g} {shown.unit}".strip() + " cannot be"
    if isinstance(turned, float) and bounds.hold(turned) and turned != 0:
        return Verdict(
            "wrong",
            f"{told}; in the other word order it would be {turned:g} {shown.unit}: the profile's "
            "word_order is probably wrong",
        )
    if value < 0 and bounds.hold(-value):
        return Verdict(bounds.negative, f"{told if bounds.negative == 'wrong' else bounds.why}")
    if value == 0:
        return Verdict("doubt", "0; is this phase connected, and the meter switched on?")
    for scale in _SCALES if bounds.scaled else ():
        if bounds.hold(value * scale):
            return Verdict(
                "wrong",
                f"{told}; times {scale:g} it would be {value * scale:g} {shown.unit}: "
                f"{bounds.blamed} is probably wrong",
            )
    return Verdict("wrong", f"{told}; {bounds.remedy}")


@dataclass(frozen=True, slots=True)
class _Bounds:
    low: float
    high: float
    zero: bool = True
    scaled: bool = False
    blamed: str = "scale or unit"
    negative: Level = "wrong"
    why: str = ""
    remedy: str = "are the model and the unit id right?"

    def hold(self, value: float) -> bool:
        if value == 0:
            return self.zero
        return self.low <= value <= self.high


def _bounds(shown: Value, rated_w: float | None) -> _Bounds | None:
    """What holds a value of this kind; None where nothing is known of it."""
    name, unit = shown.name, shown.unit
    if unit in POWER_W and rated_w is not None:
        per_w = 1 / POWER_W[unit]
        return _Bounds(
            LEAST * per_w,
            rated_w * RATED_MARGIN * per_w,
            scaled=True,
            blamed="scale, unit or rated_w",
            negative="doubt",
            why="power flows back; is a current transformer the wrong way round?",
            remedy=f"{rated_w:g} W is the most by rated_w; are that and the model right?",
        )
    if unit in POWER_W:
        # Unbounded, and yet a float in the wrong word order shows.
        return _Bounds(
            LEAST, 1e9, negative="doubt", why="power flows back; is a transformer turned?"
        )
    if unit in ENERGY_WH:
        return _Bounds(LEAST, MOST_WH / ENERGY_WH[unit])
    if unit == "V":
        return _Bounds(*VOLTAGE_V, zero=False, scaled=True)
    if unit == "Hz":
        return _Bounds(*FREQUENCY_HZ, zero=False, scaled=True)
    if unit == "A":
        return _Bounds(LEAST, CURRENT_A[1], negative="doubt", why="current flows back")
    if "power_factor" in name or name.startswith("cos_phi"):
        return _Bounds(LEAST, 1.0, scaled=True, negative="doubt", why="power flows back")
    if unit == "%":
        return _Bounds(LEAST, 150.0, scaled=True)
    return None
