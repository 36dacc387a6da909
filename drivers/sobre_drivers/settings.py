"""TOML into frozen dataclasses, strictly: every mistake is found before a connection is opened.

A field's default is the setting's default; a field without one is required. Nested dataclasses are
tables, `tuple[SomeDataclass, ...]` is an array of tables. `SOBRE_SECTION__KEY` overrides a key.
"""

import math
import os
import tomllib
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sobre_drivers.errors import ConfigError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
PREFIX = "SOBRE_"

T = TypeVar("T")


def load(path: Path, kind: type[T], environment: Mapping[str, str] | None = None) -> T:
    """The settings in a TOML file; ConfigError holds one line for each mistake in it."""
    table = read_toml(path)
    override(table, kind, os.environ if environment is None else environment)
    return build(table, kind, str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as plain tables; ConfigError if it is missing, too large, too deep or no TOML."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); create it or name another"
        ) from error
    if len(data) > MAX_BYTES:
        raise ConfigError(
            f"{path}: more than {MAX_BYTES} bytes; split it or remove what is not needed"
        )
    if any(line.split(b"=")[0].count(b".") > MAX_DEPTH for line in data.splitlines()):
        raise ConfigError(f"{path}: a key nested deeper than {MAX_DEPTH}")
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    if _depth(table) > MAX_DEPTH:
        raise ConfigError(f"{path}: tables nested deeper than {MAX_DEPTH}")
    return table


def build(table: Mapping[str, Any], kind: type[T], where: str) -> T:
    """A dataclass from plain tables; `where` names the file in each problem."""
    problems: list[str] = []
    made = _made(table, kind, where, "", problems)
    if problems:
        raise ConfigError(*problems)
    return made  # type: ignore[no-any-return]


def override(table: dict[str, Any], kind: type[Any], environment: Mapping[str, str]) -> None:
    """Put the `SOBRE_SECTION__KEY` values of known keys into the tables."""
    for path, hint in _leaves(kind):
        text = environment.get(PREFIX + "__".join(path).upper())
        if text is None:
            continue
        at = table
        for name in path[:-1]:
            at = at.setdefault(name, {})
            if not isinstance(at, dict):
                return
        at[path[-1]] = _from_text(text, hint)


def unknown_key(where: str, key: str, known: list[str]) -> str:
    """The line for a key that does not exist, with the nearest one that does."""
    # Only a mistake pays for this import.
    import difflib

    near = difflib.get_close_matches(key.rsplit(".", 1)[-1], known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(known))}"
    return f"{where}: unknown key {key!r}; {hint}"


def _made(value: Any, kind: Any, where: str, at: str, problems: list[str]) -> Any:
    if not isinstance(value, Mapping):
        problems.append(f"{where}: {at!r} is {value!r}; a table is needed")
        return None
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    before = len(problems)
    for key in value:
        if key not in known:
            problems.append(unknown_key(where, _join(at, key), list(known)))
    found = {}
    for name, field in known.items():
        if name in value:
            found[name] = _value(value[name], hints[name], where, _join(at, name), problems)
        elif _required(field):
            problems.append(f"{where}: {_join(at, name)!r} is missing; add it")
    if len(problems) > before:
        return None
    try:
        return kind(**found)
    except ValueError as error:
        problems.append(f"{where}: {_join(at, str(error)) if at else error}")
        return None


def _value(value: Any, hint: Any, where: str, at: str, problems: list[str]) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not types.NoneType]
        return _value(value, inner[0], where, at, problems)
    if is_dataclass(hint):
        return _made(value, hint, where, at, problems)
    if origin is tuple:
        if not isinstance(value, list):
            problems.append(f"{where}: {at!r} is {value!r}; a list is needed")
            return None
        items = enumerate(value)
        return tuple(_value(v, arguments[0], where, f"{at}[{i}]", problems) for i, v in items)
    if origin is dict:
        if not isinstance(value, Mapping):
            problems.append(f"{where}: {at!r} is {value!r}; a table is needed")
            return None
        pairs = value.items()
        return {k: _value(v, arguments[1], where, _join(at, k), problems) for k, v in pairs}
    if origin is Literal:
        if value not in arguments:
            choices = ", ".join(repr(choice) for choice in arguments)
            problems.append(f"{where}: {at!r} is {value!r}; choose one of {choices}")
        return value
    convert, needed = _SCALARS[hint]
    made = convert(value)
    if made is None:
        problems.append(f"{where}: {at!r} is {value!r}; {needed} is needed")
    return made


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


_SCALARS: dict[Any, tuple[Callable[[Any], Any], str]] = {
    str: (lambda value: value if isinstance(value, str) else None, "a text"),
    int: (lambda value: value if type(value) is int else None, "a whole number"),
    float: (_number, "a finite number"),
    bool: (lambda value: value if isinstance(value, bool) else None, "true or false"),
    Path: (lambda value: Path(value) if isinstance(value, str) and value else None, "a path"),
    Any: (lambda value: value, "anything"),
}


def _leaves(kind: type[Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, hint in get_type_hints(kind).items():
        if isinstance(hint, type) and is_dataclass(hint):
            found += _leaves(hint, (*above, name))
        elif get_origin(hint) not in (tuple, dict):
            found.append(((*above, name), hint))
    return found


def _from_text(text: str, hint: Any) -> Any:
    kinds = {argument for argument in get_args(hint)} or {hint}
    if bool in kinds:
        return {"true": True, "false": False}.get(text.lower(), text)
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return max(map(_depth, value), default=0) if isinstance(value, list) else 0
