"""The fixed sentences of the method, filled with the report's figures.

What is published is an evolution, negative when consumption falls; inside, a reduction is positive.
"""

from sobre_collector.report import notation
from sobre_collector.report.model import Report
from sobre_collector.report.wording import Lang, name, note, say


def evolution(report: Report, lang: Lang) -> str | None:
    """The result with its interval at 95 %; None if there is none."""
    if report.result is None:
        return None
    values: dict[str, str | int] = {
        "evolution": notation.change(report.result.evolution_ratio, lang),
        "baseline_year": report.baseline.year,
        "target_year": report.trajectory.target_year,
        "target": notation.percent(-report.trajectory.target_ratio, lang, 0),
    }
    if not report.result.intervals:
        return say(lang, "said.evolution_no_interval", **values)
    low, high = evolution_interval(report, 0.95)
    return say(
        lang,
        "said.evolution",
        low=notation.change(low, lang),
        high=notation.change(high, lang),
        **values,
    )


def evolution_interval(report: Report, level_ratio: float) -> tuple[float, float]:
    """The interval of the evolution, its lower end first: that of the reduction turned round."""
    assert report.result is not None
    for one in report.result.intervals:
        if one.level_ratio == level_ratio:
            return -one.high_ratio, -one.low_ratio
    raise KeyError(level_ratio)


def gap(report: Report, lang: Lang) -> str | None:
    """The gap to the path with its status; None while the trajectory is insufficient."""
    found = report.trajectory
    if found.gap_ratio is None:
        return None
    status = name(lang, "status", found.status)
    return say(lang, "said.gap", gap=notation.points(found.gap_ratio, lang), status=status)


def shares(report: Report, lang: Lang) -> str | None:
    """The three shares as whole percentages that add up to 100; None where none is published."""
    energy = report.energy
    parts = [
        energy.measured_share_ratio,
        energy.estimated_share_ratio,
        energy.extrapolated_share_ratio,
    ]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    measured, estimated, extrapolated = notation.percents(known, lang)
    return say(
        lang, "said.shares", measured=measured, estimated=estimated, extrapolated=extrapolated
    )


def avoided(report: Report, lang: Lang) -> str | None:
    """The avoided energy with its interval; None without a result."""
    if report.result is None or report.result.avoided_interval is None:
        return None
    interval = report.result.avoided_interval
    return say(
        lang,
        "said.avoided",
        avoided=notation.energy(report.result.avoided_kwh, lang),
        interval=notation.energy_range(interval.low_kwh, interval.high_kwh, lang),
    )


def provisional(report: Report, lang: Lang) -> str | None:
    """Why the result is provisional; None if it is not, or if there is none."""
    if report.status != "provisional":
        return None
    reasons = " / ".join(say(lang, f"said.provisional_{why}") for why in report.weak)
    return say(lang, "said.provisional", reasons=reasons)


def missing(report: Report, lang: Lang) -> list[str]:
    """What stands in the way of a result."""
    return [note(lang, one) for one in report.missing]


def weaknesses(report: Report, lang: Lang) -> list[str]:
    """What an opponent would say of the figures, said first."""
    return [note(lang, one) for one in report.notes]


def span(report: Report, lang: Lang) -> str:
    """The period as a reader says it: the year, or the months from which to which."""
    period = report.period
    if period.complete or not period.months:
        return str(period.year)
    first, last = (notation.month(period.months[i], lang) for i in (0, -1))
    return first if first == last else f"{first} {'à' if lang == 'fr' else 'to'} {last}"


def said(report: Report, lang: Lang) -> list[str]:
    """All sentences that can be said of the result, the most important first."""
    found = [evolution(report, lang), gap(report, lang), shares(report, lang)]
    found += [avoided(report, lang), provisional(report, lang)]
    return [text for text in found if text]
