"""The calculation itself: what a report, an explanation or a record of a year rests on."""

from collections.abc import Sequence
from typing import NamedTuple

from sobre_collector.indicators import reduction as reductions
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report import adjusting, common_error
from sobre_collector.report.drawn import Drawn, drawn_from
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note
from sobre_collector.report.notes import missing_of, reason

LEVELS = (0.95, 0.90)


class Worked(NamedTuple):
    """What a year is drawn from, R at 95 and at 90 %, and what stands in its way.

    With anything missing, no percentage of `found` may be shown.
    """

    drawn: Drawn
    found: tuple[reductions.Reduction, ...]
    missing: list[Note]


def worked(rows: Sequence[StratumMonth], perimeter: Perimeter, year: int, facts: Facts) -> Worked:
    """The reductions of a calendar year (see `figures.report`)."""
    drawn = drawn_from(rows, perimeter, year, facts)
    adjustments, unknown = adjusting.adjustments(facts.adjustments, perimeter, drawn.months)
    missing = [*missing_of(drawn), *unknown]
    found = _reductions(drawn, adjustments) if not missing else ()
    if found and found[0].insufficient:
        missing += [reason(code, found[0], drawn) for code in found[0].insufficient]
    return Worked(drawn, found, missing)


def _reductions(
    drawn: Drawn, adjustments: Sequence[reductions.Adjustment]
) -> tuple[reductions.Reduction, ...]:
    found, before, after = drawn.reference.found, drawn.before, drawn.after
    if found is None or before is None or after is None:
        return ()
    cv_common = common_error.cv_of(drawn, before, after)
    return tuple(
        reductions.reduction(
            found,
            reductions.reported(drawn.total, cv_common),
            before=before,
            after=after,
            uses=drawn.reference.uses,
            adjustments=adjustments,
            level=level,
        )
        for level in LEVELS
    )
