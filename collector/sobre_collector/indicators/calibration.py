"""From PCs that were read by a plug to a factor for their class (two-phase sampling, method 2.1).

A model's error is the same for all devices of a class, so that it does not average out over them; a
few PCs of the class, drawn at random and read by a plug, say what it is, and how surely.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, hypot, sqrt

from sobre_collector.indicators.moments import PAIRS, StratumMonth
from sobre_collector.indicators.quantiles import two_sided
from sobre_drivers.comparison import Comparison
from sobre_drivers.errors import ConfigError

# A stated error of a meter is a two-sided 95 % interval.
COVERAGE_FACTOR = 2.0
# At which the few degrees of freedom of a factor are carried into the report's interval.
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class ClassFactor:
    """k of a class from `sessions_n` PCs; `se_ratio` is se(k)/k between PCs, None for one PC.

    `meter_ratio` is the relative standard uncertainty that the plugs have in common, `spread_ratio`
    the standard deviation between PCs.
    """

    device_class: str
    factor_ratio: float
    se_ratio: float | None
    spread_ratio: float | None
    meter_ratio: float
    sessions_n: int

    @property
    def u_ratio(self) -> float | None:
        """Relative standard uncertainty that gives the interval of its few degrees of freedom."""
        if self.se_ratio is None:
            return None
        widened = two_sided(LEVEL, self.sessions_n - 1) / two_sided(LEVEL)
        return hypot(self.se_ratio * widened, self.meter_ratio)

    def interval(self) -> tuple[float, float] | None:
        """The factor's 95 % interval; None for one PC, which cannot tell how PCs differ."""
        u_ratio = self.u_ratio
        if u_ratio is None:
            return None
        half = two_sided(LEVEL) * u_ratio * self.factor_ratio
        return self.factor_ratio - half, self.factor_ratio + half


@dataclass(frozen=True, slots=True)
class Applied:
    """The factor of a class in force from a month on ("2026-11"), by its number in the ledger.

    `restates` says whether months that are closed get it too: only where all of the class's devices
    are estimated by a model, since a closed month does not tell one estimate from another.
    """

    number: int
    device_class: str
    from_month: str
    factor_ratio: float
    u_ratio: float
    restates: bool = True


def class_factor(sessions: Sequence[Comparison]) -> ClassFactor:
    """k = Σ plug / Σ model over the PCs of one class, and its standard error between them.

    Powers and not energies are added, so that a longer session does not make a PC count for more.
    The errors within the sessions are part of the scatter between them. The correction for a finite
    fleet is left out: calibrated PCs are few.
    """
    classes = {one.device_class for one in sessions}
    if len(classes) != 1:
        raise ConfigError(f"calibration of {', '.join(sorted(classes)) or 'nothing'}: one class")
    n = len(sessions)
    mean_w = fsum(one.model_w for one in sessions) / n
    factor = fsum(one.plug_w for one in sessions) / fsum(one.model_w for one in sessions)
    # Plugs are likely of one make: their error is taken to be the same one.
    meter = fsum(one.reference_u_ratio for one in sessions) / n / COVERAGE_FACTOR
    se = spread = None
    if n > 1:
        residual = fsum((one.plug_w - factor * one.model_w) ** 2 for one in sessions) / (n - 1)
        spread = sqrt(residual) / mean_w / factor
        se = spread / sqrt(n)
    return ClassFactor(classes.pop(), factor, se, spread, meter, n)


def restated(row: StratumMonth, applied: Applied, undone_ratio: float = 1.0) -> StratumMonth:
    """A closed month with a factor on its estimated part, from what was kept of it alone.

    Totals are exact. Where a part was measured, all devices and day types get the mean factor,
    since only the whole tells what was estimated. `undone_ratio` is the factor in it so far.
    """
    factor = applied.factor_ratio / undone_ratio
    seen_kwh = row.measured_kwh + row.estimated_kwh
    if seen_kwh <= 0:
        return replace(row, calibration=applied.number)
    k = (row.measured_kwh + factor * row.estimated_kwh) / seen_kwh
    x_work, x_rest, w_work, w_rest = row.sums
    squares = None
    if row.squares is not None:
        squares = tuple(
            moment * (k if i < 2 else 1.0) * (k if j < 2 else 1.0)
            for (i, j), moment in zip(PAIRS, row.squares, strict=True)
        )
    return replace(
        row,
        sums=(k * x_work, k * x_rest, w_work, w_rest),
        squares=squares,
        estimated_kwh=factor * row.estimated_kwh,
        out_of_hours_kwh=k * row.out_of_hours_kwh,
        largest_kwh=None if row.largest_kwh is None else k * row.largest_kwh,
        calibration=applied.number,
    )


def brought_forward(
    rows: Iterable[StratumMonth], factors: Sequence[Applied], closed: Collection[str]
) -> list[StratumMonth]:
    """Months as they count by now: those closed under another factor are restated."""
    by_number = {one.number: one for one in factors}
    by_month: dict[str, dict[str, Applied]] = {}
    found = []
    for row in rows:
        holding = by_month.setdefault(row.month, in_force(factors, row.month))
        applied = holding.get(row.stratum.device_class)
        if (
            applied is None
            or not applied.restates
            or row.month not in closed
            or row.calibration == applied.number
        ):
            found.append(row)
            continue
        before = by_number.get(row.calibration or 0)
        found.append(restated(row, applied, before.factor_ratio if before else 1.0))
    return found


def in_force(factors: Iterable[Applied], month: str) -> dict[str, Applied]:
    """By class the factor that holds in a month: the last that was decided for it."""
    return {
        one.device_class: one
        for one in sorted(factors, key=lambda one: one.number)
        if one.from_month <= month
    }


def source(device_class: str, calibration: int | None) -> str:
    """The name of what devices of a class have in common: their model, or one calibration of it."""
    return device_class if calibration is None else f"{device_class}#{calibration}"


def sources_u(models_u: Mapping[str, float], factors: Iterable[Applied]) -> dict[str, float]:
    """Relative standard uncertainty (k = 1) of each model by class, and of each calibration."""
    return {
        **models_u,
        **{source(one.device_class, one.number): one.u_ratio for one in factors},
    }
