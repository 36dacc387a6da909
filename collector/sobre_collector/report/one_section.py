"""One section of the report by itself, for the commands that ask for it."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sobre_collector.report.model import Report
from sobre_collector.report.sections import SECTIONS
from sobre_collector.report.source import Place, load_report
from sobre_collector.report.summary import columns
from sobre_collector.report.wording import Lang, note, plain, say
from sobre_drivers.errors import StoreError


def section_of(where: Place, name: str, year: int | None, now: datetime, lacking: str) -> Report:
    """The report that holds the section; StoreError says what is `lacking` where it has none.

    The same figures as in the report: a command and the report never differ.
    """
    report = load_report(where, year, now)
    if name not in report.sections:
        raise StoreError(
            f"{where.data}: nothing to tell of {name} in {report.period.year}; {lacking}"
        )
    return report


def as_text(report: Report, name: str, lang: Lang) -> str:
    """Rows in columns, then what weakens them."""
    section = next(one for one in SECTIONS if name == one.NAME)
    figures = report.sections[name]
    lines = [f"*** {say(lang, 'simulated')} ***"] if report.simulated else []
    lines += [say(lang, f"title.{name}"), *columns(section.rows(figures, report, lang))]
    lines += [f"- {plain(note(lang, one))}" for one in getattr(figures, "notes", ())]
    return "\n".join(lines)


def as_json(report: Report, name: str) -> str:
    """The section's figures, keyed as in the report's JSON."""
    found: dict[str, Any] = {"version": 1, "simulated": report.simulated}
    found |= {"year": report.period.year, **asdict(report.sections[name])}
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False)
