"""A first kWh per year from an inventory alone, before any agent, with an interval that is honest.

What makers declare (typical energy consumption) differs between models, and from use. The first
averages out over the models that a fleet is bought in, which are few. The second does not: it is
the same for all devices of a class, and most likely leans the same way in every class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum, hypot, log1p, sqrt

from sobre_collector.indicators.quantiles import two_sided
from sobre_drivers.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Declared:
    """A class as makers declare it: mean kWh per year, SD between models, and how far use may lie.

    `use_half_width_ratio` bounds the mean's distance from real use (rectangular); it is the
    greater part of the interval and needs a source like the mean.
    """

    device_class: str
    mean_kwh: float
    sd_kwh: float
    models_n: int
    use_half_width_ratio: float
    source: str
    year: int

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise ConfigError(f"declared energy of {self.device_class}: without a source")
        if not (self.mean_kwh > 0 and self.sd_kwh > 0 and self.use_half_width_ratio > 0):
            raise ConfigError(
                f"declared energy of {self.device_class}: mean {self.mean_kwh}, SD {self.sd_kwh} "
                f"kWh, use ± {self.use_half_width_ratio}; all must be above 0"
            )
        if self.models_n < 1:
            raise ConfigError(f"declared energy of {self.device_class}: from no model")

    def model_interval_kwh(self, level: float = 0.95) -> tuple[float, float]:
        """Where the declared year of one more model lies: log-normal, from `models_n` others."""
        spread = sqrt(log1p((self.sd_kwh / self.mean_kwh) ** 2))
        half = two_sided(level, max(1, self.models_n - 1)) * spread * sqrt(1 + 1 / self.models_n)
        middle = self.mean_kwh * exp(-spread * spread / 2)
        return middle * exp(-half), middle * exp(half)


def declared(
    device_class: str,
    yearly_kwh: Sequence[float],
    *,
    use_half_width_ratio: float,
    source: str,
    year: int,
) -> Declared:
    """A class from what makers declare of its models, each model once (kWh per year)."""
    n = len(yearly_kwh)
    if n < 2:
        raise ConfigError(f"declared energy of {device_class}: {n} models; two at least differ")
    mean = fsum(yearly_kwh) / n
    sd = sqrt(fsum((kwh - mean) ** 2 for kwh in yearly_kwh) / (n - 1))
    return Declared(device_class, mean, sd, n, use_half_width_ratio, source, year)


@dataclass(frozen=True, slots=True)
class Part:
    """One class of a fleet: kWh per year and its standard uncertainty."""

    kwh: float
    u_kwh: float

    def interval_kwh(self, level: float = 0.95) -> tuple[float, float]:
        """A log-normal interval with this mean and u: wide, and never below 0."""
        spread = sqrt(log1p((self.u_kwh / self.kwh) ** 2))
        half = two_sided(level) * spread
        middle = self.kwh * exp(-spread * spread / 2)
        return middle * exp(-half), middle * exp(half)


@dataclass(frozen=True, slots=True)
class Estimate:
    """kWh per year with u (k = 1); the kWh of `parts`, by class, add up to it.

    `unknown` lists classes of the inventory that no row declares: they are not in the sum.
    """

    kwh: float
    u_kwh: float
    parts: Mapping[str, Part]
    unknown: tuple[str, ...]
    sources: tuple[str, ...]

    def interval_kwh(self, level: float = 0.95) -> tuple[float, float]:
        """As that of one class."""
        return Part(self.kwh, self.u_kwh).interval_kwh(level)


def estimate(
    inventory: Mapping[str, tuple[float, float]],
    classes: Sequence[Declared],
    fleet_models_n: int = 8,
) -> Estimate:
    """From units in service by class, each with the standard uncertainty of the count.

    `fleet_models_n`: in how many models a class of the fleet was bought. ConfigError if a class is
    declared twice, or none of the inventory is.
    """
    rows = {row.device_class: row for row in classes}
    if len(rows) != len(classes):
        raise ConfigError("declared energies: a class stands twice; keep the one to be used")
    known = {name: units for name, units in inventory.items() if name in rows}
    unknown = tuple(sorted(inventory.keys() - rows.keys()))
    if not known:
        raise ConfigError(
            f"no declared energy for {', '.join(unknown) or 'an empty inventory'}; rows are for "
            f"{', '.join(sorted(rows)) or 'nothing'}"
        )
    parts, leaning, random = {}, [], []
    for name, (units_n, units_u) in sorted(known.items()):
        row = rows[name]
        kwh = units_n * row.mean_kwh
        leaning.append(kwh * row.use_half_width_ratio / sqrt(3))
        random.append(
            hypot(
                row.sd_kwh * units_n / sqrt(max(1.0, min(units_n, fleet_models_n))),
                units_n * row.sd_kwh / sqrt(row.models_n),
                row.mean_kwh * units_u,
            )
        )
        parts[name] = Part(kwh, hypot(leaning[-1], random[-1]))
    return Estimate(
        fsum(part.kwh for part in parts.values()),
        # Added linearly: who overstates laptops also overstates desktops.
        hypot(fsum(leaning), *random),
        parts,
        unknown,
        tuple(sorted({rows[name].source for name in known})),
    )
