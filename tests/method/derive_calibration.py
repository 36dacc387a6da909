"""Derives the example of a calibrated class: one factor, so one error, for all of its strata.

The product adds the factor's error linearly over strata and months inside a class; here it is the
explicit sum over a covariance matrix. Student's quantile is found by bisection on an integral.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction as F
from math import sqrt
from typing import Any

# Mean power (W) of five PCs by the model and at a plug.
PAIRS = ((9, 12), (14, 17), (11, 13), (20, 27), (8, 11))
PLUG_ERROR = F(2, 100)


def t_quantile(probability: float, df: int, cdf: Callable[[float, float], float]) -> float:
    """Where Student's distribution reaches a probability above one half."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if cdf(middle, df) < probability else (low, middle)
    return (low + high) / 2


def factor(cdf: Callable[[float, float], float]) -> tuple[F, float]:
    """k, and its relative standard uncertainty at 95 % as the report takes it."""
    n = len(PAIRS)
    model, plug = (F(sum(pair[i] for pair in PAIRS)) for i in (0, 1))
    k = plug / model
    square = sum(((F(b) - k * a) ** 2 for a, b in PAIRS), F(0)) / (n - 1)
    between = sqrt(float(square / n)) / float(model / n) / float(k)
    # A normal interval of the same width: 1.959964 is the quantile for no end of PCs.
    widened = t_quantile(0.975, n - 1, cdf) / 1.959963984540054
    return k, sqrt((between * widened) ** 2 + float(PLUG_ERROR / 2) ** 2)


def class_of_two_strata(
    totals: Sequence[Sequence[F]], variances: Sequence[Sequence[F]], u: float, k: F
) -> tuple[float, float]:
    """kWh and variance of a class over months, from `totals` and `variances` by stratum and month.

    Sampling errors of a stratum have correlation 1 between its months and 0 to other strata; the
    factor's have correlation 1 everywhere.
    """
    flat = [
        (h, k * total, k * k * v)
        for h, row in enumerate(totals)
        for total, v in zip(row, variances[h], strict=True)
    ]
    variance = 0.0
    for h, total, own in flat:
        for g, other, theirs in flat:
            if h == g:
                variance += sqrt(float(own)) * sqrt(float(theirs))
            variance += u * float(total) * u * float(other)
    return float(sum(total for _, total, _ in flat)), variance


def example(
    totals: Sequence[Sequence[F]],
    variances: Sequence[Sequence[F]],
    cdf: Callable[[float, float], float],
) -> dict[str, Any]:
    """The figures of the example; what was given is added by the caller."""
    k, u = factor(cdf)
    kwh, variance = class_of_two_strata(totals, variances, u, k)
    return {
        "how": (
            "fractions and a covariance matrix: the factor's error has correlation 1 between all "
            "strata and months of its class, sampling errors only between months of a stratum; "
            "Student's quantile by bisection on the integral of its density"
        ),
        "factor": float(k),
        "u_ratio": u,
        "total_kwh": kwh,
        "variance_kwh2": variance,
    }
