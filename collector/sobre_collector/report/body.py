"""The report's content as HTML sections, the same on the page and in the file."""

from collections.abc import Iterator, Sequence
from html import escape

from sobre_collector.report import charts, notation
from sobre_collector.report.model import Coverage, Group, Report
from sobre_collector.report.rows import (
    conservation_rows,
    figure_rows,
    provenance_rows,
    trajectory_rows,
)
from sobre_collector.report.sections import shown
from sobre_collector.report.sentences import evolution_interval, missing, said, span, weaknesses
from sobre_collector.report.tables import table
from sobre_collector.report.wording import Lang, flags, marked, name, say


def body(report: Report, lang: Lang, by_stratum: bool = True) -> str:
    """Heading and sections; with `by_stratum` False coverage is shown by class, in fewer rows."""
    parts = [
        f"<h1>{escape(say(lang, 'title.report', year=report.period.year))}</h1>",
        *_result(report, lang),
        _section("figures", lang, _figures(report, lang)),
        _section("trajectory", lang, _trajectory(report, lang)),
        *_sections(report, lang),
        *_months(report, lang),
        *_groups("organisations", "organisation", report.organisations, lang),
        *_groups("classes", "class", report.classes, lang),
        _coverage(report, lang, by_stratum),
        *_conservation(report, lang),
        _section("notes", lang, _list(weaknesses(report, lang))),
        _section("provenance", lang, _pairs("provenance", provenance_rows(report, lang), lang)),
        f'<p class="small">{escape(say(lang, "footer.sign"))}</p>',
    ]
    return "\n".join(part for part in parts if part)


def _result(report: Report, lang: Lang) -> Iterator[str]:
    lines = [f"<p>{marked(text)}</p>" for text in said(report, lang)]
    yield _section("result", lang, "".join([*_headline(report, lang), *lines]))
    if report.missing:
        yield _section("missing", lang, _list(missing(report, lang)))


def _headline(report: Report, lang: Lang) -> Iterator[str]:
    """The figure alone, with its interval, its reference and its target: what is remembered."""
    if report.result is None:
        yield f'<p class="verdict">{escape(say(lang, "said.insufficient"))}</p>'
    else:
        label = escape(say(lang, "row.evolution"))
        figure = escape(notation.change(report.result.evolution_ratio, lang))
        yield f'<p class="figure"><span class="small">{label}</span><strong>{figure}</strong>'
        if report.result.intervals:
            low, high = (notation.change(end, lang) for end in evolution_interval(report, 0.95))
            yield f"<span>{marked(say(lang, 'headline.interval', low=low, high=high))}</span>"
        yield "</p>"
    target = notation.percent(-report.trajectory.target_ratio, lang, 0)
    kind = name(lang, "kind", report.baseline.kind)
    facts = (
        say(lang, "headline.baseline", baseline_year=report.baseline.year, kind=kind),
        say(lang, "headline.target", target_year=report.trajectory.target_year, target=target),
        say(lang, "headline.period", span=span(report, lang)),
    )
    yield f'<ul class="facts">{"".join(f"<li>{marked(fact)}</li>" for fact in facts)}</ul>'


def _figures(report: Report, lang: Lang) -> str:
    heads = [say(lang, f"col.{key}") for key in ("figure", "value", "interval")]
    return table(say(lang, "title.figures"), heads, figure_rows(report, lang))


def _trajectory(report: Report, lang: Lang) -> str:
    return _pairs("trajectory", trajectory_rows(report, lang), lang)


def _sections(report: Report, lang: Lang) -> Iterator[str]:
    for section, figures in shown(report):
        yield _section(section.NAME, lang, section.html(figures, report, lang))


def _months(report: Report, lang: Lang) -> Iterator[str]:
    if not report.months:
        return
    # The unit of the axis is chosen for the whole curve.
    size, unit = (
        (1e3, "MWh") if any((m.high_kwh or 0) >= 1e4 for m in report.months) else (1, "kWh")
    )

    def scaled(kwh: float | None) -> float | None:
        return None if kwh is None else kwh / size

    points = [
        charts.Point(
            m.month,
            scaled(m.energy_kwh),
            scaled(m.low_kwh),
            scaled(m.high_kwh),
            scaled(m.path_kwh),
        )
        for m in report.months
    ]
    first, last = (notation.month(report.months[i].month, lang) for i in (0, -1))
    words = charts.Words(
        "months",
        say(lang, "chart.months"),
        say(lang, "chart.months_desc", count=len(points), first=first, last=last),
        (say(lang, "chart.value"), say(lang, "chart.band"), say(lang, "chart.target")),
        unit,
    )
    columns = ("month", "energy", "interval", "naive", "baseline", "path", "users")
    rows = []
    for m in report.months:
        known = m.low_kwh is not None and m.high_kwh is not None
        own = m.month.startswith(f"{report.baseline.year:04}-")
        rows.append(
            [
                notation.month(m.month, lang),
                _kwh(m.energy_kwh, lang, "hidden"),
                notation.energy_range(m.low_kwh or 0.0, m.high_kwh or 0.0, lang) if known else "",
                _kwh(m.naive_kwh, lang),
                # In its own year the reference is the estimate beside it.
                "" if own else _kwh(m.baseline_kwh, lang),
                _kwh(m.path_kwh, lang),
                "" if m.users is None else notation.number(m.users, lang),
            ]
        )
    heads = [say(lang, f"col.{key}") for key in columns]
    drawn = charts.line(points, words) + table(say(lang, "title.months"), heads, rows)
    yield _section("months", lang, drawn)


