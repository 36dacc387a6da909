"""The baseline year as the perimeter states it, or as the fleet was measured in it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, hypot, inf

from sobre_collector.indicators import baseline as kinds
from sobre_collector.indicators.reduction import EnergyUse
from sobre_collector.indicators.total import Total, year_total
from sobre_collector.perimeter.facts import BaselineRow, Perimeter, months_of
from sobre_collector.report.model import Note, Values
from sobre_collector.report.monthly import RECTANGULAR, Fleet, by_source


@dataclass(frozen=True, slots=True)
class Reference:
    """The baseline and its energy uses; `found` None where it is not known, and `missing` why.

    `model_u_kwh` is what the error of power models, which `found` does not carry, adds to its
    standard uncertainty.
    """

    found: kinds.Baseline | None
    uses: tuple[EnergyUse, ...]
    evidence: str
    missing: tuple[Note, ...] = ()
    model_u_kwh: float = 0.0

    @property
    def u_kwh(self) -> float | None:
        """The standard uncertainty of the baseline as an energy; None where it is not known."""
        return hypot(self.found.u_kwh, self.model_u_kwh) if self.found else None


def reference(fleet: Fleet, reporting_year: int) -> Reference:
    """The baseline of the constant perimeter; ConfigError where what is stated cannot be used."""
    stated = fleet.perimeter.baseline
    if stated.kind == "measured":
        return _measured(fleet)
    rows = [row for row in stated.rows if row.organisation in fleet.organisations]
    if not rows or fsum(row.kwh for row in rows) <= 0:
        return Reference(None, (), "", (Note("no-baseline", {"baseline_year": stated.year}),))
    by_class: dict[str, float] = defaultdict(float)
    for row in rows:
        by_class[row.device_class] += row.kwh
    uses = _uses(fleet.perimeter, by_class)
    evidence = ", ".join(sorted({row.document for row in rows if row.document}))
    total_kwh, half_kwh = fsum(row.kwh for row in rows), _half_width_kwh(rows)
    if stated.kind == "modelled":
        found = kinds.modelled(total_kwh, half_kwh / total_kwh, evidence)
    elif stated.kind == "partial-year":
        return _partial(fleet, total_kwh, half_kwh / RECTANGULAR, uses, evidence, reporting_year)
    else:
        found = kinds.stated(stated.kind, total_kwh, half_width_kwh=half_kwh)
    return Reference(found, uses, evidence)


def _measured(fleet: Fleet) -> Reference:
    year = fleet.perimeter.baseline.year
    months = months_of(year)
    lacking = fleet.lacking(months)
    evidence = f"{months[0]} – {months[-1]}"
    if lacking:
        known = 12 - len(lacking)
        values: Values = {"known": known, "baseline_year": year, "months": ", ".join(lacking)}
        return Reference(None, (), evidence, (Note("baseline-months-missing", values),))
    totals = fleet.of(months)
    by_class: dict[str, float] = defaultdict(float)
    for one in totals:
        by_class[one.stratum.device_class] += one.total_kwh
    whole = year_total(totals)
    if whole.total_kwh <= 0:
        return Reference(None, (), evidence, (Note("no-baseline", {"baseline_year": year}),))
    sources = by_source(totals).items()
    model_u_kwh = hypot(*(fleet.common_u.get(name, 0.0) * kwh for name, kwh in sources))
    uses = _uses(fleet.perimeter, by_class)
    return Reference(kinds.measured(whole), uses, evidence, model_u_kwh=model_u_kwh)


def _partial(
    fleet: Fleet,
    observed_kwh: float,
    u_kwh: float,
    uses: tuple[EnergyUse, ...],
    evidence: str,
    reporting_year: int,
) -> Reference:
    stated = fleet.perimeter.baseline
    shares_year = stated.shares_year or 0
    months = months_of(shares_year)
    lacking = fleet.lacking(months)
    if lacking:
        values: Values = {
            "known": 12 - len(lacking),
            "year": shares_year,
            "months": ", ".join(lacking),
        }
        return Reference(None, uses, evidence, (Note("months-missing", values),))
    whole_kwh = fsum(one.total_kwh for one in fleet.of(months))
    shares = [
        fsum(one.total_kwh for one in fleet.of([f"{shares_year:04}-{month[5:7]}"])) / whole_kwh
        for month in stated.months
    ]
    found = kinds.partial_year(
        Total(observed_kwh, u_kwh, inf, 1.0, 0.0, 0.0, ()),
        shares,
        0.0,
        share_years=[shares_year],
        reporting_year=reporting_year,
    )
    return Reference(found, uses, evidence)


def _uses(perimeter: Perimeter, by_class: dict[str, float]) -> tuple[EnergyUse, ...]:
    whole = fsum(by_class.values())
    return tuple(
        EnergyUse(name, kwh / whole, perimeter.user_factor.get(name, 1.0))
        for name, kwh in sorted(by_class.items())
    )


def _half_width_kwh(rows: Sequence[BaselineRow]) -> float:
    """Rows of one document err as one, documents apart from one another."""
    by_document: dict[str, float] = defaultdict(float)
    for row in rows:
        by_document[row.document] += row.half_width_kwh
    return hypot(*by_document.values())
