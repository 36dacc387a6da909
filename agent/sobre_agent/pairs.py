"""A PC's estimate beside its plug, step by step: pure, so that any session can be told again.

Only time in which both spoke counts: what one of them missed is left out of both.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum, hypot, sqrt

from sobre_drivers.comparison import LEAST_HOURS
from sobre_drivers.errors import MeterError
from sobre_drivers.sample import RATED_MARGIN, UJ_PER_J, Described, Instant, Reading

# Samples of a PC resemble those before them for minutes; of parts as long as this or longer, one
# says little about the next.
BATCHES = 12
# A register that counts in more than 1 Wh moves too rarely: power tells more where it is said.
FINE_COUNT_UJ = 3_600 * UJ_PER_J
# The clock of a machine that slept ran on by this (s) while the other one stood still.
_SLEPT_S = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """What both said of the same `span_s` seconds (J)."""

    span_s: float
    model_j: float
    plug_j: float
    method: str


@dataclass(frozen=True, slots=True)
class Result:
    """Mean powers (W) over `hours`, the standard error of their ratio, and what was left out."""

    model_w: float
    plug_w: float
    se_ratio: float
    hours: float
    method: str
    left_out_h: float


def passed_s(before: Instant, at: Instant, gap_s: float) -> float | None:
    """Time between two instants (s); None after a gap, and where the machine slept in between."""
    span_s = at.mono_s - before.mono_s
    slept_s = (at.boot_s - before.boot_s) - span_s
    return span_s if 0 < span_s <= gap_s and slept_s <= _SLEPT_S else None


def model_j(before: Reading, now: Reading, span_s: float) -> float | None:
    """Energy (J) of a PC by its model between two readings."""
    if now.power_w is None:
        return None
    power_w = now.power_w
    if not now.mean and before.power_w is not None:
        power_w = (before.power_w + now.power_w) / 2
    return power_w * span_s


def plug_j(plug: Described, before: Reading, now: Reading, span_s: float) -> float | None:
    """Energy (J) that a plug saw between two readings; None if it does not tell."""
    if by_register(plug, before) and by_register(plug, now):
        energy_j = ((now.register_uj or 0) - (before.register_uj or 0)) / UJ_PER_J
        most_j = plug.rated_w * RATED_MARGIN * span_s + plug.count_uj / UJ_PER_J
        # A register that turned over, was reset or misread says nothing of this step.
        usable = before.serial == now.serial and 0 <= energy_j <= most_j
        return energy_j if usable else None
    if before.power_w is None or now.power_w is None:
        return None
    return (before.power_w + now.power_w) / 2 * span_s


def by_register(plug: Described, reading: Reading) -> bool:
    """Whether a plug is told by its register, which misses nothing, or else by its power."""
    if reading.register_uj is None:
        return False
    return plug.count_uj <= FINE_COUNT_UJ or reading.power_w is None


class Pairing:
    """Takes both readings of an instant; each two instants in a row make a step, if they can."""

    def __init__(self, plug: Described, gap_s: float) -> None:
        self._plug, self._gap_s = plug, gap_s
        self._last: tuple[Instant, Reading, Reading] | None = None

    def take(
        self, at: Instant, model: Reading | None, plug: Reading | None, method: str
    ) -> Step | None:
        """None for the first instant, after a gap or sleep, and where one of them said nothing."""
        last = self._last
        if model is None or plug is None:
            self._last = None
            return None
        self._last = at, model, plug
        span_s = None if last is None else passed_s(last[0], at, self._gap_s)
        if last is None or span_s is None:
            return None
        by_model_j = model_j(last[1], model, span_s)
        by_plug_j = plug_j(self._plug, last[2], plug, span_s)
        if by_model_j is None or by_plug_j is None:
            return None
        return Step(span_s, by_model_j, by_plug_j, method)


def result(steps: Sequence[Step], count_j: float = 0.0) -> Result:
    """The ratio of plug to model over a session; `count_j` is the step of the plug's register (J).

    Where the model changed its method on the way, the one that it had longest counts. MeterError if
    too little is left to say anything.
    """
    by_method: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_method[step.method].append(step)
    lasting = max(by_method.values(), key=_span_s, default=[])
    span_s = _span_s(lasting)
    if span_s < LEAST_HOURS * 3600:
        raise MeterError(
            f"only {span_s / 3600:.1f} h could be compared; {LEAST_HOURS:g} h at least are needed, "
            "better a working day"
        )
    by_model_j = fsum(step.model_j for step in lasting)
    by_plug_j = fsum(step.plug_j for step in lasting)
    if by_model_j <= 0 or by_plug_j <= 0:
        raise MeterError("one of the two said 0 W all the time; does the plug feed this PC?")
    ratio = by_plug_j / by_model_j
    batches = _batches(lasting, span_s)
    residual = fsum((at_plug - ratio * modelled) ** 2 for modelled, at_plug in batches)
    n = len(batches)
    se = sqrt(residual / (n * (n - 1))) * n / by_model_j / ratio
    # Two looks at a register, each off by up to one count: triangular.
    counted = count_j / sqrt(6) / by_plug_j
    return Result(
        by_model_j / span_s,
        by_plug_j / span_s,
        hypot(se, counted),
        span_s / 3600,
        lasting[0].method,
        (_span_s(steps) - span_s) / 3600,
    )


def _span_s(steps: Iterable[Step]) -> float:
    return fsum(step.span_s for step in steps)


def _batches(steps: Sequence[Step], span_s: float) -> list[tuple[float, float]]:
    """Energy (J) by model and plug in parts of the same length, a step in one of them only."""
    sums = [[0.0, 0.0] for _ in range(BATCHES)]
    at_s = 0.0
    for step in steps:
        k = min(BATCHES - 1, int((at_s + step.span_s / 2) / span_s * BATCHES))
        sums[k][0] += step.model_j
        sums[k][1] += step.plug_j
        at_s += step.span_s
    return [(by_model_j, by_plug_j) for by_model_j, by_plug_j in sums]


class Curve:
    """Energy (J) over time (s) from readings of one device: cumulative, or the power in between."""

    def __init__(self, times_s: Sequence[float], energy_j: Sequence[float | None]) -> None:
        """`energy_j` is cumulative; None breaks the curve there."""
        self._times_s = list(times_s)
        self._energy_j = list(energy_j)

    @property
    def times_s(self) -> Sequence[float]:
        """When the device spoke."""
        return self._times_s

    @staticmethod
    def of_power(times_s: Sequence[float], power_w: Sequence[float]) -> "Curve":
        """The curve under power samples (W), by trapezoids."""
        energy_j = [0.0]
        for k in range(1, len(times_s)):
            span_s = times_s[k] - times_s[k - 1]
            energy_j.append(energy_j[-1] + (power_w[k - 1] + power_w[k]) / 2 * span_s)
        return Curve(times_s, energy_j)

    def between(self, start_s: float, end_s: float, gap_s: float) -> float | None:
        """Energy between two instants; None where the readings around leave a gap or go back."""
        first = bisect_right(self._times_s, start_s) - 1
        last = bisect_right(self._times_s, end_s) - 1
        if first < 0 or (last + 1 >= len(self._times_s) and self._times_s[last] != end_s):
            return None
        last = last if self._times_s[last] == end_s else last + 1
        for k in range(first, last):
            before, after = self._energy_j[k], self._energy_j[k + 1]
            if before is None or after is None or after < before:
                return None
            if self._times_s[k + 1] - self._times_s[k] > gap_s:
                return None
        return self._at(end_s) - self._at(start_s)

    def _at(self, at_s: float) -> float:
        k = bisect_right(self._times_s, at_s) - 1
        before = self._energy_j[k] or 0.0
        if self._times_s[k] == at_s or k + 1 == len(self._times_s):
            return before
        after = self._energy_j[k + 1] or 0.0
        ratio = (at_s - self._times_s[k]) / (self._times_s[k + 1] - self._times_s[k])
        return before + ratio * (after - before)


def compared(own: Curve, plug: Curve, gap_s: float, method: str) -> list[Step]:
    """Steps from two curves that were read apart, on the times of the PC's own."""
    found = []
    for start_s, end_s in zip(own.times_s, own.times_s[1:], strict=False):
        by_model_j = own.between(start_s, end_s, gap_s)
        by_plug_j = plug.between(start_s, end_s, gap_s)
        if by_model_j is not None and by_plug_j is not None:
            found.append(Step(end_s - start_s, by_model_j, by_plug_j, method))
    return found
