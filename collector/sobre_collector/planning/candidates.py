"""What is known of each stratum before agents are placed: declared, or measured where there are
months already. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, fsum, hypot, sqrt

from sobre_collector.indicators.estimate import Declared
from sobre_collector.indicators.moments import Stratum, StratumMonth
from sobre_collector.indicators.ratio import DAY_TYPES, device_cv, device_days, expanded_kwh
from sobre_collector.indicators.sampling import Candidate
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.monthly import fleet
from sobre_collector.report.open_strata import open_strata

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Known:
    """Candidates by name, those among them whose spread was measured, and what nobody declares."""

    candidates: tuple[Candidate, ...]
    strata: Mapping[str, Stratum]
    measured: frozenset[str]
    unknown: tuple[str, ...]


def named(stratum: Stratum) -> str:
    """A stratum as one text."""
    return f"{stratum.organisation} / {stratum.site} / {stratum.device_class}"


def told(rows: Sequence[StratumMonth], perimeter: Perimeter, this_month: str) -> list[StratumMonth]:
    """The last months of the strata that a report may show one by one: a plan tells of no others.

    A stratum's mean times its units would give back, by subtraction, what few others use.
    """
    if not rows:
        return []
    last_year = max(int(row.month[:4]) for row in rows)
    of_fleet = fleet(rows, perimeter, last_year, this_month, {}, {})
    last = of_fleet.complete[-MONTHS:]
    allowed = open_strata(of_fleet, last)
    return [row for row in of_fleet.rows_of(last) if row.stratum in allowed]


def known(
    units: Mapping[Stratum, tuple[float, float]],
    classes: Iterable[Declared],
    rows: Iterable[StratumMonth] = (),
) -> Known:
    """One candidate for each stratum in service; `rows` are measured months that may be told."""
    declared = {one.device_class: one for one in classes}
    by_stratum: dict[Stratum, list[StratumMonth]] = defaultdict(list)
    for row in rows:
        if device_days(row) > 0:
            by_stratum[row.stratum].append(row)
    found, strata, measured = [], {}, set()
    for stratum, (units_n, _) in sorted(units.items()):
        if units_n <= 0:
            continue
        name = named(stratum)
        seen = _measured(by_stratum.get(stratum, []))
        if seen is None and stratum.device_class not in declared:
            continue
        if seen is not None:
            unit_kwh, cv_ratio = seen
            measured.add(name)
        else:
            prior = declared[stratum.device_class]
            # Devices differ by model, and by how much they are used: anywhere between the bounds.
            unit_kwh = prior.mean_kwh
            cv_ratio = hypot(prior.sd_kwh / unit_kwh, prior.use_half_width_ratio / sqrt(3))
        found.append(Candidate(name, ceil(units_n), unit_kwh, cv_ratio))
        strata[name] = stratum
    planned = {stratum.device_class for stratum in strata.values()}
    unknown = {stratum.device_class for stratum in units} - planned
    return Known(tuple(found), strata, frozenset(measured), tuple(sorted(unknown)))


def _measured(rows: list[StratumMonth]) -> tuple[float, float] | None:
    """kWh of a unit and year, and CV between units; None where no month keeps squares.

    The CV of a year is at most the mean of its months', and is that if devices keep their rank.
    """
    cvs = [cv[0] for row in rows if (cv := device_cv([row])) is not None]
    days = sum(sum(row.calendar_days) for row in rows)
    if not cvs or days == 0:
        return None
    unit_kwh = fsum(expanded_kwh(row, 1.0, DAY_TYPES) for row in rows) * 365.25 / days
    cv_ratio = fsum(cvs) / len(cvs)
    return (unit_kwh, cv_ratio) if unit_kwh > 0 and cv_ratio > 0 else None
