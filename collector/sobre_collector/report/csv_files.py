"""The report as CSV for the open-data portal: UTF-8, decimal point, ISO dates.

Column names are French and fixed, since others' programs read them. An empty cell is "not known"
or "not published".
"""

import csv
import io
from collections.abc import Iterable, Sequence

from sobre_collector.report.model import Report

Cell = str | int | float | bool | None
# A spreadsheet takes a text that begins so for a formula, and runs it.
RISKY = ("=", "+", "-", "@", "\t", "\r")

STATUS = {"complete": "complet", "provisional": "provisoire", "insufficient": "insuffisant"}
INDICATORS = (
    "indicateur",
    "perimetre",
    "periode_debut",
    "periode_fin",
    "annee_reference",
    "valeur",
    "borne_basse_95",
    "borne_haute_95",
    "unite",
    "statut",
    "simule",
)
MONTHS = (
    "mois",
    "consommation_kwh",
    "borne_basse_95_kwh",
    "borne_haute_95_kwh",
    "somme_brute_kwh",
    "reference_kwh",
    "cible_kwh",
    "utilisateurs",
    "simule",
)
STRATA = (
    "organisation",
    "site",
    "classe",
    "parc",
    "suivis",
    "couverture",
    "methode",
    "reserves",
    "simule",
)


def csv_files(report: Report) -> dict[str, str]:
    """Content by file name."""
    return {
        "indicateurs_annuels.csv": written(INDICATORS, _indicators(report)),
        "trajectoire_mensuelle.csv": written(MONTHS, _months(report)),
        "couverture_strates.csv": written(STRATA, _strata(report)),
    }


def written(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV; a text that a spreadsheet could run is prefixed with ', numbers stay numbers."""
    out = io.StringIO()
    # Lines end as RFC 4180 says; with a bare \n the writer would leave a \r in a cell unquoted.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # Six decimals of a ratio, or a thousandth of a kWh times a thousand, are beyond any meter.
        return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f"'{value}" if value.startswith(RISKY) else value


def _indicators(report: Report) -> Iterable[Sequence[Cell]]:
    result, energy, beside = report.result, report.energy, report.beside
    status = STATUS[report.status]

    def row(
        name: str,
        value: float | None,
        unit: str,
        low: float | None = None,
        high: float | None = None,
    ) -> Sequence[Cell]:
        period = report.period
        return (
            name,
            report.perimeter,
            period.start,
            period.end,
            report.baseline.year,
            value,
            low,
            high,
            unit,
            status,
            report.simulated,
        )

    around = energy.interval
    yield row("reference", report.baseline.energy_kwh, "kWh")
    yield row(
        "consommation",
        energy.energy_kwh,
        "kWh",
        around.low_kwh if around else None,
        around.high_kwh if around else None,
    )
    if result is not None:
        first = result.intervals[0] if result.intervals else None
        yield row("reference_ajustee", result.adjusted_baseline_kwh, "kWh")
        yield row(
            "evolution_perimetre_utilisateur_constant",
            _negative(result.reduction_ratio, 100),
            "%",
            _negative(first.high_ratio, 100) if first else None,
            _negative(first.low_ratio, 100) if first else None,
        )
        avoided = result.avoided_interval
        yield row(
            "consommation_evitee",
            result.avoided_kwh,
            "kWh",
            avoided.low_kwh if avoided else None,
            avoided.high_kwh if avoided else None,
        )
        yield row("consommation_par_utilisateur", result.reporting_kwh_per_user, "kWh")
        for name, ratio, ends in (
            ("evolution_brute", beside.raw_ratio, beside.raw_interval),
            ("evolution_phi_0", beside.phi0_ratio, beside.phi0_interval),
        ):
            low, high = (ends.high_ratio, ends.low_ratio) if ends else (None, None)
            yield row(name, _negative(ratio, 100), "%", _negative(low, 100), _negative(high, 100))
        yield row("evolution_somme_brute", _negative(beside.naive_ratio, 100), "%")
    yield row("objectif", _negative(report.trajectory.target_ratio, 100), "%")
    yield row("utilisateurs", report.users.reporting, "utilisateurs")
    yield row("part_mesuree", _times(energy.measured_share_ratio, 100), "%")
    yield row("part_estimee", _times(energy.estimated_share_ratio, 100), "%")
    yield row("part_extrapolee", _times(energy.extrapolated_share_ratio, 100), "%")


def _months(report: Report) -> Iterable[Sequence[Cell]]:
    for month in report.months:
        yield (
            month.month,
            month.energy_kwh,
            month.low_kwh,
            month.high_kwh,
            month.naive_kwh,
            month.baseline_kwh,
            month.path_kwh,
            month.users,
            report.simulated,
        )


def _strata(report: Report) -> Iterable[Sequence[Cell]]:
    for one in report.coverage:
        yield (
            one.organisation,
            one.site,
            one.device_class,
            one.inventory,
            one.devices,
            one.coverage_ratio,
            one.method,
            " ".join(one.flags),
            report.simulated,
        )


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _negative(ratio: float | None, factor: float) -> float | None:
    """A reduction as the evolution that is published; 0 stays 0 rather than −0."""
    return None if ratio is None else 0.0 - ratio * factor
