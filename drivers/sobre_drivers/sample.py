"""What a driver saw at an instant, and what it says of the devices it measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sobre_drivers.load import Origin

UJ_PER_J = 1_000_000
UJ_PER_KWH = 3_600_000 * UJ_PER_J

# method.md 2.1: a step between two samples longer than this many nominal periods is a gap.
GAP_PERIODS = 2.5
# method.md 2.0: the plausible maximum is the rated power times this.
RATED_MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Described:
    """A device as its driver knows it: how it is measured, and within which bounds.

    `device_class` is one of `sobre_drivers.load.CLASSES`; `rated_w` its greatest plausible power
    (W, before the margin of 1.1); `origin` what its power or register is worth. `modulus_uj` is
    where an energy register wraps (µJ), None if that is unknown: then no rollover is ever assumed.
    `count_uj` is one count of the register (µJ). `off_w` and `sleep_w` are drawn while off or
    asleep, in W. `own` says that the device is the machine on which the agent runs: only then do
    the machine's own sleep and shut-down tell of the device.
    """

    device: str
    device_class: str
    rated_w: float
    method: str
    origin: Origin
    uncertainty_ratio: float | None = None
    count_uj: int = 1
    modulus_uj: int | None = None
    off_w: float = 0.0
    sleep_w: float = 0.0
    own: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one device showed. None is "the meter did not say": never 0, −1 or NaN.

    `register_uj` is a cumulative energy register in µJ, `power_w` an active power in W, `state`
    one of the states of `sobre_drivers.load`, `pages` a cumulative page counter. `mean` says that
    the power is the mean since the reading before, and not that of this instant.
    """

    device: str
    register_uj: int | None = None
    power_w: float | None = None
    serial: str | None = None
    state: str | None = None
    pages: int | None = None
    mean: bool = False


@dataclass(frozen=True, slots=True)
class Instant:
    """When: `wall_s` Unix seconds, `mono_s` a clock that never jumps and stands still in sleep,
    `boot_s` one that never jumps and runs on in sleep (both in s, from an arbitrary zero)."""

    wall_s: float
    mono_s: float
    boot_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A reading and the instant at which it was taken."""

    at: Instant
    reading: Reading


class Driver(Protocol):
    """One way of measuring. `read` raises MeterError when nothing could be read this round."""

    @property
    def name(self) -> str: ...

    def describe(self) -> Sequence[Described]: ...

    def read(self) -> Sequence[Reading]: ...

    def close(self) -> None: ...
