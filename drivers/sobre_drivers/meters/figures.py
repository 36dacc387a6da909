"""Numbers in what devices send as JSON: a wrong type, a text or a sign is no figure."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

# No device draws or counts so much in any unit; sums of such figures stay finite.
GREATEST = 1e15


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
    """A number; None if there is none, or something else."""
    found = inside(message, *path)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    # (NaN fails the comparison too, and an integer that no float can hold is never made one.)
    return float(found) if abs(found) <= GREATEST else None


def positive(message: Any, *path: str | int) -> float | None:
    """A number that is not negative, as power and energy that are drawn are."""
    found = number(message, *path)
    return found if found is not None and found >= 0 else None


def counted_uj(energy: float | None, uj_per_unit: int) -> int | None:
    """A register's value in µJ, by its decimal digits: 0.1 is a tenth."""
    return None if energy is None else int(Fraction(repr(energy)) * uj_per_unit)
