"""Pages from a printer's life counter: what was printed, whatever happened to the counter.

A counter that falls was reset, or its board replaced, unless its declared modulus explains it. What
a printer cannot have printed in the time is set aside until the next reading says whether it was a
spike or a new counter (method 2.0 and 2.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Flag = Literal[
    "ok", "rollover", "reset", "replaced", "set-aside", "spike", "confirmed-reset", "out-of-order"
]


@dataclass(frozen=True, slots=True)
class Reading:
    """A counter at a Unix second; `unit` is what it counts (prtMarkerCounterUnit)."""

    second: int
    count: int
    serial: str = ""
    unit: str = "impressions"


@dataclass(frozen=True, slots=True)
class Counter:
    """How fast a printer can print, and where its counter starts again if that is declared."""

    pages_per_minute: float
    modulus: int | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages printed, of which `least_pages` only bounds what was printed around a reset.

    `flags` has one entry per reading after the first.
    """

    total: int
    least_pages: int
    unit: str
    flags: tuple[Flag, ...]


def printed(readings: Sequence[Reading], counter: Counter) -> Pages:
    """Pages between the first and the last reading. ValueError if units are mixed.

    After a reset the new value is added, as a lower bound, if it could be printed in the time.
    """
    units = {reading.unit for reading in readings}
    if len(units) != 1:
        raise ValueError(f"counters of {', '.join(sorted(units)) or 'nothing'}: never mix units")
    total = least = 0
    flags: list[Flag] = []
    anchor, aside = readings[0], None
    for reading in readings[1:]:
        if reading.second <= anchor.second:
            flags.append("out-of-order")
            continue
        if reading.serial != anchor.serial:
            anchor, aside = reading, None
            flags.append("replaced")
            continue
        found = _between(anchor, reading, counter)
        confirmed = None if aside is None else _step(aside, reading, counter)
        if confirmed is not None and (found is None or found[1] == "reset"):
            # Twice the same strange level: the counter is another one now. Waiting has made a
            # reset seem possible, yet its pages were not printed here.
            total += confirmed
            flags.append("confirmed-reset")
            anchor, aside = reading, None
            continue
        if found is not None:
            pages, flag = found
            # Plausible against the anchor: the reading in between was a spike.
            if aside is not None and flag != "reset":
                flags[-1] = "spike"
            total += pages
            least += pages if flag == "reset" else 0
            flags.append(flag)
            anchor, aside = reading, None
            continue
        aside = reading
        flags.append("set-aside")
    return Pages(total, least, units.pop(), tuple(flags))


def _between(before: Reading, after: Reading, counter: Counter) -> tuple[int, Flag] | None:
    most = _most(before, after, counter)
    step = after.count - before.count
    if step >= 0:
        return (step, "ok") if step <= most else None
    if counter.modulus is not None and step + counter.modulus <= most:
        return step + counter.modulus, "rollover"
    return (after.count, "reset") if after.count <= most else None


def _step(before: Reading, after: Reading, counter: Counter) -> int | None:
    step = after.count - before.count
    return step if 0 <= step <= _most(before, after, counter) else None


def _most(before: Reading, after: Reading, counter: Counter) -> float:
    # One page more: it may have been on its way at the first reading.
    return counter.pages_per_minute * (after.second - before.second) / 60 + 1
