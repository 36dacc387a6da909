"""How many plugs, on which classes, narrow an interval by how much. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, floor, fsum, hypot, log, sqrt

from sobre_collector.indicators.quantiles import two_sided

LEVEL = 0.95
# One plug more may be worth nothing where three more are worth much: a factor needs two PCs, and
# its interval with two is wide. So many are looked at together.
LOOK_AHEAD = 12
# A class is done with so many: what is left is the plugs' own error.
MOST_PER_CLASS = 200


@dataclass(frozen=True, slots=True)
class Class:
    """A class whose model weighs `weight_ratio` on the figure, with the error in it now (k = 1).

    `spread_ratio` is the standard deviation between PCs, `done_n` how many were read by a plug.
    """

    name: str
    weight_ratio: float
    u_ratio: float
    spread_ratio: float
    done_n: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """Of a reduction: its ends, and its log-standard deviation without the models' error."""

    low_ratio: float
    high_ratio: float

    @property
    def half_ratio(self) -> float:
        """Half its width."""
        return (self.high_ratio - self.low_ratio) / 2


def u_with(one: Class, plugs_n: int, meter_ratio: float) -> float:
    """The class's error (k = 1, relative) with so many plugs more; never worse than without."""
    n = one.done_n + plugs_n
    if plugs_n == 0 or n < 2:
        return one.u_ratio
    widened = two_sided(LEVEL, n - 1) / two_sided(LEVEL)
    return min(one.u_ratio, hypot(one.spread_ratio / sqrt(n) * widened, meter_ratio))


def narrowed(now: Interval, level: float, before_cv: float, after_cv: float) -> Interval:
    """A log interval of which the common error went from one cv to another."""
    middle = (log(1 - now.high_ratio) + log(1 - now.low_ratio)) / 2
    half = (log(1 - now.low_ratio) - log(1 - now.high_ratio)) / 2
    cv = half / two_sided(level)
    left = max(0.0, cv**2 - before_cv**2 + after_cv**2)
    half = two_sided(level) * sqrt(left)
    return Interval(1 - exp(middle + half), 1 - exp(middle - half))


def common_cv(classes: Sequence[Class], plugs_n: Mapping[str, int], meter_ratio: float) -> float:
    """√Σ (u·w)² over the classes."""
    return hypot(
        *(one.weight_ratio * u_with(one, plugs_n.get(one.name, 0), meter_ratio) for one in classes)
    )


def allocated(
    classes: Sequence[Class], meter_ratio: float, enough: Callable[[dict[str, int]], bool]
) -> dict[str, int]:
    """Plugs by class, each few of them where they take most off, until it is enough or no use."""
    given = {one.name: 0 for one in classes}
    while not enough(given):
        best_gain, best_name, best_n = 0.0, "", 0
        for one in classes:
            have = given[one.name]
            before = (one.weight_ratio * u_with(one, have, meter_ratio)) ** 2
            for more in range(1, min(LOOK_AHEAD, MOST_PER_CLASS - have) + 1):
                after = (one.weight_ratio * u_with(one, have + more, meter_ratio)) ** 2
                gain = (before - after) / more
                if gain > best_gain + 1e-15:
                    best_gain, best_name, best_n = gain, one.name, more
        if not best_name:
            break
        # One at a time, so that no more are given than asked for.
        for _ in range(best_n):
            if enough(given):
                break
            given[best_name] += 1
    return given


def placed(plugs_n: int, units_n: Mapping[str, float]) -> dict[str, int]:
    """Plugs of a class on its places, in proportion to its units there (largest remainders)."""
    whole = fsum(units_n.values())
    if whole <= 0:
        return {}
    shares = {name: plugs_n * part / whole for name, part in units_n.items()}
    found = {name: floor(share) for name, share in shares.items()}
    left = plugs_n - sum(found.values())
    for name in sorted(shares, key=lambda name: (found[name] - shares[name], name))[:left]:
        found[name] += 1
    return {name: n for name, n in found.items() if n > 0}
