"""Records of what is published beside the reduction: each an indicator with a record of its own.

Its inputs and evidence are those of the reduction; of the report it keeps its own section, which is
what `sobre recompute` holds it against.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.published.inputs import Frozen
from sobre_collector.published.record import Edition, Evidence, factors_of, heading
from sobre_collector.report.as_json import as_object
from sobre_collector.report.carbon import Carbon
from sobre_collector.report.datacentre import Datacentre
from sobre_collector.report.model import Report
from sobre_collector.report.printers import Amount, Printers

Values = Iterable[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SectionIndicator:
    """What is published of a section; `values` gives nothing where there is nothing to publish."""

    indicator_id: str
    label_fr: str
    section: str
    values: Callable[[Any], Values]


def _value(name: str, value: float, unit: str, *ends: float | None) -> dict[str, Any]:
    low, high = ends if len(ends) == 2 else (None, None)
    level = None if low is None else 0.95
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "ci_level": level,
        "ci_low": low,
        "ci_high": high,
    }


def _amount(name: str, amount: Amount | None, unit: str) -> Values:
    if amount is not None:
        yield _value(name, amount.value, unit, amount.low, amount.high)


def _changes(of: Printers, name: str) -> Values:
    for one in of.changes:
        if one.name == name:
            around = one.interval
            ends = (around.low_ratio, around.high_ratio) if around else ()
            yield _value("R", one.reduction_ratio, "ratio", *ends)


def _runtime(of: Printers) -> Values:
    yield from _amount("running", of.running_h, "h")
    for name, hours in (("least", of.least_running_h), ("most", of.most_running_h)):
        if of.running_h is not None and hours is not None:
            yield _value(f"running_{name}", hours, "h")
    yield from _changes(of, "running")
    for name, ratio in of.points_ratio.items():
        yield _value(f"points_{name}", ratio, "ratio")


def _devices(of: Printers) -> Values:
    yield from _amount("in_service", of.inventory, "printers")
    yield from _changes(of, "printers")


def _pages(of: Printers) -> Values:
    yield from _amount("pages", of.pages, of.page_unit)
    yield from _changes(of, "pages")


def _pue(of: Datacentre) -> Values:
    for room in of.rooms:
        if room.pue is not None:
            one = _value("pue", room.pue, "1", room.low, room.high)
            yield {**one, "room": room.room, "label": room.label, "category": room.category}


def _emissions(of: Carbon) -> Values:
    if of.kg is not None:
        yield _value("emissions", of.kg, "kgCO2e", of.low_kg, of.high_kg)
        around = of.constant_factor_interval
        ends = (around.low_ratio, around.high_ratio) if around else ()
        if of.constant_factor_ratio is not None:
            yield _value("R_constant_factor", of.constant_factor_ratio, "ratio", *ends)
        if of.yearly_factor_ratio is not None:
            yield _value("R_yearly_factor", of.yearly_factor_ratio, "ratio")


INDICATORS = (
    SectionIndicator(
        "print.runtime",
        "Temps de fonctionnement des imprimantes (prêt + préchauffage + impression)",
        "printers",
        _runtime,
    ),
    SectionIndicator("print.devices", "Nombre d’imprimantes", "printers", _devices),
    SectionIndicator("print.pages", "Nombre d’impressions", "printers", _pages),
    SectionIndicator("dc.pue", "Efficacité énergétique des salles (PUE)", "datacentre", _pue),
    SectionIndicator(
        "carbon.use",
        "Émissions de la phase d’usage des équipements numériques",
        "carbon",
        _emissions,
    ),
)


def told(indicator: SectionIndicator, report: Report) -> list[dict[str, Any]]:
    """Its values in a report, R positive when falling; none where nothing can be published."""
    figures = report.sections.get(indicator.section)
    return [] if figures is None else list(indicator.values(figures))


def section_record(
    indicator: SectionIndicator,
    report: Report,
    perimeter: Perimeter,
    parts: Frozen,
    edition: Edition,
    evidence: Evidence,
) -> dict[str, Any]:
    """The record of an indicator that has values."""
    whole = as_object(report)["sections"][indicator.section]
    return {
        **heading(report, perimeter, parts, edition, evidence),
        "indicator_id": indicator.indicator_id,
        "libelle_fr": indicator.label_fr,
        "values": told(indicator, report),
        "ef": factors_of(report) if indicator.section == "carbon" else [],
        "report": {"sections": {indicator.section: whole}},
    }
