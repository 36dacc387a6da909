"""What people state about printers: which model stands where, counters they read, earlier years."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from sobre_collector.rows import Key

PageUnit = Literal["impressions", "sheets"]
PAGE_UNITS: tuple[PageUnit, ...] = ("impressions", "sheets")
# From the smallest to the largest range: only so can be told whether the smaller one pays.
SIZES = ("personal", "workgroup", "department", "production")


@dataclass(frozen=True, slots=True)
class Printer:
    """One printer of the register. `size` is its range, "" where it was not said.

    `pages_per_minute` bounds what it can have printed, `counter_modulus` is where its life counter
    starts again (None: never). A `private` one stands in one person's office. `organisation` and
    `site` are needed where its counter is read by people: no agent then says where it stands.
    """

    key: Key
    model: str
    size: str
    pages_per_minute: float
    unit: PageUnit
    counter_modulus: int | None = None
    private: bool = False
    organisation: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class CounterReading:
    """A life counter as somebody read it on a day; `serial` tells a replaced board or printer."""

    day: date
    key: Key
    count: int
    unit: PageUnit
    serial: str


@dataclass(frozen=True, slots=True)
class StatedYear:
    """Printing of an organisation in a year that Sobre did not see; None where it was not stated.

    Each amount is (value, half-width); `running_h` is hours of all its printers in the year.
    """

    year: int
    organisation: str
    printers: tuple[float, float]
    running_h: tuple[float, float] | None
    pages: tuple[float, float] | None
    unit: PageUnit
    document: str


@dataclass(frozen=True, slots=True)
class Printing:
    """Register, counter readings in order of their day, and stated years."""

    printers: Mapping[Key, Printer] = field(default_factory=dict)
    readings: tuple[CounterReading, ...] = ()
    years: tuple[StatedYear, ...] = ()

    def readings_of(self, key: Key) -> list[CounterReading]:
        """The readings of one printer, in order of their day."""
        return [reading for reading in self.readings if reading.key == key]

    def of(self, year: int, organisations: frozenset[str]) -> tuple[StatedYear, ...]:
        """The stated rows of a year, of these organisations."""
        return tuple(y for y in self.years if y.year == year and y.organisation in organisations)