def _groups(title: str, kind: str, groups: Sequence[Group], lang: Lang) -> Iterator[str]:
    if not groups:
        return
    items = [
        (name(lang, kind, group.name), group.energy_kwh, notation.energy(group.energy_kwh, lang))
        for group in groups
        if group.energy_kwh is not None
    ]
    drawn = ""
    if items:
        words = charts.Words(
            title,
            say(lang, f"title.{title}"),
            say(lang, "chart.bars_desc", largest=max(items, key=lambda item: item[1])[0]),
        )
        drawn = charts.bars(items, words)
    rows = []
    for group in groups:
        known = group.low_kwh is not None and group.high_kwh is not None
        interval = (group.low_kwh or 0.0, group.high_kwh or 0.0)
        rows.append(
            [
                name(lang, kind, group.name),
                _kwh(group.energy_kwh, lang, "hidden"),
                notation.energy_range(*interval, lang) if known else "",
            ]
        )
    heads = [say(lang, f"col.{key}") for key in (kind, "energy", "interval")]
    yield _section(title, lang, drawn + table(say(lang, f"title.{title}"), heads, rows))


def _coverage(report: Report, lang: Lang, by_stratum: bool) -> str:
    if not report.coverage:
        return ""
    title = "coverage" if by_stratum else "coverage_classes"
    rows = (
        [_stratum(one, report.publish_at_least, lang) for one in report.coverage]
        if by_stratum
        else list(_by_class(report.coverage, lang))
    )
    places = ("organisation", "site", "class") if by_stratum else ("class",)
    ends = ("method", "flags") if by_stratum else ()
    heads = [
        say(lang, f"col.{key}") for key in (*places, "inventory", "devices", "coverage", *ends)
    ]
    return _section(title, lang, table(say(lang, f"title.{title}"), heads, rows))


def _stratum(one: Coverage, at_least: int, lang: Lang) -> list[str]:
    return [
        one.organisation,
        one.site,
        name(lang, "class", one.device_class),
        notation.number(one.inventory, lang),
        say(lang, "now.few", k=at_least)
        if one.devices is None
        else notation.number(one.devices, lang),
        "" if one.coverage_ratio is None else notation.percent(one.coverage_ratio, lang, 0),
        name(lang, "method", one.method),
        flags(lang, one.flags),
    ]


def _by_class(coverage: Sequence[Coverage], lang: Lang) -> Iterator[list[str]]:
    for device_class in sorted({one.device_class for one in coverage}):
        members = [one for one in coverage if one.device_class == device_class]
        units = sum(one.inventory for one in members)
        devices = sum(one.devices or 0 for one in members)
        covered = sum((one.coverage_ratio or 0.0) * one.inventory for one in members)
        # A class of which some strata are not counted out has a sum that is only "at least".
        mark = "≥ " if any(one.devices is None for one in members) else ""
        yield [
            name(lang, "class", device_class),
            notation.number(units, lang),
            mark + notation.number(devices, lang),
            mark + notation.percent(covered / units, lang, 0) if units > 0 else "",
        ]


def _conservation(report: Report, lang: Lang) -> Iterator[str]:
    if report.conservation is not None:
        rows = conservation_rows(report.conservation, lang)
        yield _section("conservation", lang, _pairs("conservation", rows, lang))


def _pairs(title: str, rows: Sequence[Sequence[str]], lang: Lang) -> str:
    heads = [say(lang, "col.figure"), say(lang, "col.value")]
    return table(say(lang, f"title.{title}"), heads, rows)


def _list(texts: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{marked(text)}</li>" for text in texts) + "</ul>"


def _section(title: str, lang: Lang, content: str) -> str:
    heading = escape(say(lang, f"title.{title}"))
    return f'<section aria-labelledby="{title}"><h2 id="{title}">{heading}</h2>{content}</section>'


def _kwh(kwh: float | None, lang: Lang, otherwise: str = "") -> str:
    if kwh is None:
        return say(lang, otherwise) if otherwise else ""
    return notation.energy(kwh, lang)
