"""What a result was computed from, as JSON from which the very same values come back.

Records are named by their module and class, numbers keep every bit. Only our own dataclasses and
plain values can be frozen, so that thawing runs nothing but their constructors.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from sobre_drivers.errors import StoreError

KIND, VALUE = "$", "v"
OURS = ("sobre_collector.", "sobre_drivers.")


def freeze(value: Any) -> str:
    """A value as JSON text; StoreError for one that is of no kind known here."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def thaw(text: str) -> Any:
    """The value that `freeze` wrote; StoreError if this version has no such record any more."""
    try:
        return _value(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        raise StoreError(
            f"frozen input: {error!r}; this version of Sobre reads it no more: install the one "
            "that the result names"
        ) from error


def _plain(value: Any) -> Any:
    # Before plain text and numbers: an Enum of ours may be a str as well.
    if isinstance(value, Enum):
        return {KIND: _name(type(value)), VALUE: value.name}
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else {KIND: "float", VALUE: repr(value)}
    if isinstance(value, ZoneInfo):
        return {KIND: "zone", VALUE: value.key}
    if isinstance(value, date):
        return {KIND: "date", VALUE: value.isoformat()}
    if isinstance(value, Mapping):
        return {KIND: "dict", VALUE: [[_plain(k), _plain(v)] for k, v in value.items()]}
    if is_dataclass(value):
        # What is not compared is no part of the value: in which file of this machine it stood.
        told = [f for f in fields(value) if f.init and f.compare]
        own = {f.name: _plain(getattr(value, f.name)) for f in told}
        return {KIND: _name(type(value)), VALUE: own}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, tuple):
        kind = _name(type(value)) if hasattr(value, "_fields") else "tuple"
        return {KIND: kind, VALUE: [_plain(each) for each in value]}
    if isinstance(value, (set, frozenset)):
        members = sorted((_plain(each) for each in value), key=lambda one: json.dumps(one))
        return {KIND: "set", VALUE: members}
    raise StoreError(f"{value!r}: a {type(value).__name__} cannot be frozen; freeze plain values")


def _name(kind: type) -> str:
    if not kind.__module__.startswith(OURS):
        raise StoreError(f"{kind.__module__}.{kind.__name__}: cannot be frozen; it is not ours")
    return f"{kind.__module__}:{kind.__qualname__}"


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return [_value(each) for each in plain]
    if not isinstance(plain, dict):
        return plain
    kind, value = plain[KIND], plain[VALUE]
    if kind == "dict":
        return {_value(k): _value(v) for k, v in value}
    if kind == "tuple":
        return tuple(_value(each) for each in value)
    if kind == "set":
        return frozenset(_value(each) for each in value)
    if kind in _READ:
        return _READ[kind](value)
    module, _, name = kind.partition(":")
    if not module.startswith(OURS):
        raise ValueError(f"{kind} is not ours")
    found = getattr(importlib.import_module(module), name)
    if isinstance(found, type) and issubclass(found, Enum):
        return found[value]
    if isinstance(found, type) and issubclass(found, tuple):
        return found(*(_value(each) for each in value))
    if not is_dataclass(found) or not isinstance(found, type):
        raise ValueError(f"{kind} is no record")
    return found(**{key: _value(each) for key, each in value.items()})


_READ: dict[str, Callable[[str], Any]] = {
    "float": float,
    "zone": ZoneInfo,
    "date": date.fromisoformat,
}
