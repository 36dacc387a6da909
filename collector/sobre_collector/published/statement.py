"""The baseline as facts that a version keeps: what was stated, or what the year was measured at."""

from collections.abc import Mapping
from math import fsum, hypot, sqrt
from typing import Any

from sobre_collector.perimeter.facts import Baseline
from sobre_collector.report.model import Report


def documents(baseline: Baseline) -> list[str]:
    """The documents that a stated baseline names."""
    return sorted({row.document for row in baseline.rows if row.document.strip()})


def baseline_facts(
    baseline: Baseline, report: Report, hashes: Mapping[str, str | None]
) -> dict[str, Any]:
    """Year, kind, value and evidence; `hashes` by document, None where it is no file beside us.

    A stated baseline is told whole, whoever leaves the perimeter later; one that was measured is
    the year's energy in the constant perimeter.
    """
    rows = sorted(baseline.rows, key=lambda row: (row.organisation, row.device_class))
    halves: dict[str, float] = {}
    for row in rows:
        # Rows of one document err as one, documents apart from one another.
        halves[row.document] = halves.get(row.document, 0.0) + row.half_width_kwh
    measured = baseline.kind == "measured"
    return {
        "year": baseline.year,
        "kind": baseline.kind,
        "value_kwh": report.baseline.energy_kwh if measured else fsum(row.kwh for row in rows),
        "u_kwh": report.baseline.u_kwh if measured else hypot(*halves.values()) / sqrt(3),
        "rows": [
            [row.organisation, row.device_class, row.kwh, row.half_width_kwh, row.document]
            for row in rows
        ],
        "months": list(baseline.months),
        "shares_year": baseline.shares_year,
        "documents": [{"document": d, "sha256": hashes.get(d)} for d in documents(baseline)],
        "without_document": [[row.organisation, row.device_class] for row in baseline.unproven],
        "approved_by": baseline.approved_by,
        "approved_on": baseline.approved_on,
    }
