"""The record of one published result: every field that method.md 4 asks for and that is known.

Names are the method's, so that a record can be read beside it. Energies are kWh, `u` a standard
uncertainty (k = 1), R and its interval positive when consumption falls. None: not known, or not
part of this version of the method.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sobre_collector.indicators.adjustments import Entry, acting, signed, weather
from sobre_collector.indicators.degree_days import weather_uses
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.published.inputs import Frozen, hashed
from sobre_collector.published.program import Program
from sobre_collector.report.as_json import as_object
from sobre_collector.report.model import Report
from sobre_collector.store.baselines import BaselineVersion

REDUCTION = "elec.reduction"
LABEL_FR = (
    "Évolution de la consommation électrique des environnements et infrastructures numériques, "
    "à périmètre utilisateur constant"
)
INTERVAL = "1 − Q·exp(± t·cv_Q), ν by Satterthwaite (docs/method.md)"


@dataclass(frozen=True, slots=True)
class Edition:
    """Which publication this is: `corrects` is the number of the result that it takes over from."""

    version: int
    status: str
    by: str
    reason: str = ""
    corrects: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a result rests on beside its inputs; hashes are those at the heads of the chains."""

    baseline: BaselineVersion
    entries: tuple[Entry, ...]
    adjustments_sha256: str
    program: Program


def record(
    report: Report, perimeter: Perimeter, parts: Frozen, edition: Edition, evidence: Evidence
) -> dict[str, Any]:
    """The record of a result; ValueError if there is none to publish."""
    result = report.result
    if result is None:
        raise ValueError("an insufficient report has no result to record")
    entities = entity_list(perimeter, report.period.year)
    first = result.intervals[0]
    return {
        "indicator_id": REDUCTION,
        "libelle_fr": LABEL_FR,
        "year": report.period.year,
        **asdict(edition),
        "simulated": report.simulated,
        "perimeter_id": report.perimeter,
        "entities": entities,
        "entities_sha256": hashed(json.dumps(entities)),
        "baseline": _baseline(report, evidence.baseline),
        "reporting": {"start": report.period.start, "end": report.period.end},
        "users": {
            "B": report.users.baseline,
            "R": report.users.reporting,
            "definition": perimeter.user_definition,
            "source": perimeter.user_source,
        },
        "E_B": report.baseline.energy_kwh,
        "routine_adj": routine(evidence.entries, perimeter, report),
        "non_routine_adj": non_routine(evidence.entries, report),
        "E_star": result.adjusted_baseline_kwh,
        "E_R": report.energy.energy_kwh,
        "R": result.reduction_ratio,
        "ci_level": first.level_ratio,
        "ci_low": first.low_ratio,
        "ci_high": first.high_ratio,
        "ci_method": INTERVAL,
        "share_mesure": report.energy.measured_share_ratio,
        "share_estime": report.energy.estimated_share_ratio,
        "share_extrapole": report.energy.extrapolated_share_ratio,
        "coverage": [asdict(one) for one in report.coverage],
        "anomalies": _anomalies(report),
        "sensitivity": _sensitivity(report),
        "method_doc_version": report.provenance.method_version,
        "software_version": evidence.program.version,
        "software_commit": evidence.program.commit,
        "software_sha256": evidence.program.sha256,
        "input_snapshot_hash": parts.sha256,
        "config_hash": parts.hashes["perimeter"],
        "adjustments_sha256": evidence.adjustments_sha256,
        "generated_at": report.provenance.generated_at,
        "inputs": dict(parts.hashes),
        "report": as_object(report),
    }


def entity_list(perimeter: Perimeter, year: int) -> list[str]:
    """The organisations of the constant perimeter, by id."""
    return sorted(
        o.id for o in perimeter.constant(f"{perimeter.baseline.year:04}-01", f"{year:04}-12")
    )


def _baseline(report: Report, version: BaselineVersion) -> dict[str, Any]:
    base = report.baseline
    return {
        "version": version.version,
        "version_sha256": version.sha256,
        "year": base.year,
        "kind": base.kind,
        "value_kwh": base.energy_kwh,
        "u": base.u_kwh,
        "k": 1,
        "source_doc": base.evidence,
        "documents": version.facts.get("documents", []),
        "approved_by": base.approved_by,
        "approved_on": base.approved_on,
    }


def routine(entries: Sequence[Entry], perimeter: Perimeter, report: Report) -> list[dict[str, Any]]:
    """Users with their elasticity by class, and what follows the weather."""
    users = {
        "kind": "users",
        "elasticity": dict(sorted(perimeter.user_factor.items())),
        "factor": getattr(report.sections.get("adjustments"), "factor_ratio", None),
    }
    before = months_of(perimeter.baseline.year)
    found = weather_uses(entries, perimeter.degree_days, before, report.period.months)
    return [users] + [
        {"kind": "weather", **asdict(use), "kwh": weather(use).kwh, "u": weather(use).u_kwh}
        for use in found.uses
    ]


def non_routine(entries: Sequence[Entry], report: Report) -> list[dict[str, Any]]:
    """The rows with kWh that act in the reporting period."""
    return [
        {
            "name": entry.name,
            "kind": signed(entry).kind,
            "date": entry.on,
            "until": entry.until,
            "kwh": entry.kwh,
            "u": entry.u_kwh,
            "reason": entry.reason,
            "evidence": entry.evidence,
            "sha256": entry.evidence_sha256,
            "approver": entry.approver,
            "approved_on": entry.approved_on,
        }
        for entry in acting(entries, report.period.end, report.period.start)
    ]


def _anomalies(report: Report) -> dict[str, Any]:
    """Stratum-months by flag, and the codes of everything else that weakens the result."""
    flagged = {
        str(note.values["flag"]): note.values["count"]
        for note in report.notes
        if note.code == "flagged"
    }
    return {"flags": flagged, "notes": [n.code for n in report.notes if n.code != "flagged"]}


def _sensitivity(report: Report) -> Mapping[str, Any]:
    beside = report.beside
    return {
        "phi0": beside.phi0_ratio,
        "raw": beside.raw_ratio,
        "naive": beside.naive_ratio,
        "R_link": None,
        "excluding_estimated": None,
    }
