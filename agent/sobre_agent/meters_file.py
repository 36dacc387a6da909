"""Meters in a spreadsheet: hundreds of PDUs are a table, and would not fit a configuration file.

One line is one meter, a column one key of [[meters]]; `snmp.version` is that key of its table.
Comma or semicolon, UTF-8, blank lines and lines that begin with # are taken; a blank cell says
nothing.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sobre_drivers.errors import ConfigError
from sobre_drivers.settings import build, unknown_key

MAX_BYTES = 4 * 1024 * 1024
# A file that is wrong everywhere is wrong once.
MAX_PROBLEMS = 50
MOST_NUMBERS = 1000

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def read(path: Path, kind: type[Any]) -> list[dict[str, Any]]:
    """The meters of a file as tables of `kind`; ConfigError tells line and column of mistakes."""
    columns = dict(_columns(kind))
    problems: list[str] = []
    made: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    for number, cells in _rows(path, columns):
        where = f"{path}, line {number}"
        try:
            table = _table(cells, columns)
            meter = build(table, kind, where)
        except ConfigError as error:
            problems += error.problems
            continue
        except ValueError as error:
            problems.append(f"{where}: {error}")
            continue
        first = lines.setdefault(meter.device, number)
        if first != number:
            problems.append(f"{where}: device {meter.device!r} stands in line {first} already")
        made.append(table)
    if len(problems) > MAX_PROBLEMS:
        more = len(problems) - MAX_PROBLEMS
        problems[MAX_PROBLEMS:] = [f"{path}: and {more} more mistakes; correct these first"]
    if problems:
        raise ConfigError(*problems)
    return made


def _rows(path: Path, columns: dict[str, Any]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and filled cells by column."""
    text = _text(path)
    told = re.match(r"sep=(.)\s*\n", text)
    head = next((line for line in text.splitlines() if line and line[0] != "#"), "")
    delimiter = told[1] if told else ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells) or cells[0].startswith(("#", "sep=")):
                continue
            if names is None:
                names = _known(path, cells, columns)
                continue
            if len(cells) > len(names) and any(cells[len(names) :]):
                raise ConfigError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells for {len(names)} columns; "
                    'put a text that holds the delimiter in "quotes"'
                )
            filled = zip(names, cells, strict=False)
            yield reader.line_num, {name: cell for name, cell in filled if cell}
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.line_num}: {error}; see its quotes") from error
    if names is None:
        raise ConfigError(
            f"{path}: no line with the names of the columns; begin with device,profile"
        )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); create it or name another meters_file"
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: more than {MAX_BYTES} bytes; use several readers")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8; save it as CSV UTF-8") from error


def _known(path: Path, names: list[str], columns: dict[str, Any]) -> list[str]:
    problems = [unknown_key(str(path), n, [*columns]) for n in names if n not in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"{path}: columns {twice} stand there twice; keep one of each")
    if problems:
        raise ConfigError(*problems)
    return names


def _columns(kind: type[Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(kind).items():
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _columns(hint, f"{above}{name}.")
        elif get_origin(hint) is not tuple or get_args(hint)[0] is int:
            yield above + name, hint


def _table(cells: dict[str, str], columns: dict[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, cell in cells.items():
        at = table
        *above, key = name.split(".")
        for each in above:
            at = at.setdefault(each, {})
        at[key] = (
            _numbers(name, cell)
            if get_origin(columns[name]) is tuple
            else _value(cell, columns[name])
        )
    return table


def _value(cell: str, hint: Any) -> Any:
    """A cell as its key wants it; as it is where it cannot be, and then it is refused by name."""
    if get_origin(hint) in (Union, UnionType):
        hint = next(each for each in get_args(hint) if each is not NoneType)
    kinds = {type(each) for each in get_args(hint)} if get_origin(hint) is Literal else {hint}
    if int in kinds and _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if float in kinds and _DECIMAL.fullmatch(cell) else cell


def _numbers(name: str, cell: str) -> list[int]:
    """`1-8 12` is nine numbers; ValueError if it is no list of them."""
    found: list[int] = []
    for piece in cell.replace(",", " ").replace(";", " ").split():
        told = _RANGE.fullmatch(piece)
        first = int(told[1]) if told else 0
        last = int(told[2] or told[1]) if told else -1
        if not first <= last < first + MOST_NUMBERS:
            raise ValueError(f"{name!r} is {cell!r}; numbers such as 1-8 12 are needed")
        found += range(first, last + 1)
    return found
