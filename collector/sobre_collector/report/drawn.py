"""Everything that the parts of a report are drawn from, looked up once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.indicators.reduction import Users
from sobre_collector.indicators.total import Total, year_total
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.report.facts import Facts
from sobre_collector.report.groups import Groups, groups
from sobre_collector.report.monthly import Fleet, fleet, users, window
from sobre_collector.report.open_strata import private_strata
from sobre_collector.report.reference import Reference, reference


@dataclass(frozen=True, slots=True)
class Drawn:
    """The fleet, the months reported (`full` if they are twelve) and what is known of them.

    `total` is compared with the baseline; `absolute` is the same kWh with the models' error too.
    """

    fleet: Fleet
    year: int
    months: tuple[str, ...]
    full: bool
    total: Total
    absolute: Total
    reference: Reference
    before: Users | None
    after: Users | None
    groups: Groups


def drawn_from(
    rows: Sequence[StratumMonth], perimeter: Perimeter, year: int, facts: Facts
) -> Drawn:
    """What a year's report is drawn from."""
    of_fleet = fleet(
        rows,
        perimeter,
        year,
        facts.this_month,
        facts.meter_u,
        facts.common_u,
        private_strata(facts.inputs.get("printers", {}).get("months", ())),
    )
    twelve = window(of_fleet.complete, year)
    months = twelve or tuple(m for m in months_of(year) if m in of_fleet.complete)
    organisations = of_fleet.organisations
    return Drawn(
        fleet=of_fleet,
        year=year,
        months=months,
        full=twelve is not None,
        total=year_total(of_fleet.of(months)),
        absolute=year_total(of_fleet.absolute(months)),
        reference=reference(of_fleet, year),
        before=users(perimeter, months_of(perimeter.baseline.year), organisations),
        after=users(perimeter, months, organisations),
        groups=groups(of_fleet, months),
    )
