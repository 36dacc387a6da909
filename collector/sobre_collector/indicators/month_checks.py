"""What only single devices can tell of their stratum, summed up before they are forgotten.

Two questions stay open once a month is closed and its devices' days are gone: were those that
joined like those present, and what if the silent ones had been off? Both are answered by a few sums
that are kept with the month; months closed before this was kept have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1


@dataclass(frozen=True, slots=True)
class Joined:
    """Devices in their first whole month against those present before (`exchangeability`).

    Kept only where each side has three devices: a side of two would give both away.
    """

    joined: int
    present: int
    difference_ratio: float
    variance: float
    df: float


@dataclass(frozen=True, slots=True)
class MonthChecks:
    """`silent_days` are device-days (work, rest) of which nothing came from devices known by then.

    `silent_devices` is how many had such a day.
    """

    joined: Joined | None = None
    silent_days: tuple[float, float] = (0.0, 0.0)
    silent_devices: int = 0


def to_json(one: MonthChecks) -> dict[str, Any]:
    """A JSON object with its version."""
    joined = one.joined
    told = {name: getattr(joined, name) for name in Joined.__slots__} if joined else None
    return {
        "v": VERSION,
        "joined": told,
        "silent_days": list(one.silent_days),
        "silent_devices": one.silent_devices,
    }


def from_json(stored: Mapping[str, Any]) -> MonthChecks:
    """What `to_json` wrote; ValueError for a version that is not known here."""
    if stored["v"] != VERSION:
        raise ValueError(f"checks of version {stored['v']}; this version reads {VERSION}")
    work, rest = stored["silent_days"]
    joined = stored["joined"]
    return MonthChecks(
        None if joined is None else Joined(**joined), (work, rest), stored["silent_devices"]
    )
