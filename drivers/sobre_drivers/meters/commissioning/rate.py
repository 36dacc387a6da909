"""Whether an energy register rises as fast as power says: two rounds, some time apart."""

from collections.abc import Mapping, Sequence

from sobre_drivers.meters.commissioning.plausible import ENERGY_WH, POWER_W, Verdict
from sobre_drivers.meters.kind import Value

# Power between two rounds is guessed from its two ends.
_TOLERANCE_RATIO = 0.3
# So many steps of the register make a rate.
_STEPS = 4
_FACTORS = (0.001, 0.01, 0.1, 10.0, 100.0, 1000.0)

Rounds = Sequence[tuple[float, Sequence[Value]]]


def rates(rounds: Rounds, step_wh: Mapping[str, float]) -> dict[str, Verdict]:
    """By device, for those that show power and energy. `rounds` are (s, what was shown).

    `step_wh` is one step of each register (Wh).
    """
    if len(rounds) < 2:
        return {}
    found = {}
    devices = dict.fromkeys(each.device for each in rounds[0][1])
    for device in devices:
        powers = [_said(shown, device, "power", POWER_W) for _, shown in rounds]
        energies = [_said(shown, device, "energy", ENERGY_WH) for _, shown in rounds]
        told = [power for power in powers if power is not None]
        first_wh, last_wh = energies[0], energies[-1]
        if len(told) < len(powers) or first_wh is None or last_wh is None:
            continue
        span_s = rounds[-1][0] - rounds[0][0]
        mean_w = _mean(rounds, told)
        found[device] = rate(mean_w, last_wh - first_wh, span_s, step_wh.get(device, 0.0))
    return found


def rate(mean_w: float, rise_wh: float, span_s: float, step_wh: float) -> Verdict:
    """What a rise of energy (Wh) tells at a mean power (W) over a span (s)."""
    due_wh = mean_w * span_s / 3600
    said = f"{rise_wh:g} Wh in {span_s:.0f} s, where {mean_w:g} W are {due_wh:.3g} Wh"
    if rise_wh < 0:
        return Verdict("wrong", f"energy fell by {-rise_wh:g} Wh; is it a counter of this meter?")
    if due_wh < _STEPS * step_wh and rise_wh <= due_wh + _STEPS * step_wh:
        wait_s = _STEPS * step_wh * 3600 / mean_w if mean_w > 0 else 0.0
        longer = f"; watch it for {-(-wait_s // 60):.0f} min" if wait_s else ""
        return Verdict("none", f"energy has steps of {step_wh:g} Wh, too coarse to tell{longer}")
    if abs(rise_wh - due_wh) <= max(step_wh, _TOLERANCE_RATIO * due_wh) and rise_wh:
        return Verdict("ok", f"energy rises as power says: {said}")
    for factor in _FACTORS if rise_wh and due_wh else ():
        if abs(rise_wh * factor - due_wh) <= max(step_wh * factor, _TOLERANCE_RATIO * due_wh):
            return Verdict(
                "wrong",
                f"energy rises {1 / factor:g} times as fast as power says ({said}); scale or unit "
                "of one of them is probably wrong",
            )
    if rise_wh == 0:
        return Verdict("wrong", f"energy stands still ({said}); is it this meter's register?")
    return Verdict(
        "doubt", f"energy does not rise as power says ({said}); power changes, or they differ"
    )


def _mean(rounds: Rounds, power_w: Sequence[float]) -> float:
    """The mean power (W), each value lasting half the time to its neighbours."""
    total = 0.0
    for at in range(1, len(rounds)):
        span_s = rounds[at][0] - rounds[at - 1][0]
        total += span_s * (power_w[at] + power_w[at - 1]) / 2
    span_s = rounds[-1][0] - rounds[0][0]
    return total / span_s if span_s > 0 else power_w[0]


def _said(
    shown: Sequence[Value], device: str, name: str, units: Mapping[str, float]
) -> float | None:
    for each in shown:
        if (each.device, each.name) == (device, name) and each.unit in units:
            return each.value * units[each.unit] if isinstance(each.value, float) else None
    return None
