"""The report's section on what runs out of hours: it advises, and switches nothing off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sobre_collector.indicators.reduction import Reduction
from sobre_collector.months import month_bounds
from sobre_collector.report import notation
from sobre_collector.report.carbon import mass
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.levers import ALL, Excluded, Lever, excluded, levers
from sobre_collector.report.model import Note, Report
from sobre_collector.report.tables import table, titled
from sobre_collector.report.wording import Lang, marked, name, say

NAME = "waste"
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Priced:
    """A lever in euros and kgCO₂e; None where no price or factor was stated for the period."""

    lever: Lever
    euros: float | None
    kg_co2e: float | None


@dataclass(frozen=True, slots=True)
class Waste:
    """Levers, the largest first, the excluded ones last, and every exclusion that holds.

    `price_source` and `factor_source` say where euros and kgCO₂e come from.
    """

    months: tuple[str, ...]
    levers: tuple[Priced, ...]
    exclusions: tuple[Excluded, ...]
    euros_per_kwh: float | None
    price_source: str
    factor_source: str
    notes: tuple[Note, ...] = ()


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Waste | None:
    """None where nothing that could be switched off reports."""
    read = facts.inputs.get(NAME)
    if read is None or not drawn.months:
        return None
    printers = facts.inputs.get("printers", {})
    rates = drawn.fleet.perimeter.rates
    last = month_bounds(drawn.months[-1])[1]
    price, factor = rates.price_on(last), rates.factor(last.year)
    held = excluded(read["excluded"], _today(facts).isoformat())
    given = tuple(
        Priced(
            one,
            one.kwh * price.euros_per_kwh if price else None,
            one.kwh * factor.kg_per_kwh if factor else None,
        )
        for one in levers(drawn, {**read, "printers": printers.get("months", ())}, held)
    )
    if not given and not held:
        return None
    notes = [] if drawn.full else [Note("waste-part", {"count": len(drawn.months)})]
    return Waste(
        drawn.months,
        given,
        held,
        price.euros_per_kwh if price else None,
        price.source if price else "",
        f"{factor.source}, {factor.version}" if factor else "",
        tuple(notes),
    )


def _today(facts: Facts) -> date:
    return date.fromisoformat(facts.generated_at[:10])


def html(found: Waste, report: Report, lang: Lang) -> str:
    """What it is in words, then one row a lever, and the exclusions with their reasons."""
    heads = [
        say(lang, f"col.{key}")
        for key in ("lever", "energy", "interval", "euros", "co2e", "computed")
    ]
    body = [table_row(one, lang) for one in found.levers[:SHOWN]]
    parts = [f"<p>{marked(say(lang, 'waste.advice'))}</p>"]
    parts.append(table(say(lang, "title.waste"), heads, body))
    if found.exclusions:
        heads = [say(lang, f"col.{key}") for key in ("excluded", "reason", "role", "until")]
        body = [
            [_subject(one.subject, one.units, lang), one.reason, one.by, _until(one.until, lang)]
            for one in found.exclusions
        ]
        parts.append(titled(say(lang, "title.waste_excluded"), heads, body))
    return "".join(parts)


def rows(found: Waste, report: Report, lang: Lang) -> list[list[str]]:
    """The first levers for a terminal; `sobre waste` shows all of them."""
    return [table_row(one, lang)[:3] for one in found.levers[:SHOWN]]


def table_row(one: Priced, lang: Lang) -> list[str]:
    """A lever as texts: what, kWh, interval, euros, CO₂e, and how it was computed."""
    lever = one.lever
    how = say(lang, f"waste.{lever.computed}", **_written(lever, lang))
    if lever.excluded_units:
        how += say(lang, "waste.units", n=notation.number(lever.excluded_units, lang))
    if lever.excluded is not None:
        how = say(lang, "waste.excluded", reason=lever.excluded)
    return [
        lever_name(lever.subject, lang),
        notation.energy(lever.kwh, lang),
        notation.energy_range(lever.low_kwh, lever.high_kwh, lang),
        "" if one.euros is None else f"{notation.number(one.euros, lang)}{notation.NARROW}€",
        "" if one.kg_co2e is None else mass(one.kg_co2e, lang),
        how,
    ]


def lever_name(subject: str, lang: Lang) -> str:
    """A lever's subject as a person reads it; a device as it is."""
    kind, colon, rest = subject.partition(":")
    if rest == ALL:
        return name(lang, "lever", f"all-{kind}")
    return f"{name(lang, 'lever', kind)} {rest}" if colon else subject


def _written(lever: Lever, lang: Lang) -> dict[str, str]:
    return {
        key: notation.percent(float(value), lang)
        if key.endswith("_ratio")
        else notation.energy(float(value), lang)
        if key.endswith("_kwh")
        else str(value)
        for key, value in lever.values.items()
    }


def _subject(subject: str, units: int | None, lang: Lang) -> str:
    shown = lever_name(subject, lang)
    return shown if units is None else f"{shown} ({units})"


def _until(day: str | None, lang: Lang) -> str:
    return "" if day is None else notation.day(day, lang)
