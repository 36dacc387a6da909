"""The way to E*, the outlook and the checks as CSV for the open-data portal, as in `csv_files`."""

from collections.abc import Iterator, Sequence

from sobre_collector.report.adjusting import Adjusted
from sobre_collector.report.checks import Checks
from sobre_collector.report.csv_files import Cell, written
from sobre_collector.report.decomposition import Decomposition
from sobre_collector.report.expected import Outlook
from sobre_collector.report.model import Report

ADJUSTMENTS = (
    "nom",
    "nature",
    "kwh",
    "ecart_type_kwh",
    "debut",
    "fin",
    "motif",
    "piece",
    "piece_sha256",
    "approuve_par",
    "approuve_le",
    "simule",
)
BESIDE = (
    "indicateur",
    "groupe",
    "valeur",
    "borne_basse",
    "borne_haute",
    "niveau",
    "unite",
    "simule",
)


def result_files(report: Report) -> dict[str, str]:
    """Content by file name; none without a result."""
    way = report.sections.get("adjustments")
    if not isinstance(way, Adjusted):
        return {}
    rows = [
        (
            line.name,
            line.kind,
            line.kwh,
            line.u_kwh,
            line.on,
            line.until,
            line.reason,
            line.evidence,
            line.evidence_sha256,
            line.approver,
            line.approved_on,
            report.simulated,
        )
        for line in way.lines
    ]
    beside = [(*row, report.simulated) for row in _beside(report)]
    return {
        "ajustements.csv": written(ADJUSTMENTS, rows),
        "complements.csv": written(BESIDE, beside),
    }


def _beside(report: Report) -> Iterator[Sequence[Cell]]:
    """What stands beside the result; an evolution is negative when consumption falls."""
    around = report.beside.phi0_interval
    if around is not None and report.beside.phi0_ratio is not None:
        yield (
            "evolution_phi_0",
            "",
            -100 * report.beside.phi0_ratio,
            -100 * around.high_ratio,
            -100 * around.low_ratio,
            around.level_ratio,
            "%",
        )
    outlook = report.sections.get("outlook")
    if isinstance(outlook, Outlook) and outlook.forecast is not None:
        for one in (outlook.forecast, *outlook.scenarios):
            kind = "scenario" if one.name else "prevision"
            label = "tous" if one.name == "*" else one.name
            low, high = -100 * one.high_ratio, -100 * one.low_ratio
            yield (f"{kind}_evolution", label, -100 * one.reduction_ratio, low, high, 0.9, "%")
            chance = 100 * one.probability_ratio
            yield (f"{kind}_probabilite_objectif", label, chance, None, None, None, "%")
    checks = report.sections.get("checks")
    if isinstance(checks, Checks):
        yield from _checks(checks)
    told = report.sections.get("decomposition")
    if isinstance(told, Decomposition) and told.total is not None:
        for group in (*told.groups, told.total):
            for name, kwh in (
                ("ecart", group.change_kwh),
                ("effet_utilisateurs", group.users_kwh),
                ("effet_appareils_par_utilisateur", group.devices_per_user_kwh),
                ("effet_kwh_par_appareil", group.per_device_kwh),
            ):
                yield (name, group.name, kwh, None, None, None, "kWh")


def _checks(checks: Checks) -> Iterator[Sequence[Cell]]:
    if checks.off is not None:
        value = -100 * checks.off.reduction_ratio
        yield ("evolution_postes_muets_eteints", "", value, None, None, None, "%")
    if checks.on_meters is not None:
        value = -100 * checks.on_meters.reduction_ratio
        yield ("evolution_sans_estime", "", value, None, None, None, "%")
    if checks.link is not None:
        value = -100 * checks.link.linked_ratio
        yield ("evolution_appareils_apparies", "", value, None, None, None, "%")
    if checks.matched is not None:
        low, high = -100 * checks.matched.high_ratio, -100 * checks.matched.low_ratio
        rho = checks.matched.correlation_ratio
        yield ("evolution_intervalle_apparie", f"rho={rho:.3f}", None, low, high, 0.95, "%")
    if checks.newcomers is not None:
        value = 100 * checks.newcomers.difference_ratio
        yield ("ecart_nouveaux_appareils", "", value, None, None, None, "%")
