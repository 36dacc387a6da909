"""The report as JSON with keys that stay.

Keys are the field names of `sobre_collector.report.model`; the unit ends the name (`_kwh`, `_j`,
`_ratio`). `status` is complete, provisional or insufficient; in the last case `result` is null and
`missing` holds a code for each reason. An energy is null where it is not known or would tell of
fewer than ten workstations. `result.reduction_ratio`, its `intervals` and all of `beside` are
positive when consumption falls; `result.evolution_ratio` is what is published: negative then.
"""

import json
from dataclasses import asdict
from typing import Any

from sobre_collector.report.model import Report


def as_json(report: Report) -> str:
    """The whole report, indented; never NaN or Infinity."""
    return json.dumps(as_object(report), ensure_ascii=False, indent=2, allow_nan=False)


def as_object(report: Report) -> dict[str, Any]:
    """The same as plain dictionaries and lists, without what the method does not publish."""
    return {"version": 1, "status": report.status, **asdict(report)}
