"""Tables as HTML that a screen reader can follow: a caption, and a scope on every header cell."""

from collections.abc import Sequence
from html import escape

LONG = 22


def table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts; the first cell of each row is its header. All is escaped here."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(_row(row) for row in rows)
    return (
        # A region that can be reached by keyboard, so that a wide table can be scrolled.
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(cells: Sequence[str]) -> str:
    rest = "".join(f"<td{_kind(cell)}>{escape(cell)}</td>" for cell in cells[1:])
    return f'<tr><th scope="row">{escape(cells[0])}</th>{rest}</tr>'


def _kind(cell: str) -> str:
    # A figure and its unit stay together; only what is long may be broken.
    return ' class="long"' if len(cell) > LONG else ""
