"""Additive log-mean Divisia index (LMDI-I): what each factor of a product did to its change.

Effects add up to the whole change without a rest, which two percentages beside each other do not
(method 2.4 and 2.5). Source: Ang, Energy Policy 33 (2005) 867.
"""

from collections.abc import Mapping
from math import log, prod


def log_mean(a: float, b: float) -> float:
    """L(a, b) = (a − b)/ln(a/b), and a where both are equal; both above 0."""
    if not (a > 0 and b > 0):
        raise ValueError(f"logarithmic mean of {a} and {b}: both must be above 0")
    # Near equality the quotient is 0/0; the series is exact to rounding there.
    ratio = (a - b) / b
    if abs(ratio) < 1e-5:
        return b * (1 + ratio / 2 - ratio * ratio / 12)
    return (a - b) / log(a / b)


def decomposed(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each factor adds to the change of the product of all, in the unit of the product.

    ValueError for other factors on one side, or for a factor of zero or less: its logarithm would
    blame everything on it.
    """
    if before.keys() != after.keys():
        raise ValueError(f"factors {sorted(before)} against {sorted(after)}: name the same ones")
    zero = sorted(name for name in before if not (before[name] > 0 and after[name] > 0))
    if zero:
        raise ValueError(f"factors {', '.join(zero)} are not above 0: nothing to decompose")
    weight = log_mean(prod(after.values()), prod(before.values()))
    return {name: weight * log(after[name] / before[name]) for name in before}


def energy_effects_kwh(
    before: tuple[float, float, float], after: tuple[float, float, float]
) -> dict[str, float]:
    """E = users × (devices/user) × (kWh/device): effects in kWh, from (users, devices, kWh)."""

    def factors(users: float, devices: float, kwh: float) -> dict[str, float]:
        return {
            "users": users,
            "devices-per-user": devices / users,
            "kwh-per-device": kwh / devices,
        }

    return decomposed(factors(*before), factors(*after))


def points(effects: Mapping[str, float], before_product: float) -> dict[str, float]:
    """Effects in points of the first period's product: −0.179 is 17.9 points less."""
    return {name: effect / before_product for name, effect in effects.items()}
