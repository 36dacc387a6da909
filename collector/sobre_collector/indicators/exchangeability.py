"""Are monitored devices like the others? Devices that join are compared with those present.

The total assumes that, within a stratum, monitored and unmonitored devices are exchangeable. Nobody
sees the unmonitored ones, but those that join were unmonitored until now: if they use less or more
than the devices already present, the assumption is broken and no interval protects (method 2.2.3).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import copysign, fsum, inf, sqrt
from typing import Any, TypeVar

from sobre_collector.indicators.moments import Stratum, StratumMonth
from sobre_collector.indicators.quantiles import satterthwaite, t_cdf
from sobre_collector.indicators.ratio import DAY_TYPES, rate_kwh, residual_square
from sobre_drivers.errors import StoreError

# A warning that is false once in a hundred results is still read.
ALARM_LEVEL = 0.99

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Comparison:
    """By how much devices that joined differ from those present, as a ratio of the mean of all.

    −0.26 if they use 26 % less. `variance` is that of the ratio if there were no difference.
    `stratum` and `month` are None where several were put together.
    """

    month: str | None
    stratum: Stratum | None
    joined: int
    present: int
    difference_ratio: float
    variance: float
    df: float

    @property
    def z(self) -> float:
        """The difference in standard errors; negative if those that joined use less."""
        if self.variance > 0:
            return self.difference_ratio / sqrt(self.variance)
        return copysign(inf, self.difference_ratio) if self.difference_ratio else 0.0

    @property
    def p_value(self) -> float:
        """How often chance alone shows such a difference, were there none (two-sided)."""
        return 2 * t_cdf(-abs(self.z), self.df)


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

    If the sides are exchangeable, one is a random part of all: Var = s²·(1/n + 1/n'), with s² of
    the linearised values of all. A side's own variance would be small where its mean is, and the
    logarithm of a mean of few is too low; either made false alarms ten times as frequent.
    """
    if joined.month != present.month or joined.stratum != present.stratum:
        raise ValueError(
            f"{joined.month} {joined.stratum} against {present.month} {present.stratum}: "
            "compare within one stratum and one month"
        )
    if joined.squares is None or present.squares is None:
        return None
    n, m = joined.devices, present.devices
    sums = [a + b for a, b in zip(joined.sums, present.sums, strict=True)]
    squares = [a + b for a, b in zip(joined.squares, present.squares, strict=True)]
    weights = [0.0, 0.0]
    for t in DAY_TYPES:
        if rate_kwh(joined, t) is not None and rate_kwh(present, t) is not None:
            weights[t] = joined.calendar_days[t] * (n + m) / sums[2 + t]
    unit_kwh = fsum(weights[t] * sums[t] for t in DAY_TYPES) / (n + m)
    if unit_kwh <= 0:
        return None
    off_kwh = [
        fsum(
            weights[t] * (row.sums[t] - sums[t] / sums[2 + t] * row.sums[2 + t])
            for t in DAY_TYPES
            if weights[t] > 0
        )
        / row.devices
        for row in (joined, present)
    ]
    square = residual_square(sums, squares, (weights[0], weights[1])) / (n + m - 1)
    return Comparison(
        joined.month,
        joined.stratum,
        n,
        m,
        (off_kwh[0] - off_kwh[1]) / unit_kwh,
        square * (1 / n + 1 / m) / unit_kwh**2,
        n + m - 2.0,
    )


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
        fsum(share * one.difference_ratio for share, one in zip(parts, usable, strict=True)),
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


def to_json(one: Comparison) -> dict[str, Any]:
    """A JSON object to keep when the month's device rows are forgotten; only of one stratum."""
    if one.stratum is None:
        raise ValueError("several comparisons together are not stored; store each")
    return asdict(one)


def from_json(stored: Mapping[str, Any]) -> Comparison:
    """The comparison that `to_json` wrote; StoreError if it is another shape."""
    try:
        return Comparison(**{**stored, "stratum": Stratum(**stored["stratum"])})
    except (KeyError, TypeError) as error:
        raise StoreError(f"stored comparison: {error!r}; restore the ledger's back-up") from error
