"""Degree-days of both periods: what the weather makes of a use that follows it (method 2.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, hypot, sqrt

from sobre_collector.indicators.adjustments import DegreeDays, Entry, Slope, in_force

# By site and base temperature (°C), then by month: degree-days and their half-width.
DegreeDayTable = Mapping[tuple[str, float], Mapping[str, tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Hole:
    """Months without degree-days at a site, for the adjustment `name` that needs them."""

    name: str
    site: str
    base_c: float
    months: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weather:
    """What follows the weather, and what cannot be told; with a hole E* is not known."""

    uses: tuple[DegreeDays, ...]
    holes: tuple[Hole, ...]


def weather_uses(
    entries: Sequence[Entry],
    table: DegreeDayTable,
    before: Sequence[str],
    after: Sequence[str],
) -> Weather:
    """The rows of kind "weather" in force, with the degree-days of the months of both periods.

    Degree-days are never carried from another month: a month without them is a hole.
    """
    uses, holes = [], []
    through = f"{max(after)}-31" if after else None
    for entry in in_force(entries):
        if entry.slope is None or not entry.acts(f"{min(after)}-01" if after else None, through):
            continue
        slope = entry.slope
        known = table.get((slope.site, slope.base_c), {})
        lacking = tuple(month for month in (*before, *after) if month not in known)
        if lacking:
            holes.append(Hole(entry.name, slope.site, slope.base_c, lacking))
        else:
            uses.append(_use(entry.name, slope, known, before, after))
    return Weather(tuple(uses), tuple(holes))


def _use(
    name: str,
    slope: Slope,
    known: Mapping[str, tuple[float, float]],
    before: Sequence[str],
    after: Sequence[str],
) -> DegreeDays:
    # A station that reads warm reads warm every month: half-widths add up within a period.
    halves = [fsum(known[month][1] for month in months) for months in (before, after)]
    return DegreeDays(
        name,
        slope.base_c,
        slope.slope_kwh,
        slope.u_slope_kwh,
        fsum(known[month][0] for month in before),
        fsum(known[month][0] for month in after),
        hypot(*halves) / sqrt(3),
    )
