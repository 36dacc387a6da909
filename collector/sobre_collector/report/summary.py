"""The report in a terminal: what matters on one screen."""

from sobre_collector.report import outlook as forecasting
from sobre_collector.report.model import Report
from sobre_collector.report.rows import conservation_rows, figure_rows, trajectory_rows
from sobre_collector.report.sections import shown
from sobre_collector.report.sentences import missing, said, span, weaknesses
from sobre_collector.report.wording import Lang, plain, say


def summary(report: Report, lang: Lang) -> str:
    """Sentences first, then figures and trajectory in columns."""
    lines = [say(lang, "title.report", year=report.period.year), ""]
    if report.simulated:
        lines += [f"*** {say(lang, 'simulated')} ***", ""]
    sentences = said(report, lang)
    if report.result is None:
        lines.append(say(lang, "said.insufficient"))
        lines += [f"- {plain(text)}" for text in missing(report, lang)]
    lines += [plain(text) for text in sentences]
    outlook = report.sections.get(forecasting.NAME)
    if outlook is not None:
        lines += [plain(text) for text in forecasting.sentences(outlook, lang)]
    lines.append(say(lang, "said.period", span=span(report, lang)))
    weak = weaknesses(report, lang)
    if weak:
        lines += ["", say(lang, "title.notes"), *(f"- {plain(text)}" for text in weak)]
    for title, rows in (
        ("figures", figure_rows(report, lang)),
        ("trajectory", trajectory_rows(report, lang)),
        *((one.NAME, one.rows(figures, report, lang)) for one, figures in shown(report)),
        (
            "conservation",
            conservation_rows(report.conservation, lang) if report.conservation else [],
        ),
    ):
        if rows:
            written = [[plain(cell) for cell in row] for row in rows]
            lines += ["", say(lang, f"title.{title}"), *columns(written)]
    return "\n".join(lines)


def columns(rows: list[list[str]]) -> list[str]:
    """Label, value and interval below one another."""
    wide = max(len(row[0]) for row in rows)
    value = max(len(row[1]) for row in rows)
    return [
        f"  {row[0]:<{wide}}  {row[1]:>{value}}"
        + (f"  ({row[2]})" if len(row) > 2 and row[2] else "")
        for row in rows
    ]
