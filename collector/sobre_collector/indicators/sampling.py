"""How many agents buy which interval, before anything is installed (method 2.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, fsum, hypot, sqrt

from sobre_collector.indicators.quantiles import two_sided

# Two devices tell a spread; three may be kept (`moments.MIN_DEVICES_FOR_SQUARES`).
LEAST_PER_STRATUM = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stratum before measuring: units in service, kWh per unit and year, CV between units."""

    name: str
    units_n: int
    unit_kwh: float
    cv_ratio: float

    @property
    def spread_kwh(self) -> float:
        """N·S: what the stratum contributes to the error, per root of a monitored device."""
        return self.units_n * self.unit_kwh * self.cv_ratio


@dataclass(frozen=True, slots=True)
class Plan:
    """Agents per stratum, and the half-width they buy as a ratio of the total."""

    agents_n: Mapping[str, int]
    half_width_ratio: float
    level: float

    @property
    def whole_n(self) -> int:
        """Agents in all."""
        return sum(self.agents_n.values())


def sample_size(
    cv_ratio: float, half_width_ratio: float, level: float, units_n: float | None = None
) -> float:
    """n0 = (z·cv/e)², and n0/(1 + n0/N) of a finite fleet; round up what comes out."""
    if not (cv_ratio > 0 and half_width_ratio > 0):
        raise ValueError(f"cv {cv_ratio}, half-width {half_width_ratio}: both must be above 0")
    n0 = (two_sided(level) * cv_ratio / half_width_ratio) ** 2
    return n0 if units_n is None else n0 / (1 + n0 / units_n)


def allocated(strata: Sequence[Candidate], agents_n: int) -> dict[str, int]:
    """Neyman: n_h in proportion to N_h·S_h, at least 3 and at most all of a stratum.

    What a full stratum does not take goes to the others. Whole agents go one by one to where the
    next lowers the variance most, which is the exact optimum. ValueError if the minimum is not met.
    """
    given = {s.name: min(LEAST_PER_STRATUM, s.units_n) for s in strata}
    if len(given) != len(strata):
        raise ValueError("a stratum stands twice: join it first")
    left = agents_n - sum(given.values())
    if left < 0:
        raise ValueError(
            f"{agents_n} agents for {len(strata)} strata: {sum(given.values())} are the least"
        )
    rough = _proportional(strata, given, left)
    left = agents_n - sum(rough.values())
    while left > 0:
        open_ = [s for s in strata if rough[s.name] < s.units_n]
        if not open_:
            break
        best = max(open_, key=lambda s: (_gain(s, rough[s.name]), s.name))
        rough[best.name] += 1
        left -= 1
    return rough


def _proportional(
    strata: Sequence[Candidate], least: Mapping[str, int], left: int
) -> dict[str, int]:
    """A start from below: 98 % of each one's share, so that none has too many."""
    whole = fsum(s.spread_kwh for s in strata)
    agents_n = left + sum(least.values())
    if whole <= 0:
        return dict(least)
    start = {
        s.name: max(least[s.name], min(s.units_n, int(0.98 * agents_n * s.spread_kwh / whole) - 1))
        for s in strata
    }
    return start if sum(start.values()) <= agents_n else dict(least)


def _gain(stratum: Candidate, n: int) -> float:
    return stratum.spread_kwh**2 / (n * (n + 1)) if n > 0 else float("inf")


def half_width(strata: Sequence[Candidate], agents_n: Mapping[str, int], level: float) -> float:
    """Half-width of the total's interval, as a ratio, that these agents buy."""
    total_kwh = fsum(s.units_n * s.unit_kwh for s in strata)
    errors = []
    for s in strata:
        n = agents_n[s.name]
        if n < 1 or total_kwh <= 0:
            raise ValueError(f"stratum {s.name}: {n} agents of {s.units_n}, {total_kwh} kWh in all")
        errors.append(s.spread_kwh * sqrt(max(0.0, 1 - n / s.units_n) / n))
    return two_sided(level) * hypot(*errors) / total_kwh


def plan(strata: Sequence[Candidate], half_width_ratio: float, level: float = 0.95) -> Plan:
    """The fewest agents whose interval is at most ± `half_width_ratio` of the total."""
    if not half_width_ratio > 0:
        raise ValueError(f"half-width {half_width_ratio}: give a ratio above 0, such as 0.05")
    low = sum(min(LEAST_PER_STRATUM, s.units_n) for s in strata)
    high = sum(s.units_n for s in strata)
    while low < high:
        middle = (low + high) // 2
        if half_width(strata, allocated(strata, middle), level) <= half_width_ratio:
            high = middle
        else:
            low = middle + 1
    agents = allocated(strata, low)
    return Plan(agents, half_width(strata, agents, level), level)


def rounded_up(sample: float) -> int:
    """Whole devices; 64.0000001 from rounding is still 64."""
    return ceil(sample - 1e-9)
