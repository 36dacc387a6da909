"""Months of the constant perimeter: the same organisations at both ends, each month's totals once.

Everything else in the report is drawn from here, so that no figure can be about other devices than
the figure beside it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot, sqrt

from sobre_collector.indicators.calibration import source
from sobre_collector.indicators.moments import POOLED, Stratum, StratumMonth
from sobre_collector.indicators.naive import naive_sum_kwh
from sobre_collector.indicators.reduction import Users
from sobre_collector.indicators.total import Inventory, StratumTotal, month_total, with_common
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.report.disclosure import Disclosed, disclosed, rounded, step_kwh

# The standard deviation of a quantity that lies anywhere within a half-width (method 2.3).
RECTANGULAR = sqrt(3)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Rows and totals by month, of the organisations that the constant perimeter holds.

    `complete` are the months that are over, in order. `too_few` are over as well, but with too few
    workstations to be published: they count nowhere, since a later total of twelve months less what
    is shown of them would give them back. `left_out` report but do not belong. `disclosed` says of
    each complete month which organisations may be shown.

    `totals` carry no error of a power model; `common_u` is that error (k = 1, relative) by class,
    and by calibration of a class (`indicators.calibration.source`). `private` are the strata of
    months in which a printer may stand in one person's office; `meter_u` is the relative standard
    uncertainty of one meter by class.
    """

    perimeter: Perimeter
    organisations: frozenset[str]
    left_out: frozenset[str]
    rows: Mapping[str, tuple[StratumMonth, ...]]
    totals: Mapping[str, tuple[StratumTotal, ...]]
    complete: tuple[str, ...]
    too_few: tuple[str, ...]
    disclosed: Mapping[str, Disclosed]
    common_u: Mapping[str, float]
    private: frozenset[tuple[str, Stratum]] = frozenset()
    meter_u: Mapping[str, float] = field(default_factory=dict)

    def of(self, months: Sequence[str]) -> list[StratumTotal]:
        """Stratum totals of several months as they are compared: without their models' error."""
        return [one for month in months for one in self.totals.get(month, ())]

    def absolute(self, months: Sequence[str]) -> list[StratumTotal]:
        """Stratum totals of several months in kWh of the meter: with their models' error."""
        return [with_common(one, self.common_u.get(source_of(one), 0.0)) for one in self.of(months)]

    def naive_kwh(self, months: Sequence[str]) -> float:
        """What adding up the monitored devices gives, rounded so that it tells of no few people."""
        return rounded(naive_sum_kwh(self.rows_of(months)), self.step_kwh(months))

    def step_kwh(self, months: Sequence[str]) -> float:
        """To what is rounded what stands beside the totals of months; 0 where it need not be."""
        if not any(self.disclosed[month].few for month in months if month in self.disclosed):
            return 0.0
        return step_kwh(self.rows_of(months), self.perimeter.publish_at_least)

    def rows_of(self, months: Sequence[str]) -> list[StratumMonth]:
        """Stored rows of several months."""
        return [row for month in months for row in self.rows.get(month, ())]

    def lacking(self, months: Sequence[str]) -> list[str]:
        """Those of the months that are not complete."""
        return [month for month in months if month not in self.complete]


