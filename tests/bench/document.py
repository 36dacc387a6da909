"""Figures as a table in docs/performance.md, between the markers of their measurement."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Figure
from bench.machine import DISTURBED_RATIO, Machine

HEAD = ("what", "unit", "Sobre", "beside it", "measures", "ratio", "aim")


@dataclass(frozen=True, slots=True)
class Result:
    """What a measurement found, and under which circumstances."""

    name: str
    title: str
    figures: Sequence[Figure]
    machine: Machine
    quick: bool
    others_ratio: float


def table(figures: Sequence[Figure]) -> list[str]:
    """The lines of a Markdown table."""
    lines = [_line(HEAD), _line(["---"] * len(HEAD))]
    for figure in figures:
        ratio = figure.ratio
        lines.append(
            _line(
                [
                    figure.what,
                    figure.unit,
                    shown(figure.values),
                    figure.beside or "–",
                    shown(figure.beside_values) if figure.beside_values else figure.absent or "–",
                    "–" if ratio is None else number(ratio),
                    figure.aim or "–",
                ]
            )
        )
    return lines


def block(result: Result) -> str:
    """What stands between the markers: the table, then where it comes from."""
    length = "quick run" if result.quick else "full run"
    said = f"{length}; others kept {result.others_ratio:.0%} of the processors busy meanwhile"
    if result.others_ratio > DISTURBED_RATIO:
        said += ": **disturbed**, ratios only"
    return "\n".join(["", *table(result.figures), "", f"*{result.machine}; {said}.*", ""])


def placed(text: str, result: Result) -> str:
    """The document with a measurement's block replaced, or put at its end with a heading."""
    begin, end = (f"<!-- {slash}bench:{result.name} -->" for slash in ("", "/"))
    if begin not in text:
        heading = f"\n## {result.title}\n\n{begin}\n{end}\n"
        text = (text.rstrip("\n") + "\n" if text else "# Performance\n") + heading
    before, rest = text.split(begin, 1)
    if end not in rest:
        raise ValueError(f"the marker {end} is missing after {begin}; put it back")
    return f"{before}{begin}\n{block(result)}\n{end}{rest.split(end, 1)[1]}"


def shown(values: Sequence[float]) -> str:
    """The median, with least and most where several runs differ."""
    middle = number(statistics.median(values))
    least, most = number(min(values)), number(max(values))
    return middle if least == most else f"{middle} ({least}–{most})"


def number(value: float) -> str:
    """Three significant digits at most where there are decimals, thousands apart."""
    if abs(value) >= 100:
        return f"{round(value, 2 - len(str(int(abs(value)))) + 1):,.0f}"
    return f"{value:.3g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
