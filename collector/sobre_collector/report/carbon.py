"""The report's section on carbon: location-based, the grid's effect apart from the reduction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sobre_collector.indicators.carbon import Factor, carbon_reduction, emissions
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note, RatioInterval, Report
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, marked, say

NAME = "carbon"
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Carbon:
    """kgCO₂e of the use phase in the period, and the change against the adjusted baseline.

    `constant_factor_ratio` is the energy's own reduction; `grid_ratio` is what the factors did.
    None where a factor or a result is lacking.
    """

    kg: float | None
    low_kg: float | None
    high_kg: float | None
    factor: Factor | None
    baseline_factor: Factor | None
    constant_factor_ratio: float | None
    constant_factor_interval: RatioInterval | None
    yearly_factor_ratio: float | None
    grid_ratio: float | None
    notes: tuple[Note, ...] = ()


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Carbon | None:
    """None where no factor was stated at all, or no energy is known."""
    rates = drawn.fleet.perimeter.rates
    if not rates.factors or not drawn.months or drawn.absolute.total_kwh <= 0:
        return None
    base_year = drawn.fleet.perimeter.baseline.year
    before, after = rates.factor(base_year), rates.factor(drawn.year)
    notes = [Note("carbon-use-phase")]
    for factor, year in ((before, base_year), (after, drawn.year)):
        if factor is None:
            notes.append(Note("carbon-no-factor", {"year": year}))
    if {month[:4] for month in drawn.months} != {f"{drawn.year:04}"}:
        notes.append(Note("carbon-years", {"year": drawn.year}))
    one = (
        None if after is None else emissions(drawn.absolute.total_kwh, drawn.absolute.se_kwh, after)
    )
    low_kg, high_kg = (None, None) if one is None else one.interval_kg(LEVEL)
    constant: float | None = None
    interval: RatioInterval | None = None
    yearly: float | None = None
    grid: float | None = None
    if found and found[0].reduction_ratio is not None:
        first, reduced = found[0], found[0].reduction_ratio
        constant = reduced
        if first.low_ratio is not None and first.high_ratio is not None:
            interval = RatioInterval(LEVEL, first.low_ratio, first.high_ratio)
        if before is not None and after is not None and before.scope != after.scope:
            # What another scope counts in would pass for what the grid did.
            notes.append(Note("carbon-scopes", {"baseline_year": base_year, "year": drawn.year}))
        elif before is not None and after is not None:
            adjusted_kwh = first.adjusted.total_kwh
            reporting_kwh = (1 - reduced) * adjusted_kwh
            change = carbon_reduction(adjusted_kwh, reporting_kwh, before, after)
            yearly, grid = change.yearly_factor_ratio, change.grid_ratio
    return Carbon(
        one.kg if one else None,
        low_kg,
        high_kg,
        after,
        before,
        constant,
        interval,
        yearly,
        grid,
        tuple(notes),
    )


def html(found: Carbon, report: Report, lang: Lang) -> str:
    """What is counted in words, then the figures with their factors."""
    heads = [say(lang, f"col.{key}") for key in ("figure", "value", "interval")]
    told = f"<p>{marked(say(lang, 'carbon.phase'))}</p>"
    return told + table(say(lang, "title.carbon"), heads, rows(found, report, lang))


def rows(found: Carbon, report: Report, lang: Lang) -> list[list[str]]:
    """Emissions, the reduction by energy alone and by each year's factor, the factors' sources."""
    made = []
    to = "à" if lang == "fr" else "to"
    if found.kg is not None and found.low_kg is not None and found.high_kg is not None:
        low, high = (mass(kg, lang) for kg in (found.low_kg, found.high_kg))
        made.append([say(lang, "row.carbon"), mass(found.kg, lang), f"{low} {to} {high}"])
    if found.constant_factor_ratio is not None:
        interval, around = "", found.constant_factor_interval
        if around is not None:
            low, high = (
                notation.change(-end, lang) for end in (around.high_ratio, around.low_ratio)
            )
            interval = f"{low} {to} {high}"
        value = notation.change(-found.constant_factor_ratio, lang)
        made.append([say(lang, "row.carbon_constant"), value, interval])
    if found.yearly_factor_ratio is not None and found.grid_ratio is not None:
        value = notation.change(-found.yearly_factor_ratio, lang)
        made.append([say(lang, "row.carbon_yearly"), value, ""])
        made.append([say(lang, "row.carbon_grid"), notation.points(-found.grid_ratio, lang), ""])
    for factor in (found.baseline_factor, found.factor):
        if factor is not None:
            label = say(
                lang,
                "row.carbon_factor",
                year=factor.year,
                scope=factor.scope,
                source=factor.source,
                version=factor.version,
            )
            grams = f"{notation.number(factor.kg_per_kwh * 1000, lang, 1)}{notation.NARROW}g/kWh"
            made.append([label, grams, f"± {notation.percent(factor.u_ratio, lang, 0)}"])
    return made


def mass(kg: float, lang: Lang) -> str:
    """A mass of CO₂e in kg or t."""
    if abs(kg) >= 1000:
        return f"{notation.number(kg / 1000, lang, 1)}{notation.NARROW}tCO₂e"
    return f"{notation.number(kg, lang, 0 if abs(kg) >= 10 else 1)}{notation.NARROW}kgCO₂e"
