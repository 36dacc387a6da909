"""What a report is told about its data, beside the months and the perimeter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sobre_collector.indicators.adjustments import Entry
from sobre_collector.report.model import Conserved

METHOD_VERSION = "1.0"
# A stated uncertainty is a two-sided 95 % interval: this many standard uncertainties.
COVERAGE_FACTOR = 2.0


@dataclass(frozen=True, slots=True)
class Facts:
    """Where and when the figures come from.

    `generated_at` is an ISO time in UTC, `this_month` the local month in which it lies: a month
    counts as complete once it is over. `meter_u` is the relative standard uncertainty of one meter
    by class (k = 1), `common_u` that of the power model which a class has in common. `conservation`
    None means that the check has not run. `inputs` is what sections read beside the months;
    `adjustments` are all rows of the ledger, those withdrawn too.
    """

    generated_at: str
    this_month: str
    software_version: str
    simulated: bool = False
    conservation: Conserved | None = None
    meter_u: Mapping[str, float] = field(default_factory=dict)
    common_u: Mapping[str, float] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    adjustments: tuple[Entry, ...] = ()
