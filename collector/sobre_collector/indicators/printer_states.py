"""A printer's states from its power, and its running hours from its states (method 2.5).

Thresholds are those of the model. A fuser that heats in short bursts must not look like printing,
hence the hysteresis and the dwell. Time that nobody saw is unknown, never off: a printer in deep
sleep may not answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sobre_drivers.load import PRINTER_STATES

RUNNING = ("printing", "warmup", "ready")
HYSTERESIS_RATIO = 0.10
DWELL_SAMPLES = 2
MAX_UNKNOWN_RATIO = 0.10
# From the least to the most power; warm-up cannot be told from power alone.
_BY_POWER = ("off", "sleep", "ready", "printing")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Watts at which a model sleeps rather than is off, is ready, and prints."""

    sleep_w: float
    ready_w: float
    printing_w: float

    def __post_init__(self) -> None:
        if not 0 < self.sleep_w < self.ready_w < self.printing_w:
            raise ValueError(
                f"thresholds {self.sleep_w}, {self.ready_w}, {self.printing_w} W: they must rise "
                "from sleep to ready to printing"
            )


@dataclass(frozen=True, slots=True)
class RunningHours:
    """Running hours of a day or longer: as seen, at most, and scaled (None if too little was seen).

    `by_state` holds hours, "unknown" among them.
    """

    seen_h: float
    most_h: float
    scaled_h: float | None
    by_state: Mapping[str, float]


def states(
    power_w: Sequence[float],
    thresholds: Thresholds,
    *,
    hysteresis_ratio: float = HYSTERESIS_RATIO,
    dwell_samples: int = DWELL_SAMPLES,
) -> list[str]:
    """The state at each sample of an unbroken series; hand in what follows a gap on its own.

    A threshold is passed upwards at its value and downwards at 10 % below it. A new state counts
    from its first sample, once it has lasted `dwell_samples`; the first sample counts as it is.
    """
    limits = (thresholds.sleep_w, thresholds.ready_w, thresholds.printing_w)
    found: list[int] = []
    current = candidate = None
    held = 0
    for power in power_w:
        if current is None:
            current = sum(power >= limit for limit in limits)
            found.append(current)
            continue
        level = _level(power, limits, current, hysteresis_ratio)
        held = held + 1 if level == candidate else 1
        candidate = level
        found.append(current)
        if level != current and held >= dwell_samples:
            current = level
            found[-held:] = [level] * held
    return [_BY_POWER[level] for level in found]


def _level(power_w: float, limits: Sequence[float], current: int, hysteresis_ratio: float) -> int:
    # Below or at the current level a threshold is only left 10 % under it.
    return sum(
        power_w >= (limit * (1 - hysteresis_ratio) if rank < current else limit)
        for rank, limit in enumerate(limits)
    )


def state_seconds(
    samples: Sequence[tuple[float, str]], end_s: float, longest_gap_s: float
) -> dict[str, float]:
    """Seconds in each state from the first sample to `end_s`; samples are (second, state).

    A state holds until the next sample, but not for longer than `longest_gap_s`: what exceeds it is
    unknown. ValueError for samples out of order or for a state nobody knows.
    """
    seconds: dict[str, float] = dict.fromkeys(PRINTER_STATES, 0.0)
    ends = [second for second, _ in samples[1:]] + [end_s]
    for (start, state), end in zip(samples, ends, strict=True):
        if end < start or state not in seconds:
            raise ValueError(f"state {state!r} from {start} to {end} s: out of order or unknown")
        held = min(end - start, longest_gap_s)
        seconds[state] += held
        seconds["unknown"] += end - start - held
    return seconds


def running_hours(state_s: Mapping[str, float], length_s: float) -> RunningHours:
    """Running time of a period that really lasted `length_s` (a day of 23 to 25 hours).

    Time that no state covers is unknown. The scaled value H·L/(L − unknown) stands only where at
    most 10 % is unknown; it always lies within [H, H + unknown].
    """
    known = {state: s for state, s in state_s.items() if state != "unknown"}
    covered_s = sum(known.values())
    # A tick of the clock may be counted twice, no more.
    if covered_s > length_s + 1:
        raise ValueError(f"{covered_s} s of states in a period of {length_s} s")
    unknown_s = max(0.0, length_s - covered_s)
    seen_s = sum(known.get(state, 0.0) for state in RUNNING)
    scaled_h = None
    if length_s > 0 and unknown_s <= MAX_UNKNOWN_RATIO * length_s:
        scaled_h = seen_s * length_s / (length_s - unknown_s) / 3600
    hours = {state: s / 3600 for state, s in known.items()} | {"unknown": unknown_s / 3600}
    return RunningHours(seen_s / 3600, (seen_s + unknown_s) / 3600, scaled_h, hours)


def bounded_hours(days: Iterable[RunningHours]) -> tuple[float, float]:
    """The least and the most a set of days can add up to, whatever happened unseen."""
    listed = list(days)
    return sum(day.seen_h for day in listed), sum(day.most_h for day in listed)


def is_active(pages: int | None, running_h: float) -> bool:
    """Whether a printer counts as active in a month: one page, or one hour of running."""
    return (pages or 0) >= 1 or running_h >= 1