def fleet(
    rows: Sequence[StratumMonth],
    perimeter: Perimeter,
    year: int,
    this_month: str,
    meter_u: Mapping[str, float],
    common_u: Mapping[str, float],
    private: frozenset[tuple[str, Stratum]] = frozenset(),
) -> Fleet:
    """The months from the baseline year to the end of `year`, in the constant perimeter.

    Without organisations in the perimeter, all that report belong. Rows of several organisations
    inform their class, whoever belongs.
    """
    first, last = f"{perimeter.baseline.year:04}-01", f"{year:04}-12"
    within = [row for row in rows if first <= row.month <= last]
    reporting = {row.stratum.organisation for row in within} - {POOLED}
    if perimeter.organisations:
        belongs = frozenset(o.id for o in perimeter.constant(first, last))
    else:
        belongs = frozenset(reporting)
    by_month: dict[str, list[StratumMonth]] = defaultdict(list)
    for row in sorted(within, key=lambda row: (row.month, row.stratum)):
        if row.stratum.organisation in belongs | {POOLED}:
            by_month[row.month].append(row)
    totals = {}
    for month, members in by_month.items():
        totals[month] = tuple(
            month_total(
                members,
                inventory(perimeter, month, belongs),
                month=month,
                earlier=by_month.get(month_before(month), []),
                meter_u=meter_u,
            )
        )
    over = [month for month in sorted(by_month) if month < this_month]
    shown = {
        month: disclosed(by_month[month], totals[month], perimeter.publish_at_least)
        for month in over
    }
    too_few = tuple(month for month in over if not shown[month].whole)
    return Fleet(
        perimeter=perimeter,
        organisations=belongs,
        left_out=frozenset(reporting - belongs),
        rows={month: tuple(members) for month, members in by_month.items()},
        totals=totals,
        complete=tuple(month for month in over if month not in too_few),
        too_few=too_few,
        disclosed=shown,
        common_u=common_u,
        private=private,
        meter_u=meter_u,
    )


def source_of(one: StratumTotal) -> str:
    """What a total has in common with others of its class: the model, or one calibration of it."""
    return source(one.stratum.device_class, one.calibration)


def by_source(totals: Iterable[StratumTotal]) -> dict[str, float]:
    """kWh by what they have in common."""
    found: dict[str, float] = defaultdict(float)
    for one in totals:
        found[source_of(one)] += one.total_kwh
    return dict(found)


def inventory(perimeter: Perimeter, month: str, organisations: frozenset[str]) -> Inventory:
    """Units and their standard uncertainty by stratum in a month."""
    stated: Mapping[Stratum, tuple[float, float]] = perimeter.inventory_of(month).values
    return {
        stratum: (units, half_width / RECTANGULAR)
        for stratum, (units, half_width) in stated.items()
        if stratum.organisation in organisations
    }


def users(
    perimeter: Perimeter, months: Sequence[str], organisations: frozenset[str]
) -> Users | None:
    """Mean of the month-end head-counts over the months, with its standard uncertainty.

    None if a count was never stated for one of the organisations. Within an organisation counts of
    one register err alike and do not average out; organisations are independent.
    """
    if not organisations or not months:
        return None
    count, u_parts = 0.0, []
    for organisation in sorted(organisations):
        counts = [_count(perimeter, month, organisation) for month in months]
        known = [pair for pair in counts if pair is not None]
        if len(known) < len(counts):
            return None
        count += sum(value for value, _ in known) / len(known)
        u_parts.append(sum(half for _, half in known) / len(known) / RECTANGULAR)
    # Nobody to divide by is as good as not known.
    return Users(count, hypot(*u_parts)) if count > 0 else None


def uncounted(
    perimeter: Perimeter, months: Sequence[str], organisations: frozenset[str]
) -> list[str]:
    """Organisations of which no head-count is known in one of the months."""
    return [
        organisation
        for organisation in sorted(organisations)
        if any(_count(perimeter, month, organisation) is None for month in months)
    ]


def month_before(month: str) -> str:
    """The month before ("2026-01" gives "2025-12")."""
    year, number = int(month[:4]), int(month[5:7])
    return f"{year:04}-{number - 1:02}" if number > 1 else f"{year - 1:04}-12"


def window(complete: Sequence[str], year: int) -> tuple[str, ...] | None:
    """The twelve months to report for a year: its own, else the last twelve that end within it.

    None if no twelve complete months in a row end within the year.
    """
    known = set(complete)
    for last in reversed(months_of(year)):
        months = [last]
        while len(months) < 12:
            months.insert(0, month_before(months[0]))
        if known.issuperset(months):
            return tuple(months)
    return None


def _count(perimeter: Perimeter, month: str, organisation: str) -> tuple[float, float] | None:
    stated = [
        m for m, counts in perimeter.headcount.items() if m <= month and organisation in counts
    ]
    return perimeter.headcount[max(stated)][organisation] if stated else None
