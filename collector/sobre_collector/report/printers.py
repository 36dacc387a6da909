"""The report's section on printers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sobre_collector.indicators.counts import Count
from sobre_collector.indicators.printer_fleet import activity, state_hours
from sobre_collector.indicators.quantiles import two_sided
from sobre_collector.indicators.reduction import Reduction
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report import notation
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import KwhInterval, Note, Report
from sobre_collector.report.printer_groups import (
    Group,
    SizeSaving,
    groups,
    schedule,
    size_savings,
)
from sobre_collector.report.printer_years import (
    LEVEL,
    MIXED,
    Change,
    Period,
    Year,
    changes,
    period,
    points,
    year_of,
)
from sobre_collector.report.tables import table, titled
from sobre_collector.report.wording import Lang, marked, name, say

NAME = "printers"
TARGET_PAGES_RATIO = 0.10


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Printers:
    """Printers of the period, of the baseline year, and what changed.

    Hours and pages are of all printers of the inventory. `least_running_h` and `most_running_h`
    bound the hours whatever happened in unknown time; `state_share_ratio` is the monitored ones'
    time by state. `points_ratio` adds up to minus the reduction of running hours.
    """

    months: tuple[str, ...]
    inventory: Amount | None
    seen: float
    active: float
    running_h: Amount | None
    least_running_h: float | None
    most_running_h: float | None
    running_h_per_day: float | None
    running_h_per_user: float | None
    state_share_ratio: Mapping[str, float]
    pages: Amount | None
    page_unit: str
    baseline_stated: tuple[str, ...]
    changes: tuple[Change, ...]
    points_ratio: Mapping[str, float]
    models: tuple[Group, ...]
    sizes: tuple[Group, ...]
    size_savings: tuple[SizeSaving, ...]
    schedule_kwh: float | None
    schedule_interval: KwhInterval | None
    schedule_hours: tuple[int, int]
    notes: tuple[Note, ...] = ()


def figures(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Printers | None:
    """None where no printer was seen, none is read by people, and none was stated."""
    read = facts.inputs.get(NAME, {})
    contents = read.get("months", ())
    perimeter = drawn.fleet.perimeter
    if not drawn.months or not (contents or perimeter.printing.readings):
        return None
    of = period(drawn, contents, drawn.months)
    now = year_of(drawn, of, drawn.year)
    if not of.rows and now.pages is None:
        return None
    base_year = perimeter.baseline.year
    baseline = period(drawn, contents, months_of(base_year))
    was = year_of(drawn, baseline, base_year)
    # Never annualised: part of a year is not compared with a whole one.
    whole = drawn.full and drawn.year != base_year
    changed, lacking = changes(drawn, was, now) if whole else ([], [])
    use, at_least = activity(of.rows), perimeter.publish_at_least
    hours, saved = perimeter.working_hours, schedule(perimeter.working_hours, of)
    few = use.seen_n < at_least and any(r.printing and r.printing.private for r in of.rows)
    states = {} if few else state_hours(of.rows)
    running = None if few else now.running
    n = now.devices.total if now.devices else 0.0
    return Printers(
        drawn.months,
        _amount(now.devices),
        use.seen_n,
        use.active_n,
        _amount(running),
        None if few else now.least_h,
        None if few else now.most_h,
        running.total / n / sum(of.calendar_days) if running and n > 0 else None,
        running.total / drawn.after.count if running and drawn.after else None,
        {state: h / sum(states.values()) for state, h in states.items()} if states else {},
        None if few else _amount(now.pages),
        now.unit,
        was.stated,
        () if few else tuple(changed),
        {} if few or not whole else points(was, now),
        groups(of.rows, lambda p: p.model, at_least),
        groups(of.rows, lambda p: p.size, at_least),
        size_savings(of.rows, at_least),
        saved.kwh if saved and not few else None,
        KwhInterval(LEVEL, *saved.interval_kwh(LEVEL)) if saved and not few else None,
        (hours.end_h, hours.start_h),
        (*lacking, *_notes(of, now, read.get("confirmed", ()), few, whole, at_least)),
    )


def _notes(
    of: Period, now: Year, confirmed: Sequence[str], few: bool, whole: bool, at_least: int
) -> list[Note]:
    notes = []
    models = {r.printing.model for r in of.rows if r.printing and _stateless(r.printing.state_h)}
    waiting = sorted(models - set(confirmed) - {""})
    if waiting:
        notes.append(Note("printers-unconfirmed", {"names": ", ".join(waiting)}))
    if "" in models:
        notes.append(Note("printers-unregistered"))
    if now.unit == MIXED:
        notes.append(Note("printers-mixed-units"))
    if now.broken_counters:
        notes.append(Note("printers-reset", {"count": now.broken_counters}))
    aside = sum(r.printing.set_aside_days for r in of.rows if r.printing)
    if aside:
        notes.append(Note("printers-set-aside", {"count": aside}))
    if few:
        notes.append(Note("printers-few", {"k": at_least}))
    if not whole:
        notes.append(Note("printers-part"))
    return notes


def _stateless(state_h: Mapping[str, float]) -> bool:
    return not any(h for state, h in state_h.items() if state != "unknown")


def _amount(count: Count | None) -> Amount | None:
    if count is None:
        return None
    half = two_sided(LEVEL, count.df) * count.u if count.u else 0.0
    return Amount(count.total, max(0.0, count.total - half), count.total + half)


def html(found: Printers, report: Report, lang: Lang) -> str:
    """Sentences, the figures, then models, sizes and what a smaller one would save."""
    heads = [say(lang, f"col.{key}") for key in ("figure", "value", "interval")]
    parts = [f"<p>{marked(text)}</p>" for text in sentences(found, lang)]
    parts.append(table(say(lang, "title.printers"), heads, rows(found, report, lang)))
    for title, of in (("printers_models", found.models), ("printers_sizes", found.sizes)):
        if of:
            columns = ("printers_group", "printers_n", "printers_week", "printers_page")
            heads = [
                say(lang, f"col.{key}") for key in (*columns, "printers_next", "printers_standby")
            ]
            body = [_group(one, title, lang) for one in of]
            parts.append(titled(say(lang, f"title.{title}"), heads, body))
    if found.size_savings:
        heads = [say(lang, f"col.{key}") for key in ("printers_swap", "value", "interval")]
        body = [
            [
                say(
                    lang,
                    "printers.swap",
                    n=one.printers,
                    larger=name(lang, "size", one.larger),
                    smaller=name(lang, "size", one.smaller),
                ),
                notation.energy(one.kwh, lang),
                notation.energy_range(one.interval.low_kwh, one.interval.high_kwh, lang),
            ]
            for one in found.size_savings
        ]
        parts.append(titled(say(lang, "title.printers_swap"), heads, body))
    return "".join(parts)


def sentences(found: Printers, lang: Lang) -> list[str]:
    """The fixed sentences of the method on running time and on prints."""
    said = []
    by_name = {change.name: change for change in found.changes}
    if "running" in by_name and found.points_ratio:
        change = notation.change(-by_name["running"].reduction_ratio, lang)
        fewer, shorter = (
            notation.points(found.points_ratio[k], lang) for k in ("fewer", "shorter")
        )
        said.append(say(lang, "printers.running", change=change, fewer=fewer, shorter=shorter))
    if "pages" in by_name:
        change = notation.change(-by_name["pages"].reduction_ratio, lang)
        target = notation.percent(-TARGET_PAGES_RATIO, lang, 0)
        said.append(say(lang, "printers.pages", change=change, target=target))
    if found.schedule_kwh is not None:
        off, on = found.schedule_hours
        kwh = notation.energy(found.schedule_kwh, lang)
        said.append(say(lang, "printers.schedule", off=off, on=on, kwh=kwh))
    return said


def rows(found: Printers, report: Report, lang: Lang) -> list[list[str]]:
    """Label, value and interval."""
    made: list[list[str]] = []

    def add(key: str, value: str, interval: str = "", **values: str | int) -> None:
        made.append([say(lang, f"row.printers_{key}", **values), value, interval])

    def count(key: str, amount: Amount | None, suffix: str = "", **values: str | int) -> None:
        if amount is not None:
            low, high = notation.number(amount.low, lang), notation.number(amount.high, lang)
            add(key, notation.number(amount.value, lang) + suffix, _to(low, high, lang), **values)

    count("inventory", found.inventory)
    add("seen", notation.number(found.seen, lang))
    add("active", notation.number(found.active, lang))
    hour = f"{notation.NARROW}h"
    count("running", found.running_h, hour)
    if found.least_running_h is not None and found.most_running_h is not None:
        least, most = (
            notation.number(h, lang) for h in (found.least_running_h, found.most_running_h)
        )
        add("bounds", "", _to(least, most, lang) + hour)
    for key, value in (
        ("per_day", found.running_h_per_day),
        ("per_user", found.running_h_per_user),
    ):
        if value is not None:
            add(key, notation.number(value, lang, 2) + hour)
    for state, share in found.state_share_ratio.items():
        add("state", notation.percent(share, lang), state=name(lang, "state", state))
    if found.page_unit and found.page_unit != MIXED:
        count("pages", found.pages, unit=name(lang, "unit", found.page_unit))
    for change in found.changes:
        interval = ""
        if change.interval is not None:
            low, high = -change.interval.high_ratio, -change.interval.low_ratio
            interval = _to(notation.change(low, lang), notation.change(high, lang), lang)
        what = name(lang, "printing", change.name)
        add("change", notation.change(-change.reduction_ratio, lang), interval, what=what)
        if change.per_user_ratio is not None:
            add("change_user", notation.change(-change.per_user_ratio, lang), what=what)
    for key, ratio in found.points_ratio.items():
        add(key, notation.points(ratio, lang))
    if found.schedule_kwh is not None and found.schedule_interval is not None:
        ends_kwh = (found.schedule_interval.low_kwh, found.schedule_interval.high_kwh)
        off, on = found.schedule_hours
        kwh = notation.energy(found.schedule_kwh, lang)
        add("schedule", kwh, notation.energy_range(*ends_kwh, lang), off=off, on=on)
    return made


def _group(one: Group, title: str, lang: Lang) -> list[str]:
    kind = "size" if title == "printers_sizes" else "model"

    def wh(value: float | None) -> str:
        return "" if value is None else notation.energy(value / 1000, lang)

    return [
        name(lang, kind, one.name),
        notation.number(one.printers, lang),
        notation.energy(one.kwh_per_week, lang),
        wh(one.wh_per_page),
        wh(one.wh_per_further_page),
        "" if one.standby_kwh_per_day is None else notation.energy(one.standby_kwh_per_day, lang),
    ]


def _to(low: str, high: str, lang: Lang) -> str:
    return f"{low} {'à' if lang == 'fr' else 'to'} {high}"
