"""Printers, rooms, factors and levers as CSV for the open-data portal, as in `csv_files`.

A file is there only where its section is. One room's meters, and one printer, are named nowhere:
rooms come as sums, printers as whole fleets and as groups that may be published.
"""

from collections.abc import Iterable, Iterator, Sequence

from sobre_collector.report import carbon, datacentre, printers, waste
from sobre_collector.report.csv_files import Cell, written
from sobre_collector.report.model import Report

PRINTS = (
    "indicateur",
    "groupe",
    "periode_debut",
    "periode_fin",
    "valeur",
    "borne_basse_95",
    "borne_haute_95",
    "unite",
    "simule",
)
ROOMS = (
    "salle",
    "mois",
    "entree_kwh",
    "informatique_kwh",
    "refroidissement_kwh",
    "pue",
    "categorie",
    "simule",
)
FACTORS = (
    "annee",
    "kgco2e_par_kwh",
    "incertitude_relative",
    "perimetre_du_facteur",
    "source",
    "version",
    "simule",
)
LEVERS = (
    "levier",
    "consommation_kwh",
    "borne_basse_95_kwh",
    "borne_haute_95_kwh",
    "euros",
    "kgco2e",
    "motif_exclusion",
    "simule",
)


def machine_files(report: Report) -> dict[str, str]:
    """Content by file name."""
    found: dict[str, str] = {}
    for name, file, heads, rows in (
        (printers.NAME, "impressions.csv", PRINTS, _prints),
        (datacentre.NAME, "salles_pue.csv", ROOMS, _rooms),
        (carbon.NAME, "facteurs_emission.csv", FACTORS, _factors),
        (waste.NAME, "leviers.csv", LEVERS, _levers),
    ):
        if name in report.sections:
            found[file] = written(heads, rows(report))
    return found


def _prints(report: Report) -> Iterator[Sequence[Cell]]:
    of: printers.Printers = report.sections[printers.NAME]

    def row(
        name: str,
        value: float | None,
        unit: str,
        low: float | None = None,
        high: float | None = None,
        group: str = "",
    ) -> Sequence[Cell]:
        period = report.period
        return (name, group, period.start, period.end, value, low, high, unit, report.simulated)

    for name, amount, unit in (
        ("imprimantes_inventaire", of.inventory, "imprimantes"),
        ("temps_fonctionnement", of.running_h, "h"),
        ("pages", of.pages, of.page_unit),
    ):
        if amount is not None:
            yield row(name, amount.value, unit, amount.low, amount.high)
    yield row("imprimantes_suivies", of.seen, "imprimantes")
    yield row("imprimantes_actives", of.active, "imprimantes")
    yield row("temps_fonctionnement_borne_basse", of.least_running_h, "h")
    yield row("temps_fonctionnement_borne_haute", of.most_running_h, "h")
    for change in of.changes:
        around = change.interval
        low, high = (None, None) if around is None else (around.high_ratio, around.low_ratio)
        value = _evolution(change.reduction_ratio)
        yield row(f"evolution_{change.name}", value, "%", _evolution(low), _evolution(high))
    for name, ratio in of.points_ratio.items():
        yield row(f"dont_{name}", ratio * 100, "points")
    for group in (*of.models, *of.sizes):
        yield row("tec_mesuree", group.kwh_per_week, "kWh/semaine", group=group.name)
        yield row("energie_par_page", group.wh_per_page, "Wh", group=group.name)
    if of.schedule_interval is not None:
        ends = (of.schedule_interval.low_kwh, of.schedule_interval.high_kwh)
        yield row("economie_extinction_nuit", of.schedule_kwh, "kWh/an", *ends)


def _rooms(report: Report) -> Iterator[Sequence[Cell]]:
    of: datacentre.Datacentre = report.sections[datacentre.NAME]
    for room in of.rooms:
        for month in room.months:
            kwh = (month.facility_kwh, month.it_kwh, month.cooling_kwh)
            yield (room.room, month.month, *kwh, month.pue, room.category, report.simulated)


def _factors(report: Report) -> Iterator[Sequence[Cell]]:
    of: carbon.Carbon = report.sections[carbon.NAME]
    for one in (of.baseline_factor, of.factor):
        if one is not None:
            what = (one.scope, one.source, one.version)
            yield (one.year, one.kg_per_kwh, one.u_ratio, *what, report.simulated)


def _levers(report: Report) -> Iterable[Sequence[Cell]]:
    of: waste.Waste = report.sections[waste.NAME]
    for one in of.levers:
        kwh = (one.lever.kwh, one.lever.low_kwh, one.lever.high_kwh)
        worth = (one.euros, one.kg_co2e)
        yield (one.lever.subject, *kwh, *worth, one.lever.excluded, report.simulated)


def _evolution(ratio: float | None) -> float | None:
    """A reduction as the evolution in % that is published; 0 stays 0 rather than −0."""
    return None if ratio is None else 0.0 - ratio * 100
