"""The report as one self-contained HTML file: no script, nothing fetched, fit for print."""

from functools import lru_cache
from html import escape
from importlib.resources import files

from sobre_collector.report.body import body
from sobre_collector.report.model import Report
from sobre_collector.report.wording import Lang, say


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet that files and pages share."""
    return files("sobre_collector.report").joinpath("style.css").read_text("utf-8")


def banner(simulated: bool, lang: Lang) -> str:
    """What stands on top of simulated figures wherever they show; empty for real ones."""
    if not simulated:
        return ""
    return f'<p class="banner" role="note">{escape(say(lang, "simulated"))}</p>'


def html_file(report: Report, lang: Lang) -> str:
    """A whole document."""
    title = escape(say(lang, "title.report", year=report.period.year))
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style()}</style>\n</head>\n<body>\n<main>\n"
        f"{banner(report.simulated, lang)}\n{body(report, lang)}\n</main>\n</body>\n</html>\n"
    )
