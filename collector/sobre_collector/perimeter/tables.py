"""CSV files that people keep in a spreadsheet, read strictly: each mistake with line and column.

Comma or semicolon, decimal comma where it cannot be mistaken, UTF-8 with or without a mark, blank
lines, lines that begin with #, and Excel's `sep=;` are taken; everything else is refused by name.
"""

import csv
import difflib
import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

MAX_BYTES = 16 * 1024 * 1024
# A file that is wrong everywhere is wrong once; the rest would only scroll it away.
MAX_PROBLEMS = 50

_MONTH = re.compile(r"(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column and how its cells are read; `parse` raises ValueError with what is needed.

    An `optional` one may be left out or blank: its value is then None.
    """

    name: str
    parse: Callable[[str], Any]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `where` is file and line, for messages about it."""

    where: str
    values: dict[str, Any]


def read_table(path: Path, columns: Sequence[Column], problems: list[str]) -> list[Row]:
    """The rows of a file that are right; one line is added to `problems` for each mistake."""
    before = len(problems)
    text = _text(path, problems)
    if text is None:
        return []
    rows = list(_rows(text, str(path), columns, problems))
    if len(problems) - before > MAX_PROBLEMS:
        more = len(problems) - before - MAX_PROBLEMS
        del problems[before + MAX_PROBLEMS :]
        problems.append(f"{path}: and {more} more mistakes; correct these first")
    return rows


def unique(rows: Sequence[Row], names: Sequence[str], problems: list[str]) -> None:
    """Add a problem for each row whose cells in `names` an earlier row has too."""
    seen: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row.values[name] for name in names)
        if key in seen:
            shown = " / ".join(map(str, key))
            problems.append(f"{row.where}: {shown} stands already in {seen[key].where}; keep one")
        seen.setdefault(key, row)


def text(cell: str) -> str:
    """Any text that is not blank."""
    return cell


def one_of(choices: Collection[str], where_listed: str) -> Callable[[str], str]:
    """One of `choices`; the message names the nearest, and where they are listed."""

    def parse(cell: str) -> str:
        if cell in choices:
            return cell
        known = sorted(choices)
        near = difflib.get_close_matches(cell, known, 1) or [c for c in known if cell in c]
        raise ValueError(
            f"did you mean {near[0]!r}?" if near else f"unknown; it must stand in {where_listed}"
        )

    return parse


def amount(cell: str) -> float:
    """A number that is not negative."""
    if _NUMBER.fullmatch(cell) is None:
        bare = re.sub(r"[\s'’]", "", cell)
        if _NUMBER.fullmatch(bare):
            raise ValueError(f"write {bare} without thousands separators")
        raise ValueError("a number such as 1234 or 12.5 is needed, without unit or formula")
    if re.fullmatch(r"[+-]?\d{1,3},\d{3}", cell):
        # Half the world's spreadsheets mean a thousand by it, the other half one and a fraction.
        whole = cell.replace(",", "")
        raise ValueError(f"could be two numbers; write {whole} or {cell.replace(',', '.')}")
    value = float(cell.replace(",", "."))
    if value < 0 or not math.isfinite(value):
        raise ValueError("a number from 0 upwards is needed")
    return value


def month(cell: str) -> str:
    """A month such as 2026-11."""
    if _MONTH.fullmatch(cell) is None:
        raise ValueError("write the month as 2026-11 (in a spreadsheet: format the column as text)")
    return cell


def day(cell: str) -> date:
    """A day such as 2026-11-30."""
    try:
        if len(cell) == 10:
            return date.fromisoformat(cell)
    except ValueError:
        pass
    raise ValueError("write the day as 2026-11-30 (in a spreadsheet: format the column as text)")


def yes_no(cell: str) -> bool:
    """`yes` or `no`."""
    found = {"yes": True, "no": False}.get(cell.lower())
    if found is None:
        raise ValueError("write yes or no")
    return found


def _text(path: Path, problems: list[str]) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror}); create it or name another")
        return None
    if len(data) > MAX_BYTES:
        problems.append(f"{path}: more than {MAX_BYTES} bytes; remove what is not needed")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.append(f"{path}:{line}: is not UTF-8; save it as “CSV UTF-8”")
        return None


def _rows(text: str, path: str, columns: Sequence[Column], problems: list[str]) -> Iterator[Row]:
    header: list[str] | None = None
    try:
        for line, cells in _lines(text):
            where = f"{path}:{line}"
            if header is None:
                header = [cell.lower() for cell in cells]
                if not _header(header, where, columns, problems):
                    return
            else:
                values = _cells(cells, header, where, columns, problems)
                if values is not None:
                    yield Row(where, values)
    except csv.Error as error:
        problems.append(f"{path}: is not valid CSV ({error}); look for an open quote")
        return
    if header is None:
        names = ",".join(column.name for column in columns)
        problems.append(f"{path}: is empty; its first line must be {names}")


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    lines = text.split("\n")
    said = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    first = said[0] if said else ""
    declared = re.fullmatch(r"(?i)sep=([;,])", first)
    separator = declared[1] if declared else ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    begin = 1
    for cells in reader:
        at, begin = begin, reader.line_num + 1
        stripped = [cell.strip() for cell in cells]
        if not any(stripped) or stripped[0].startswith("#"):
            continue
        if declared and separator.join(stripped).lower() == first.lower():
            continue
        yield at, stripped


def _header(header: list[str], where: str, columns: Sequence[Column], problems: list[str]) -> bool:
    while header and not header[-1]:
        header.pop()
    known = [column.name for column in columns]
    before = len(problems)
    for name in header:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
            problems.append(f"{where}: unknown column {name!r}; {hint}")
    for name in sorted({name for name in header if header.count(name) > 1}):
        problems.append(f"{where}: column {name!r} stands twice; keep one")
    for column in columns:
        if not column.optional and column.name not in header:
            problems.append(f"{where}: column {column.name!r} is missing; add it")
    return len(problems) == before


def _cells(
    cells: list[str],
    header: list[str],
    where: str,
    columns: Sequence[Column],
    problems: list[str],
) -> dict[str, Any] | None:
    while len(cells) > len(header) and not cells[-1]:
        cells.pop()
    if len(cells) > len(header):
        problems.append(
            f"{where}: {len(cells)} cells under {len(header)} columns; "
            "quote a cell that holds the separator, and write decimals with a point"
        )
        return None
    cells += [""] * (len(header) - len(cells))
    given = dict(zip(header, cells, strict=True))
    values: dict[str, Any] = {}
    right = True
    for column in columns:
        cell = given.get(column.name, "")
        values[column.name] = None
        if not cell:
            if not column.optional:
                problems.append(f"{where}: column {column.name!r} is empty; fill it in")
                right = False
            continue
        try:
            values[column.name] = column.parse(cell)
        except ValueError as error:
            problems.append(f"{where}: column {column.name!r} is {cell!r}; {error}")
            right = False
    return values if right else None
