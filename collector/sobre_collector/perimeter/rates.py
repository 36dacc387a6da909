"""Dated rows that turn kWh into something else: emission factors and prices, each with a source.

There is no such number in the code: what an administration publishes, it states.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sobre_collector.indicators.carbon import Factor

# What a stated value is multiplied with to give kgCO₂e per kWh.
FACTOR_UNITS = {"kgCO2e/kWh": 1.0, "gCO2e/kWh": 1e-3}


@dataclass(frozen=True, slots=True)
class Price:
    """Euros per kWh from a day on, and where that stands."""

    since: date
    euros_per_kwh: float
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Emission factors by year, prices by their first day."""

    factors: tuple[Factor, ...] = ()
    prices: tuple[Price, ...] = ()

    def factor(self, year: int) -> Factor | None:
        """The factor of a year; None if none was stated: never that of another year."""
        return next((factor for factor in self.factors if factor.year == year), None)

    def price_on(self, day: date) -> Price | None:
        """The price on a day; None if none was stated for it."""
        return price_on(self.prices, day)


def price_on(prices: Sequence[Price], day: date) -> Price | None:
    """The last price that began on a day or before."""
    begun = [price for price in prices if price.since <= day]
    return max(begun, key=lambda price: price.since, default=None)
