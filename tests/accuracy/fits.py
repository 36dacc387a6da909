"""The parameters that one half of each table asks for: what is written into the data files."""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median

from accuracy.tables import LEVELS, YEAR_RATIOS, Declared, Server, Step
from sobre_drivers.pc.pc_model import Generation, grown_ratio, matches
from sobre_drivers.pc.screens import ScreenModel

HOURS = 8.76  # thousands of a year: kWh of a year from W
_STEPS = tuple(step / 100 for step in range(0, 35, 5))
_EXPONENTS = tuple(exponent / 10 for exponent in range(5, 26))


def generation_of(server: Server, known: Sequence[Generation]) -> Generation | None:
    """The generation of a machine's processor by its name, as on a PC."""
    return next((each for each in known if matches(each.match, server.processor)), None)


def grown_w(server: Server, level: int, step: float, exponent: float) -> float:
    """Power (W) between a machine's own idle and full power."""
    idle_w, full_w = server.power_w[0], server.power_w[-1]
    return idle_w + (full_w - idle_w) * grown_ratio(level / 100, step, exponent)


def curve(machines: Sequence[Server]) -> tuple[float, float]:
    """(step, exponent) with the least mean error over all levels between idle and full."""
    return min(
        ((step, exponent) for step in _STEPS for exponent in _EXPONENTS),
        key=lambda each: fmean(curve_errors(machines, lambda _: each)),
    )


def curve_errors(
    machines: Iterable[Server],
    of: Callable[[Server], tuple[float, float]],
    levels: Sequence[int] = LEVELS[1:-1],
) -> list[float]:
    """|estimate / truth − 1| of each machine at each of the levels."""
    return [
        abs(grown_w(machine, level, *of(machine)) / machine.power_w[level // 10] - 1)
        for machine in machines
        for level in levels
    ]


def idle_w(models: Sequence[Declared], off_w: float, sleep_w: float) -> float:
    """Idle power (W) behind the middle model of a kind."""
    return median(own_idle_w(model, off_w, sleep_w) for model in models)


def own_idle_w(model: Declared, off_w: float, sleep_w: float) -> float:
    """Idle power (W) behind a declared year."""
    off_ratio, sleep_ratio, idle_ratio = YEAR_RATIOS[year_of(model)]
    return (model.year_kwh / HOURS - off_ratio * off_w - sleep_ratio * sleep_w) / idle_ratio


def year_kwh(model: Declared, idle_w: float, off_w: float, sleep_w: float) -> float:
    """Energy of a year (kWh) under the weights by which it is declared."""
    off_ratio, sleep_ratio, idle_ratio = YEAR_RATIOS[year_of(model)]
    return HOURS * (off_ratio * off_w + sleep_ratio * sleep_w + idle_ratio * idle_w)


def year_of(model: Declared) -> str:
    """Whose weights a declared model has."""
    return "workstation" if model.kind == "desktop workstation" else model.kind.split()[0]


def screen(models: Sequence[Declared], like: ScreenModel) -> tuple[float, float]:
    """(base W, W per square inch) of lit screens: the line with the least relative error."""
    sized = [model for model in models if model.diagonal_in]

    def error(base_w: float, w_per_in2: float) -> float:
        return fmean(
            abs(
                (base_w + w_per_in2 * (model.diagonal_in or 0) ** 2 * 144 / 337)
                / own_idle_w(model, like.off_w, like.sleep_w)
                - 1
            )
            for model in sized
        )

    return min(
        ((base / 2, slope / 1000) for base in range(0, 21) for slope in range(10, 101, 2)),
        key=lambda each: error(*each),
    )


def offset_w(steps: Sequence[Step]) -> float:
    """Power (W) beside the package counter: the middle of what is left."""
    return median(step.plug_w - step.package_w for step in steps)


def plug_curve(steps: Sequence[Step]) -> tuple[float, float, float]:
    """(idle W, swing W, exponent) of one machine, with the least mean error over its steps."""

    def error(idle_w: float, swing_w: float, exponent: float) -> float:
        return fmean(
            abs((idle_w + swing_w * grown_ratio(step.load_ratio, 0, exponent)) / step.plug_w - 1)
            for step in steps
        )

    return min(
        (
            (float(idle_w), float(swing_w), exponent / 10)
            for idle_w in range(80, 160, 5)
            for swing_w in range(120, 220, 5)
            for exponent in range(3, 13)
        ),
        key=lambda each: error(*each),
    )


def quantile(errors: Sequence[float], ratio: float) -> float:
    """The smallest error that `ratio` of all rows, and one more to come, do not exceed."""
    ordered = sorted(errors)
    rank = math.ceil(ratio * (len(ordered) + 1))
    return ordered[min(rank, len(ordered)) - 1]
