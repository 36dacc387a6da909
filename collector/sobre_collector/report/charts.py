"""Charts as hand-written SVG: a title and a description for who cannot see them, no script.

Colours and dashes come from the page's style sheet by class; a chart is always followed by its
table, which holds the same values.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 30, 34, 34
BAR_HEIGHT, BAR_LABEL, BAR_VALUE = 26, 210, 90


@dataclass(frozen=True, slots=True)
class Point:
    """One place on the horizontal axis; None where there is nothing to draw."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """What a chart says of itself; `name` makes its ids unique in the page."""

    name: str
    title: str
    description: str
    legend: tuple[str, str, str] = ("", "", "")
    unit: str = ""


def line(points: Sequence[Point], words: Words) -> str:
    """A line with its interval as a band and the target as a dashed line, from zero upwards."""
    known = [v for p in points for v in (p.value, p.high, p.target) if v is not None]
    top, step = _scale(max(known, default=0.0))

    def x(index: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / max(1, len(points))

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top

    parts = [*_grid(top, step, y, words.unit), *_months(points, x)]
    for run in _runs([(p.low, p.high) for p in points]):
        upper = [f"{x(i):.1f},{y(points[i].high or 0.0):.1f}" for i in run]
        lower = [f"{x(i):.1f},{y(points[i].low or 0.0):.1f}" for i in reversed(run)]
        parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
    for kind, values in (
        ("target", [p.target for p in points]),
        ("value", [p.value for p in points]),
    ):
        for run in _runs([(v,) for v in values]):
            at = [f"{x(i):.1f},{y(values[i] or 0.0):.1f}" for i in run]
            parts.append(f'<polyline class="{kind}" points="{" ".join(at)}"/>')
            if kind == "value" or len(run) == 1:
                parts += [f'<circle class="{kind}" r="2.5" {_centre(pair)}/>' for pair in at]
    return _svg(words, HEIGHT + 22, "".join([*parts, *_legend(words.legend)]))


def bars(items: Sequence[tuple[str, float, str]], words: Words) -> str:
    """Horizontal bars: name, value, and the value as it is written."""
    longest = max((value for _, value, _ in items), default=0.0) or 1.0
    room = WIDTH - BAR_LABEL - BAR_VALUE
    parts = []
    for index, (name, value, text) in enumerate(items):
        top = index * BAR_HEIGHT
        width = room * max(0.0, value) / longest
        short = name if len(name) <= 30 else f"{name[:29]}…"
        parts.append(
            f'<text class="end" x="{BAR_LABEL - 8}" y="{top + 17}">{escape(short)}</text>'
            f'<rect class="bar" x="{BAR_LABEL}" y="{top + 4}" width="{width:.1f}" height="18"/>'
            f'<text x="{BAR_LABEL + width + 6:.1f}" y="{top + 17}">{escape(text)}</text>'
        )
    return _svg(words, max(1, len(items)) * BAR_HEIGHT, "".join(parts))


def _svg(words: Words, height: int, content: str) -> str:
    name = escape(words.name)
    return (
        f'<div class="wide"><svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">'
        f'{escape(words.title)}</title><desc id="{name}-desc">{escape(words.description)}</desc>'
        f"{content}</svg></div>"
    )


def _grid(top: float, step: float, y: Callable[[float], float], unit: str) -> Iterator[str]:
    for index in range(round(top / step) + 1):
        value = index * step
        at = y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield f'<text class="end" x="{LEFT - 6}" y="{at + 4:.1f}">{value:g}</text>'
    yield f'<text class="end" x="{LEFT - 6}" y="{TOP - 14}">{escape(unit)}</text>'


def _months(points: Sequence[Point], x: Callable[[int], float]) -> Iterator[str]:
    # More labels than these run into one another.
    every = max(1, -(-len(points) // 9))
    for index, point in enumerate(points):
        if index % every == 0:
            at = f'x="{x(index):.1f}" y="{HEIGHT - BOTTOM + 18}"'
            yield f'<text class="middle" {at}>{escape(point.label)}</text>'


def _legend(texts: tuple[str, str, str]) -> Iterator[str]:
    for index, (kind, text) in enumerate(zip(("value", "band", "target"), texts, strict=True)):
        if not text:
            continue
        left, at = LEFT + index * 190, HEIGHT + 8
        if kind == "band":
            yield f'<rect class="band" x="{left}" y="{at - 6}" width="24" height="12"/>'
        else:
            yield f'<line class="{kind}" x1="{left}" x2="{left + 24}" y1="{at}" y2="{at}"/>'
        yield f'<text x="{left + 30}" y="{at + 4}">{escape(text)}</text>'


def _runs(values: Sequence[tuple[float | None, ...]]) -> Iterator[list[int]]:
    """Stretches without a hole: a line is never drawn across what is not known."""
    run: list[int] = []
    for index, group in enumerate(values):
        if any(value is None for value in group):
            if run:
                yield run
            run = []
        else:
            run.append(index)
    if run:
        yield run


def _scale(largest: float) -> tuple[float, float]:
    """The top of the axis and the step of its grid: 1, 2 or 5 times a power of ten."""
    if largest <= 0:
        return 1.0, 0.5
    rough = largest / 4
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    lines = int(largest / step) + (largest % step > 0)
    return step * max(1, lines), step


def _centre(pair: str) -> str:
    left, top = pair.split(",")
    return f'cx="{left}" cy="{top}"'
