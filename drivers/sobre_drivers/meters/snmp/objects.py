"""Objects of an OID map: where a value stands, and what its number means."""

import re
from dataclasses import dataclass, field
from typing import Literal

from sobre_drivers.load import PRINTER_STATES
from sobre_drivers.meters.units import EnergyUnit, PowerUnit

# `{n}` is the number of what repeats, `{unit}` the configured unit of a chain, other names are
# rows that are looked for.
_OID = re.compile(r"(?:\d+|\{[a-z_]+\})(?:\.(?:\d+|\{[a-z_]+\}))+")
_PLACE = re.compile(r"\{([a-z_]+)\}")

PageUnit = Literal["impressions", "sheets"]
# PrtMarkerCounterUnitTC of the Printer MIB (RFC 3805): what a marker counts in.
PAGE_UNITS: dict[PageUnit, int] = {"impressions": 7, "sheets": 8}


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table, found by walking a `column`; those that hold one of `equals`, if any."""

    column: str
    equals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        an_oid("column", self.column)


@dataclass(frozen=True, slots=True)
class Object:
    """Where a value stands: `value = raw × scale + offset`, in `unit`.

    `oids` are added up (the phases of one feed), those that exist; so are all rows found where
    `every_row`. `scale_oid` is an object that says how the raw value is to be read further: how
    many `digits` are decimals, the `exponent` of ten to multiply by, or a `factor`, which divides
    if it is below 0. `not_available` are raw values by which the agent says that it has none; so is
    one below `lowest`.
    """

    oid: str = ""
    oids: tuple[str, ...] = ()
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    scale_oid: str = ""
    scale_is: Literal["digits", "exponent", "factor"] = "digits"
    every_row: bool = False
    not_available: tuple[int, ...] = ()
    lowest: int | None = None

    def __post_init__(self) -> None:
        if bool(self.oid) == bool(self.oids):
            raise ValueError("oid is missing; give one oid, or several oids that are added up")
        for oid in self.templates:
            an_oid("oid", oid)
        if self.scale_oid:
            an_oid("scale_oid", self.scale_oid)
        if self.scale == 0:
            raise ValueError("scale is 0; then every value would be; leave it out for 1")

    @property
    def templates(self) -> tuple[str, ...]:
        """The OIDs of its value, with their places still open."""
        return self.oids or (self.oid,)


@dataclass(frozen=True, slots=True)
class Power(Object):
    """Active power."""

    unit: PowerUnit = "W"


@dataclass(frozen=True, slots=True)
class Energy(Object):
    """A cumulative register of active energy.

    `modulus` is the raw value at which it starts again from 0: without it no rollover is ever
    assumed. `resolution` (in `unit`) is its smallest step where `scale` does not say so.
    """

    unit: EnergyUnit = "kWh"
    modulus: int | None = None
    resolution: float | None = None

    def __post_init__(self) -> None:
        Object.__post_init__(self)
        if self.scale < 0:
            raise ValueError(f"scale is {self.scale}; energy that was used counts upwards")
        if self.scale_oid and self.resolution is None:
            raise ValueError("resolution is missing; give the smallest step, in its unit")
        if self.resolution is not None and self.resolution <= 0:
            raise ValueError(f"resolution is {self.resolution}; a step above 0 is needed")
        if self.modulus is not None and (
            self.modulus < 2 or self.oids or self.every_row or self.scale_oid
        ):
            raise ValueError("modulus belongs to one counter without scale_oid; leave it out")


@dataclass(frozen=True, slots=True)
class Pages:
    """A cumulative page counter; `unit_oid` must say that it counts in `unit`."""

    oid: str
    unit_oid: str
    unit: PageUnit

    def __post_init__(self) -> None:
        an_oid("oid", self.oid)
        an_oid("unit_oid", self.unit_oid)


@dataclass(frozen=True, slots=True)
class Rule:
    """The state in which the objects asked hold these values, each one of its list."""

    state: Literal["printing", "warmup", "ready", "sleep", "off", "unknown"]
    when: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class State:
    """A state, by the first rule that fits the objects `ask`ed; unknown if none does.

    `power_w` is what is typically drawn in each state (W): then power is estimated from it.
    """

    ask: dict[str, str]
    rules: tuple[Rule, ...]
    power_w: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, oid in self.ask.items():
            an_oid(f"ask.{name}", oid)
        strange = {name for rule in self.rules for name in rule.when} - self.ask.keys()
        if strange:
            raise ValueError(f"rules name {sorted(strange)}, which ask does not know")
        states = set(PRINTER_STATES) - {"unknown"}
        for name, power_w in self.power_w.items():
            if name not in states or power_w < 0:
                raise ValueError(f"power_w: {name} = {power_w}; W for {', '.join(sorted(states))}")


def an_oid(key: str, oid: str) -> None:
    """ValueError unless it is an OID, with places or without."""
    if not _OID.fullmatch(oid):
        raise ValueError(f"{key} is {oid!r}; numbers with dots are needed, none in front")


def places(oid: str) -> list[str]:
    """The names of an OID's open places."""
    return _PLACE.findall(oid)
