"""Months as bars and lines of block characters, with their table: trends on any terminal."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators.total import StratumTotal, year_total
from sobre_collector.report import notation
from sobre_collector.report.groups import group_of
from sobre_collector.report.monthly import Fleet
from sobre_collector.report.wording import Lang, name, say

# An eighth of a block more each: a bar's last cell, and a line's heights.
PARTS = " ▏▎▍▌▋▊▉"
HEIGHTS = "▁▂▃▄▅▆▇█"
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Month:
    """Energy of a month, its interval at 95 %, and its parts; None where it may not be shown."""

    month: str
    kwh: float | None
    low_kwh: float | None
    high_kwh: float | None
    parts: dict[str, float | None]


def months(fleet: Fleet, by: str | None, since: str) -> list[Month]:
    """The months that are over from `since` on, by "class" or "organisation" or whole."""
    found = []
    for month in sorted({*fleet.complete, *fleet.too_few}):
        if month < since:
            continue
        if month in fleet.too_few:
            found.append(Month(month, None, None, None, {}))
            continue
        totals = fleet.absolute([month])
        low, high = year_total(totals).interval(LEVEL)
        kwh = fsum(one.total_kwh for one in totals)
        found.append(Month(month, kwh, max(0.0, low), high, _parts(fleet, month, totals, by)))
    return found


def _parts(
    fleet: Fleet, month: str, totals: Sequence[StratumTotal], by: str | None
) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    if by is None:
        return found
    sums: dict[str, list[float]] = defaultdict(list)
    for one in totals:
        s = one.stratum
        sums[group_of(s.device_class) if by == "class" else s.organisation].append(one.total_kwh)
    for key, parts in sorted(sums.items()):
        shown = by == "class" or key in fleet.disclosed[month].organisations
        found[key] = fsum(parts) if shown else None
    return found


def bars(found: Sequence[Month], width: int, lang: Lang) -> Iterator[str]:
    """A bar a month; what may not be shown has none."""
    texts = [_energy(one.kwh, lang) for one in found]
    room = max(10, width - 10 - max(map(len, texts), default=0))
    top = max((one.kwh or 0.0 for one in found), default=0.0) or 1.0
    for one, text in zip(found, texts, strict=True):
        yield f"{one.month} {bar((one.kwh or 0.0) / top, room)} {text}"


def bar(ratio: float, room: int) -> str:
    """A bar of so much of the room, to an eighth of a cell, padded."""
    eighths = round(max(0.0, min(1.0, ratio)) * room * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (PARTS[part] if part else "")).ljust(room)


def lines(found: Sequence[Month], labels: dict[str, str], width: int, lang: Lang) -> Iterator[str]:
    """A line a group, from 0 to its greatest month; a gap where a month may not be shown."""
    wide = max(map(len, labels.values()), default=0)
    room = max(4, width - wide - 24)
    # What does not fit is told by its latest months.
    last = found[-room:]
    for key, label in labels.items():
        values = [one.parts.get(key) for one in last]
        known = [value for value in values if value is not None]
        top = max(known, default=0.0) or 1.0
        drawn = "".join(" " if v is None else HEIGHTS[_height(v / top)] for v in values)
        ends = f"0–{notation.energy(max(known), lang)}" if known else say(lang, "hidden")
        yield f"{label:<{wide}} {drawn} {ends}"


def _height(ratio: float) -> int:
    return min(len(HEIGHTS) - 1, max(0, round(ratio * (len(HEIGHTS) - 1))))


def table(found: Sequence[Month], labels: dict[str, str], width: int, lang: Lang) -> Iterator[str]:
    """The same figures in columns; what does not fit beside goes under it, months repeated."""
    columns = [[say(lang, "col.month"), *(one.month for one in found)]]
    columns.append([say(lang, "col.energy"), *(_energy(one.kwh, lang) for one in found)])
    columns.append([say(lang, "col.interval"), *(_interval(one, lang) for one in found)])
    for key, label in labels.items():
        columns.append([label, *(_part(one, key, lang) for one in found)])
    for number, part in enumerate(_fitting(columns, width)):
        if number:
            yield ""
        wide = [max(map(len, column)) for column in part]
        for cells in zip(*part, strict=True):
            rest = [f"{cell:>{w}}" for cell, w in zip(cells[1:], wide[1:], strict=True)]
            yield f"{cells[0]:<{wide[0]}}  {'  '.join(rest)}".rstrip()


def _fitting(columns: list[list[str]], width: int) -> Iterator[list[list[str]]]:
    months = columns[0]
    taken, used = [months], max(map(len, months))
    for column in columns[1:]:
        more = 2 + max(map(len, column))
        if used + more > width and len(taken) > 1:
            yield taken
            taken, used = [months], max(map(len, months))
        taken.append(column)
        used += more
    yield taken


def _interval(one: Month, lang: Lang) -> str:
    if one.low_kwh is None or one.high_kwh is None:
        return ""
    return notation.energy_range(one.low_kwh, one.high_kwh, lang)


def _part(one: Month, key: str, lang: Lang) -> str:
    return _energy(one.parts.get(key), lang) if one.parts else ""


def labels(fleet: Fleet, found: Sequence[Month], by: str | None, lang: Lang) -> dict[str, str]:
    """The groups' names as they are written, by key."""
    keys = sorted({key for one in found for key in one.parts})
    if by == "organisation":
        named = {o.id: o.name for o in fleet.perimeter.organisations}
        return {key: named.get(key, key) for key in keys}
    return {key: name(lang, "class", key) for key in keys}


def _energy(kwh: float | None, lang: Lang) -> str:
    return say(lang, "hidden") if kwh is None else notation.energy(kwh, lang)
