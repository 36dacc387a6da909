"""Numbers in what devices send as JSON: a wrong type, a text or a sign is no figure."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any


def inside(message: Any, *path: str | int) -> Any:
    """What stands at a path of keys and places; None if it leads nowhere."""
    for step in path:
        if isinstance(message, Mapping) and isinstance(step, str):
            message = message.get(step)
        elif isinstance(message, list) and isinstance(step, int) and 0 <= step < len(message):
            message = message[step]
        else:
            return None
    return message


def number(message: Any, *path: str | int) -> float | None:
    """A finite number; None if there is none, or something else."""
    found = inside(message, *path)
    real = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if real and math.isfinite(found) else None


def positive(message: Any, *path: str | int) -> float | None:
    """A number that is not negative, as power and energy that are drawn are."""
    found = number(message, *path)
    return found if found is not None and found >= 0 else None


def counted_uj(energy: float | None, uj_per_unit: int) -> int | None:
    """A register's value in µJ, by its decimal digits: 0.1 is a tenth."""
    return None if energy is None else int(Fraction(repr(energy)) * uj_per_unit)
