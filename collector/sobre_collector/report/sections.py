"""Where a section is hung into the report: one line in `SECTIONS`, nothing else to know.

A section is a module of this folder with

- `NAME`: its key in the JSON (`sections.<NAME>`) and its id in the page; `title.<NAME>` of the
  wording is its heading;
- `figures(drawn, found, facts)`: its figures as a frozen dataclass, computed from what the report
  is drawn from (pure); `found` are the reductions at 95 and 90 %, empty where there is no result.
  None where the section has nothing to say: then it does not show at all. What weakens the figures
  goes into a field `notes` (a tuple of `model.Note`), and stands among the report's weaknesses;
- `html(figures, report, lang)`: what stands under its heading, escaped (`tables.table` does it);
- `rows(figures, report, lang)`: label, value and interval for the terminal; may be empty.

What it needs beside months and perimeter it finds in `facts.inputs[NAME]`: a function in
`inputs.READERS` reads that from the ledger. Its sentences stand in a `wording_*` module of its own
with FRENCH and ENGLISH, listed in `wording.MORE`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from sobre_collector.indicators.reduction import Reduction
from sobre_collector.report import (
    adjusting,
    calibrating,
    carbon,
    checking,
    datacentre,
    decomposition,
    outlook,
    printers,
    regressing,
    waste,
)
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.facts import Facts
from sobre_collector.report.model import Note, Report
from sobre_collector.report.wording import Lang


class Section(Protocol):
    """What the report asks of a section's module."""

    @property
    def NAME(self) -> str: ...

    def figures(self, drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> Any: ...

    def html(self, figures: Any, report: Report, lang: Lang) -> str: ...

    def rows(self, figures: Any, report: Report, lang: Lang) -> list[list[str]]: ...


# In the order in which they are shown, after the trajectory and before the months.
SECTIONS: tuple[Section, ...] = (
    *(adjusting, outlook, decomposition, checking, regressing),
    *(printers, datacentre, carbon, waste),
    calibrating,
)


def figures_of(drawn: Drawn, found: Sequence[Reduction], facts: Facts) -> dict[str, Any]:
    """The figures of each section that has something to say, by its name."""
    given = {one.NAME: one.figures(drawn, found, facts) for one in SECTIONS}
    return {name: figures for name, figures in given.items() if figures is not None}


def notes_of_sections(sections: dict[str, Any]) -> list[Note]:
    """What weakens the figures of all sections."""
    return [note for figures in sections.values() for note in getattr(figures, "notes", ())]


def shown(report: Report) -> Iterator[tuple[Section, Any]]:
    """Each section that has figures, in order, with these."""
    for one in SECTIONS:
        if one.NAME in report.sections:
            yield one, report.sections[one.NAME]
