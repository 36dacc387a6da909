"""Exact quantiles of the normal and Student distributions, so that a report needs no scipy.

Sources: Abramowitz & Stegun 26.5.8 (continued fraction of the incomplete beta), evaluated as in
Lentz, Applied Optics 15 (1976) 668; 26.7.5 (expansion of t around the normal quantile).
"""

from functools import lru_cache
from math import exp, inf, isinf, lgamma, log, log1p, pi
from statistics import NormalDist

_NORMAL = NormalDist()
_TINY = 1e-300
# Above this the expansion of 26.7.5 is exact to rounding and the fraction needs many terms.
_MANY_DF = 3_000.0
# Above this the fraction loses digits, and the inverse of that expansion needs two terms.
_NEARLY_NORMAL_DF = 1e6


def normal_quantile(probability: float) -> float:
    """z with P(Z ≤ z) = `probability`, which lies strictly between 0 and 1."""
    return _NORMAL.inv_cdf(probability)


def two_sided(level: float, df: float = inf) -> float:
    """The factor of a two-sided interval at `level` (0.95), e.g. 1.959964 for infinite `df`."""
    if not 0 < level < 1:
        raise ValueError(f"confidence level {level}: give a ratio between 0 and 1, such as 0.95")
    return t_quantile(0.5 + level / 2, df)


@lru_cache(maxsize=4096)
def t_quantile(probability: float, df: float = inf) -> float:
    """t with P(T ≤ t) = `probability` for `df` > 0 degrees of freedom, whole or not, or infinite.

    Relative error below 1e-9.
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability {probability}: must lie strictly between 0 and 1")
    if not df > 0:
        raise ValueError(f"{df} degrees of freedom: must be above 0")
    if probability < 0.5:
        return -t_quantile(1 - probability, df) if probability > 1e-3 else -_upper(probability, df)
    if probability == 0.5:
        return 0.0
    return _upper(1 - probability, df)


def t_cdf(t: float, df: float = inf) -> float:
    """P(T ≤ t) for `df` degrees of freedom."""
    if df > _NEARLY_NORMAL_DF:
        s = t * t
        return _NORMAL.cdf(t * (1 - ((s + 1) / 4 - (13 * s * s + 8 * s + 3) / 96 / df) / df))
    tail = _two_tails(abs(t), df) / 2
    return tail if t < 0 else 1 - tail


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 ≤ x ≤ 1."""
    return _incomplete_beta(a, b, x, 1 - x)


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    # `rest` is 1 − x, handed in because near x = 1 the subtraction would lose it.
    if x <= 0:
        return 0.0
    if rest <= 0:
        return 1.0
    front = exp(_log_gamma_step(a, b) - lgamma(b) + a * _log(x, rest) + b * _log(rest, x))
    # The fraction converges fast only below the mean of the beta distribution.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, rest) / b


def _log(x: float, rest: float) -> float:
    return log1p(-rest) if x > 0.5 else log(x)


def _log_gamma_step(a: float, b: float) -> float:
    """ln Γ(a + b) − ln Γ(a), without the cancellation of two large logarithms when b = 1/2."""
    if b != 0.5 or a < 100:
        return lgamma(a + b) - lgamma(a)
    return log(a) / 2 - 1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / _apart(1 + step * d)
            c = _apart(1 + step / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _two_tails(t: float, df: float) -> float:
    square = t * t
    return _incomplete_beta(df / 2, 0.5, df / (df + square), square / (df + square))


def _upper(tail: float, df: float) -> float:
    """The t > 0 beyond which `tail` (≤ 0.5) lies: Newton on logarithms, kept inside a bracket."""
    if df > _MANY_DF:
        return _expansion(-_NORMAL.inv_cdf(tail), df)
    log_norm = lgamma((df + 1) / 2) - lgamma(df / 2) - log(df * pi) / 2
    low, high = -80.0, 0.0
    while high < 700 and _two_tails(exp(high), df) / 2 > tail:
        low, high = high, high + 4
    at = (max(low, high - 4) + high) / 2
    for _ in range(200):
        t = exp(at)
        beyond = _two_tails(t, df) / 2
        if beyond > tail:
            low = at
        else:
            high = at
        slope = t * exp(log_norm - (df + 1) / 2 * log1p(t * t / df))
        # Near the centre the tail is flat in log t, far out its logarithm is a line.
        step = (
            (beyond - tail) / slope
            if tail > 0.25 or beyond <= 0
            else log(beyond / tail) * beyond / slope
        )
        new = at + step
        if not low < new < high:
            new = (low + high) / 2
        if abs(new - at) < 1e-15 * max(1.0, abs(at)):
            break
        at = new
    return exp(at)


def _expansion(z: float, df: float) -> float:
    if isinf(df):
        return z
    s = z * z
    return (
        z
        + (
            z * (s + 1) / 4
            + (
                z * (5 * s * s + 16 * s + 3) / 96
                + (
                    z * (3 * s**3 + 19 * s * s + 17 * s - 15) / 384
                    + z * (79 * s**4 + 776 * s**3 + 1482 * s * s - 1920 * s - 945) / 92160 / df
                )
                / df
            )
            / df
        )
        / df
    )


def satterthwaite(parts: list[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of independent variances, given as (variance, df) pairs.

    A part known without sampling has infinite df; without any sampled part the answer is infinite.
    """
    total = sum(variance for variance, _ in parts)
    if total <= 0:
        return inf
    weight = sum((variance / total) ** 2 / df for variance, df in parts if variance > 0)
    return 1 / weight if weight > 0 else inf
