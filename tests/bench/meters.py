"""Minute loads of many meters, as the collector's store takes them."""

from collections.abc import Iterator
from uuid import UUID

from sobre_collector.rows import Arrival
from sobre_drivers.load import Load, Origin

# 24 November 2026, 00:00 in Paris.
DAY = 1_795_474_800
MINUTES = 1440
MINUTE_J = 6_000


def minutes(meters_n: int, first: int, count: int) -> list[Arrival]:
    """The loads of `count` minutes of a day from minute `first` on, all meters at each minute."""
    return [
        Arrival(
            node,
            stream,
            Load(
                node,
                minute + 1,
                DAY + 60 * (minute + 1),
                60,
                MINUTE_J,
                MINUTE_J * (minute + 1),
                Origin.MEASURED,
            ),
            False,
            DAY + 86_400,
        )
        for minute in range(first, first + count)
        for node, stream in _names(meters_n)
    ]


def _names(meters_n: int) -> Iterator[tuple[str, str]]:
    for n in range(meters_n):
        yield f"meter-{n:05}", str(UUID(int=n + 1))
