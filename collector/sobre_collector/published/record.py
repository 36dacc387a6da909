"""The record of one published result: every field that method.md 4 asks for and that is known.

Names are the method's, so that a record can be read beside it. Energies are kWh, `u` a standard
uncertainty (k = 1), R and its interval positive when consumption falls. None: not known, or not
part of this version of the method.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sobre_collector.indicators.adjustments import Entry, acting, signed, weather
from sobre_collector.indicators.degree_days import weather_uses
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.published.inputs import Frozen, hashed
from sobre_collector.published.program import Program
from sobre_collector.report.as_json import as_object
from sobre_collector.report.carbon import Carbon
from sobre_collector.report.checks import Checks
from sobre_collector.report.device_checks import DeviceYears, Matched
from sobre_collector.report.model import RatioInterval, Report
from sobre_collector.rows import Device
from sobre_collector.store.baselines import BaselineVersion
from sobre_drivers.calendar import local_day
from sobre_drivers.load import personal

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
class Meter:
    """A line of the meter register; what nobody states (serial, calibration) is not known."""

    node: str
    device: str
    device_class: str
    organisation: str
    site: str
    method: str
    uncertainty_ratio: float | None
    since: str
    serial: str | None = None
    calibrated_on: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a result rests on beside its inputs; hashes are those at the heads of the chains."""

    baseline: BaselineVersion
    entries: tuple[Entry, ...]
    adjustments_sha256: str
    program: Program
    meters: tuple[Meter, ...] = ()


def record(
    report: Report, perimeter: Perimeter, parts: Frozen, edition: Edition, evidence: Evidence
) -> dict[str, Any]:
    """The record of a result; ValueError if there is none to publish."""
    result = report.result
    if result is None:
        raise ValueError("an insufficient report has no result to record")
    first = result.intervals[0]
    return {
        **heading(report, perimeter, parts, edition, evidence),
        "indicator_id": REDUCTION,
        "libelle_fr": LABEL_FR,
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
        "sensitivity": _sensitivity(report),
        "ef": factors_of(report),
        "meters": [asdict(one) for one in evidence.meters],
        "report": as_object(report),
    }


def heading(
    report: Report, perimeter: Perimeter, parts: Frozen, edition: Edition, evidence: Evidence
) -> dict[str, Any]:
    """What every record says, whatever its indicator; `signature` stays None.

    A signature cannot be within what it signs: the chain's hash, printed when the record is kept,
    is what is signed, by whatever the administration signs with.
    """
    entities = entity_list(perimeter, report.period.year)
    return {
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
        "anomalies": _anomalies(report),
        "method_doc_version": report.provenance.method_version,
        "software_version": evidence.program.version,
        "software_commit": evidence.program.commit,
        "software_sha256": evidence.program.sha256,
        "input_snapshot_hash": parts.sha256,
        "config_hash": parts.hashes["perimeter"],
        "adjustments_sha256": evidence.adjustments_sha256,
        "generated_at": report.provenance.generated_at,
        "signature": None,
        "inputs": dict(parts.hashes),
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
    """R by other ways, positive when falling; None where it could not be told."""
    beside, checks = report.beside, report.sections.get("checks")
    link = off = meters = matched = exact = None
    if isinstance(checks, Checks):
        link, off, meters = checks.link, checks.off, checks.on_meters
        matched, exact = checks.matched, checks.device_years
    return {
        "phi0": beside.phi0_ratio,
        "phi0_interval": _ends(beside.phi0_interval),
        "raw": beside.raw_ratio,
        "raw_interval": _ends(beside.raw_interval),
        "naive": beside.naive_ratio,
        # Of the classes that tell about nobody; `R_of_same` is what it is to be set against.
        "R_link": link and {"R": link.linked_ratio, "R_of_same": link.reduction_ratio},
        "excluding_estimated": meters and meters.reduction_ratio,
        "silent_off": off and off.reduction_ratio,
        "matched": matched
        and {**_ends(matched), "rho": matched.correlation_ratio, "stated": matched.stated},
        "device_year": _ends(exact),
    }


def _ends(around: RatioInterval | Matched | DeviceYears | None) -> dict[str, float]:
    return {} if around is None else {"ci_low": around.low_ratio, "ci_high": around.high_ratio}


def factors_of(report: Report) -> list[dict[str, Any]]:
    """The rows of emission factors that the report used: of the baseline year and of its own."""
    carbon = report.sections.get("carbon")
    if not isinstance(carbon, Carbon):
        return []
    return [asdict(one) for one in (carbon.baseline_factor, carbon.factor) if one is not None]


def meters_of(devices: Iterable[Device]) -> tuple[Meter, ...]:
    """The meters of rooms and racks; those of people, and printers, stand in no record."""
    return tuple(
        Meter(
            *device.key,
            device.device_class,
            device.organisation,
            device.site,
            device.method,
            device.uncertainty_ratio,
            local_day(device.first_seen, ZoneInfo("UTC")).isoformat(),
        )
        for device in sorted(devices, key=lambda one: one.key)
        if device.device_class != "printer" and not personal(device.device_class)
    )
