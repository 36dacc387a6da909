"""Are monitored devices like the others? Devices that join are compared with those present.

The total assumes that, within a stratum, monitored and unmonitored devices are exchangeable. Nobody
sees the unmonitored ones, but those that join were unmonitored until now: if they use less or more
than the devices already present, the assumption is broken and no interval protects (method 2.2.3).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, fsum, inf, log, sqrt
from typing import TypeVar

from sobre_collector.indicators.moments import Stratum, StratumMonth
from sobre_collector.indicators.quantiles import satterthwaite, t_cdf
from sobre_collector.indicators.ratio import DAY_TYPES, rate_kwh, residual_square

# A warning that is false once in a hundred results is still read.
ALARM_LEVEL = 0.99

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Comparison:
    """ln(kWh per unit of devices that joined / of those present), its variance and df.

    `stratum` and `month` are None where several were put together.
    """

    month: str | None
    stratum: Stratum | None
    joined: int
    present: int
    log_ratio: float
    variance: float
    df: float

    @property
    def z(self) -> float:
        """The difference in standard errors; negative if those that joined use less."""
        if self.variance > 0:
            return self.log_ratio / sqrt(self.variance)
        return 0.0 if self.log_ratio == 0 else inf if self.log_ratio > 0 else -inf

    @property
    def p_value(self) -> float:
        """How often chance alone shows such a difference, were there none (two-sided)."""
        return 2 * t_cdf(-abs(self.z), self.df)

    @property
    def difference_ratio(self) -> float:
        """By how much joining devices differ: −0.26 if they use 26 % less."""
        return exp(self.log_ratio) - 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the assumption is in doubt, all strata together and each of them."""

    whole: Comparison | None
    strata: tuple[Comparison, ...]
    doubtful: tuple[Stratum, ...]
    alarm: bool


def compare(joined: StratumMonth, present: StratumMonth) -> Comparison | None:
    """One stratum in one month; None if a side keeps no second moments or shares no day type.

    Both rows are reductions (`stratum_month`) of the devices of that side. Hand in devices in their
    first whole month: those of a part of December would be compared with the whole of it.
    """
    if joined.month != present.month or joined.stratum != present.stratum:
        raise ValueError(
            f"{joined.month} {joined.stratum} against {present.month} {present.stratum}: "
            "compare within one stratum and one month"
        )
    both = [t for t in DAY_TYPES if rate_kwh(joined, t) is not None]
    both = [t for t in both if rate_kwh(present, t) is not None and present.calendar_days[t] > 0]
    sides = [_unit(joined, both), _unit(present, both)]
    if not both or any(side is None for side in sides):
        return None
    (new_kwh, new_cv2), (old_kwh, old_cv2) = (side for side in sides if side is not None)
    return Comparison(
        joined.month,
        joined.stratum,
        joined.devices,
        present.devices,
        log(new_kwh / old_kwh),
        new_cv2 + old_cv2,
        satterthwaite([(new_cv2, joined.devices - 1), (old_cv2, present.devices - 1)]),
    )


def _unit(row: StratumMonth, day_types: Sequence[int]) -> tuple[float, float] | None:
    """kWh of one unit over the day types, and its relative variance; no correction for finite N.

    The question is whether two groups come from one source, not what this fleet uses.
    """
    if row.squares is None or row.devices < 2:
        return None
    weights = [0.0, 0.0]
    for t in day_types:
        weights[t] = row.calendar_days[t] / row.sums[2 + t]
    unit_kwh = fsum(weights[t] * row.sums[t] for t in day_types)
    if unit_kwh <= 0:
        return None
    spread = residual_square(row.sums, row.squares, (weights[0], weights[1]))
    return unit_kwh, row.devices / (row.devices - 1) * spread / unit_kwh**2


def together(comparisons: Iterable[Comparison]) -> Comparison | None:
    """Several comparisons as one, weighted by how many devices they hold; None if there are none.

    Month by month other devices join, so that the comparisons are independent. Weights by estimated
    precision would prefer those whose spread came out small by chance: in simulation an alarm that
    should be false once in a hundred was so nine times.
    """
    usable = [one for one in comparisons if one.variance > 0]
    if not usable:
        return None
    weights = [one.joined * one.present / (one.joined + one.present) for one in usable]
    whole = fsum(weights)
    parts = [w / whole for w in weights]
    variances = [(p**2 * one.variance, one.df) for p, one in zip(parts, usable, strict=True)]
    return Comparison(
        _only({one.month for one in usable}),
        _only({one.stratum for one in usable}),
        sum(one.joined for one in usable),
        max(one.present for one in usable),
        fsum(share * one.log_ratio for share, one in zip(parts, usable, strict=True)),
        fsum(variance for variance, _ in variances),
        satterthwaite(variances),
    )


def _only(found: set[_T]) -> _T | None:
    return next(iter(found)) if len(found) == 1 else None


def verdict(comparisons: Iterable[Comparison], level: float = ALARM_LEVEL) -> Verdict:
    """The test of all strata together, and of each; `level` is kept over all of these at once.

    Half of the risk of a false alarm goes to the whole, half is shared by the strata (Bonferroni).
    """
    listed = list(comparisons)
    by_stratum: dict[Stratum | None, list[Comparison]] = defaultdict(list)
    for one in listed:
        by_stratum[one.stratum].append(one)
    whole = together(listed)
    strata = [found for group in by_stratum.values() if (found := together(group)) is not None]
    risk = (1 - level) / 2
    doubtful = tuple(
        one.stratum for one in strata if one.stratum and one.p_value < risk / len(strata)
    )
    alarm = bool(doubtful) or (whole is not None and whole.p_value < risk)
    return Verdict(whole, tuple(strata), doubtful, alarm)
