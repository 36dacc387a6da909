"""Which calibrations are in the months of a report, and what that does to its uncertainty."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.indicators.total import StratumTotal
from sobre_collector.perimeter.facts import Perimeter, months_of
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import COVERAGE_FACTOR, Facts
from sobre_collector.report.model import Note, Report
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, name, say
from sobre_collector.store.ledger import Ledger

NAME = "calibration"


@dataclass(frozen=True, slots=True)
class Used:
    """A factor by its number in the ledger, and the compared months that carry it."""

    number: int
    device_class: str
    factor_ratio: float
    u_ratio: float
    sessions_n: int
    by: str
    months: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The factors in use, and what weakens a comparison between their months."""

    used: tuple[Used, ...]
    notes: tuple[Note, ...]


def read(ledger: Ledger, _: Perimeter) -> tuple[tuple[Applied, int, str], ...] | None:
    """Every factor that was decided, from how many PCs and by which role; None if there is none."""
    decided = ledger.calibrations.decided()
    return tuple((each.applied, len(each.sessions), each.by) for each in decided) or None


def figures(drawn: Drawn, _: Sequence[Reduction], facts: Facts) -> Calibrated | None:
    """The factors that the report's months and those of a measured baseline carry."""
    decided: tuple[tuple[Applied, int, str], ...] = facts.inputs.get(NAME, ())
    stated = drawn.fleet.perimeter.baseline
    before = drawn.fleet.of(months_of(stated.year)) if stated.kind == "measured" else []
    after = drawn.fleet.of(drawn.months)
    months: dict[int, set[str]] = {}
    for one in [*before, *after]:
        if one.calibration is not None:
            months.setdefault(one.calibration, set()).add(one.month)
    used = tuple(
        Used(
            applied.number,
            applied.device_class,
            applied.factor_ratio,
            applied.u_ratio,
            sessions_n,
            by,
            tuple(sorted(months[applied.number])),
        )
        for applied, sessions_n, by in decided
        if applied.number in months
    )
    if not used:
        return None
    unlike = sorted(
        device_class
        for device_class in {one.device_class for one in used}
        if len(_numbers(before, device_class) | _numbers(after, device_class)) > 1
    )
    notes = (Note("calibration-differs", {"class": ", ".join(unlike)}),) if unlike else ()
    return Calibrated(used, notes)


def _numbers(totals: Iterable[StratumTotal], device_class: str) -> set[int | None]:
    return {one.calibration for one in totals if one.stratum.device_class == device_class}


def html(figures: Calibrated, report: Report, lang: Lang) -> str:
    """One line for each factor."""
    heads = [
        say(lang, f"calibration.{key}")
        for key in ("number", "class", "factor", "u", "sessions", "by", "months")
    ]
    rows = [
        [
            str(one.number),
            name(lang, "class", one.device_class),
            notation.number(one.factor_ratio, lang, 3),
            f"± {notation.percent(COVERAGE_FACTOR * one.u_ratio, lang)}",
            notation.number(one.sessions_n, lang),
            one.by,
            notation.months(one.months, lang),
        ]
        for one in figures.used
    ]
    return table(say(lang, "title.calibration"), heads, rows)


def rows(figures: Calibrated, report: Report, lang: Lang) -> list[list[str]]:
    """Class with number, factor, and the months that carry it."""
    return [
        [
            f"{name(lang, 'class', one.device_class)} (no {one.number})",
            f"× {notation.number(one.factor_ratio, lang, 3)}",
            f"± {notation.percent(COVERAGE_FACTOR * one.u_ratio, lang)} ; "
            f"{notation.months(one.months, lang)}",
        ]
        for one in figures.used
    ]
