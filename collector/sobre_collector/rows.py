"""The rows that pass between store, jobs and indicators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sobre_drivers.load import Load, Origin

# The method of devices that a simulation made up.
MADE_UP = "simulated"


class Key(NamedTuple):
    """A device under the node that speaks for it."""

    node: str
    device: str


class StoredLoad(NamedTuple):
    """A load as the store keeps it."""

    node: str
    stream: str
    load: Load


class LoadPart(NamedTuple):
    """What the days need of a load; fields as in `Load`."""

    end: int
    span_s: int
    energy_j: int
    origin: Origin
    state_s: Mapping[str, int] | None
    pages: int | None


class Run(NamedTuple):
    """Loads of one device that follow each other without a gap, added up.

    Seconds from `start` to `end`, energy (J) by origin, and what of it lies in working hours.
    """

    key: Key
    start: int
    end: int
    measured_j: int
    estimated_j: int
    allocated_j: int
    in_hours_j: int
    loads: int


class Arrival(NamedTuple):
    """A load that came in, and whether it may count.

    `personal` chooses the file or bucket of its month; `reason` is None for a load that counts,
    else why it is quarantined; `received` is the collector's clock (Unix seconds).
    """

    node: str
    stream: str
    load: Load
    personal: bool
    received: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an append did: loads newly stored, loads that were there already, loads set aside.

    `late` are those of the last that are new and set aside because their month is closed.
    """

    stored: int = 0
    repeated: int = 0
    quarantined: int = 0
    late: tuple[Arrival, ...] = ()


class Refused(NamedTuple):
    """A payload that is no message, and why; `received` is the collector's clock (Unix seconds)."""

    node: str
    payload: bytes
    reason: str
    received: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing that may not count: a load (all fields), or a payload that is none (`payload`)."""

    number: int
    node: str
    reason: str
    received: int
    stream: str | None = None
    load: Load | None = None
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """A device of which loads came in between two Unix seconds: its days there must be rebuilt."""

    key: Key
    personal: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class StreamMark:
    """How far a device's stream has come: its last `seq` and `register_j`, and the holes before it.

    `holes` are the inclusive ranges of sequence numbers that never came.
    """

    key: Key
    stream: str
    seq: int
    register_j: int
    end: int
    holes: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DayRow:
    """One device on one local day. Energies in J, times in s.

    `day` is an ISO date. `observed_s` is the time of which the energy is known (on, asleep or off;
    of which `off_s`); `length_s` the real length of the day. `filled_j` was put in for missing time
    and is part of `estimated_j`. The day's energy is measured_j + estimated_j + allocated_j.
    """

    key: Key
    personal: bool
    day: str
    length_s: int
    observed_s: int
    off_s: int
    measured_j: int
    estimated_j: int
    allocated_j: int
    out_of_hours_j: int
    filled_j: int = 0
    valid: bool = False
    state_s: Mapping[str, int] = field(default_factory=dict)
    pages: int | None = None

    @property
    def energy_j(self) -> int:
        """Energy of the day, whatever its origin (J)."""
        return self.measured_j + self.estimated_j + self.allocated_j


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the ledger knows it. `rated_w` is the greatest plausible power (W), `count_j` the
    step of its register (J), None where it was not said."""

    key: Key
    device_class: str
    organisation: str
    site: str
    method: str
    rated_w: float
    uncertainty_ratio: float | None
    first_seen: int
    count_j: int | None = None
