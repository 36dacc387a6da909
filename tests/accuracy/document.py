"""The scores as the tables of docs/accuracy.md, between their markers; the prose is by hand."""

from collections.abc import Sequence
from pathlib import Path

from accuracy.scores import Score, instead, scored

DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"
START, END = "<!-- make accuracy: from here -->", "<!-- make accuracy: to here -->"
_OURS = (
    "| estimate | knows | rows | mean error | median | bias | 95 % needs | stated | held |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)
_INSTEAD = (
    "| instead | knows | rows | mean error | median | bias |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
)


def tables() -> str:
    """Both tables as text."""
    lines = [*_OURS, *(_row(each, ours=True) for each in scored()), ""]
    lines += [*_INSTEAD, *(_row(each, ours=False) for each in instead())]
    return "\n".join(lines)


def within(text: str) -> str:
    """What stands between the markers; ValueError if they are not there, once each."""
    before, start, rest = text.partition(START)
    inside, end, after = rest.partition(END)
    if not start or not end or START in before + after or END in after:
        raise ValueError(f"{DOCUMENT.name}: {START} and {END} are needed once each")
    return inside.strip()


def write(path: Path = DOCUMENT) -> None:
    """Put the figures of now between the markers."""
    text = path.read_text("utf-8")
    old = within(text)
    path.write_text(text.replace(f"{START}\n{old}\n{END}", f"{START}\n{tables()}\n{END}"), "utf-8")


def _row(each: Score, ours: bool) -> str:
    cells = [each.name, each.knows, str(each.rows)]
    cells += [_percent(each.mean_error), _percent(each.median_error), f"{each.bias * 100:+.1f} %"]
    if ours:
        stated = "" if each.stated_ratio is None else f"±{_percent(each.stated_ratio)}"
        held = "" if each.held_ratio is None else _percent(each.held_ratio)
        cells += [f"±{_percent(each.needed_ratio)}", stated, held]
    return _line(cells)


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.1f} %"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
