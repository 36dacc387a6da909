"""Carbon of the electricity used, location-based, the grid's effect kept apart (method 2.6).

Only the use phase: manufacturing is the larger part of a device's footprint and stands in no figure
here. Factors are dated and sourced rows that the administration keeps; there is none in the code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, hypot

from sobre_collector.indicators.quantiles import two_sided
from sobre_drivers.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Factor:
    """kgCO₂e per kWh of a calendar year, with its relative standard uncertainty (k = 1)."""

    year: int
    kg_per_kwh: float
    u_ratio: float
    scope: str
    source: str
    version: str

    def __post_init__(self) -> None:
        if not (self.kg_per_kwh > 0 and self.u_ratio > 0):
            raise ConfigError(
                f"emission factor {self.year}: {self.kg_per_kwh} kg/kWh ± {self.u_ratio}; both "
                "value and uncertainty must be above 0"
            )
        if not (self.scope.strip() and self.source.strip() and self.version.strip()):
            raise ConfigError(
                f"emission factor {self.year}: without scope, source or version; published values "
                "differ by a factor of two, so say which one this is"
            )


@dataclass(frozen=True, slots=True)
class Emissions:
    """kgCO₂e of a year with its standard uncertainty and the factor it was computed with."""

    kg: float
    u_kg: float
    factor: Factor

    def interval_kg(self, level: float = 0.95) -> tuple[float, float]:
        """C·exp(± z·cv): emissions cannot be below 0."""
        half = two_sided(level) * self.u_kg / self.kg
        return self.kg * exp(-half), self.kg * exp(half)


@dataclass(frozen=True, slots=True)
class CarbonReduction:
    """Reduction of carbon as ratios: by energy alone, with each year's factor, and the difference.

    `constant_factor_ratio` equals the energy's reduction, error included, since the factor cancels.
    `grid_ratio` is what the grid did, not the administration.
    """

    constant_factor_ratio: float
    yearly_factor_ratio: float
    grid_ratio: float


def factor_of(rows: Sequence[Factor], year: int, scope: str) -> Factor:
    """The row for a year and a scope. ConfigError if none or several are there: never the nearest.

    A factor of another year would put the grid's change into the administration's result.
    """
    found = [row for row in rows if row.year == year and row.scope == scope]
    if len(found) != 1:
        have = ", ".join(sorted(f"{row.year} ({row.scope})" for row in rows)) or "none"
        raise ConfigError(
            f"emission factor {year} ({scope}): {len(found)} rows; add or choose one. There are: "
            f"{have}"
        )
    return found[0]


def emissions(kwh: float, u_kwh: float, factor: Factor) -> Emissions:
    """C = E·EF with cv² = cv_E² + cv_EF²."""
    if not kwh > 0:
        raise ValueError(f"{kwh} kWh: no emissions to tell")
    kg = kwh * factor.kg_per_kwh
    return Emissions(kg, kg * hypot(u_kwh / kwh, factor.u_ratio), factor)


def added(parts: Sequence[Emissions]) -> Emissions:
    """Emissions of several uses with one factor, whose error they share; ValueError if several."""
    factors = {part.factor for part in parts}
    if len(factors) != 1:
        raise ValueError(f"{len(factors)} factors: add only what one factor applies to")
    factor = factors.pop()
    kg = fsum(part.kg for part in parts)
    own = hypot(*(_own_kg(part) for part in parts))
    return Emissions(kg, hypot(own, kg * factor.u_ratio), factor)


def _own_kg(part: Emissions) -> float:
    square = part.u_kg**2 - (part.kg * part.factor.u_ratio) ** 2
    return float(max(0.0, square) ** 0.5)


def carbon_reduction(
    adjusted_kwh: float, reporting_kwh: float, before: Factor, after: Factor
) -> CarbonReduction:
    """Against the adjusted baseline E*, with the factors of both years."""
    constant = 1 - reporting_kwh / adjusted_kwh
    yearly = 1 - reporting_kwh * after.kg_per_kwh / (adjusted_kwh * before.kg_per_kwh)
    return CarbonReduction(constant, yearly, yearly - constant)
