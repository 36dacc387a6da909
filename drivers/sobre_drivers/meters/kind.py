"""What every protocol gives the catalogue: it reads its profiles, and makes drivers from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sobre_drivers.meters.configured import Hours, MeterSettings
from sobre_drivers.sample import Described, Driver

Confirmed = Literal["capture", "two-sources", "unconfirmed"]

# Connections that several meters share, by protocol and address.
Lines = dict[tuple[str, str], Any]


@dataclass(frozen=True, slots=True)
class About:
    """A model as people read of it. `devices` is how many it measures, itself among them.

    `measures` is the best that it gives. It is asked every `sample_s` s and in `hours`, unless the
    configuration says otherwise: what wakes a device or costs it work is asked rarely.
    """

    protocol: str
    maker: str
    model: str
    source: str
    confirmed: Confirmed
    device_class: str
    measures: Literal["register", "power", "state"]
    devices: int = 1
    note: str = ""
    sample_s: float = 10.0
    hours: Hours = "always"


@dataclass(frozen=True, slots=True)
class Own:
    """What the configuration says of one part of a meter; None: what the profile says.

    `rated_w` is its greatest plausible power (W).
    """

    device_class: str | None = None
    rated_w: float | None = None


class Value(NamedTuple):
    """What a meter shows of one thing, in the profile's own unit; None if it did not say it."""

    device: str
    name: str
    value: float | str | None
    unit: str


class MeterDriver(Driver, Protocol):
    """A driver that also shows all that its profile knows, for people to read.

    `read` and `shown` raise MeterError when the meter could not be read at all.
    """

    def shown(self) -> list[Value]: ...


class Kind(Protocol):
    """A protocol's module `sobre_drivers.meters.<protocol>.kind`. ConfigError names every mistake.

    Only `driver` may load a library that speaks to meters, and it connects when it is first read.
    """

    def about(self, path: Path) -> About:
        """The model of a profile file."""
        ...

    def describe(
        self, name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
    ) -> list[Described]:
        """The devices behind a meter, without asking it; `name` is the profile's.

        `own` is what the configuration says of single parts, by their device id
        (`pdu-a3/outlet-07`); the catalogue refuses one that no described part has.
        """
        ...

    def driver(
        self, path: Path, meter: MeterSettings, described: list[Described], lines: Lines
    ) -> MeterDriver:
        """The driver of a meter; those that are handed the same `lines` may share a connection."""
        ...
