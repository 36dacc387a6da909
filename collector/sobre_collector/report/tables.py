"""Tables as HTML that a screen reader can follow: a caption, and a scope on every header cell."""

from collections.abc import Sequence
from html import escape

from sobre_collector.report.notation import bound

LONG = 22
SHORT = 16
WHOLE = 20


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts; the first cell of each row is its header. All is escaped here."""
    top = "".join(f'<th scope="col">{escape(bound(head))}</th>' for head in heads)
    body = "".join(_row(row) for row in rows)
    # On paper a table of a few rows stays on one page.
    whole = " whole" if len(rows) <= WHOLE else ""
    return (
        # A region that can be reached by keyboard, so that a wide table can be scrolled.
        f'<div class="wide{whole}" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def titled(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table under a heading of its own, within a section that has several."""
    return f"<h3>{escape(bound(title))}</h3>{table(title, heads, rows)}"


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td{_kind(cell)}>{escape(bound(cell))}</td>" for cell in cells[1:])
    # A name of one or two words, such as a month, reads better unbroken.
    short = ' class="short"' if len(cells[0]) <= SHORT else ""
    return f'<tr><th scope="row"{short}>{escape(bound(cells[0]))}</th>{rest}</tr>'


def _kind(cell: str) -> str:
    # A figure and its unit stay together; only what is long may be broken.
    return ' class="long"' if len(cell) > LONG else ""
