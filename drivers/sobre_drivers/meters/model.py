"""What a profile says of a model that needs no map of registers: one device, known in advance."""

import hashlib
from dataclasses import dataclass
from typing import Literal, Protocol

from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Origin
from sobre_drivers.meters.configured import MeterSettings, require, require_class, require_power
from sobre_drivers.meters.kind import About, Confirmed, Own
from sobre_drivers.sample import Described


@dataclass(frozen=True, slots=True)
class Model:
    """A model as its profile has it. `rated_w` (W) and what else is None: the configuration says.

    `uncertainty_ratio` is the stated error of its energy; `sample_s` how often it is worth asking.
    """

    maker: str
    model: str
    source: str
    confirmed: Confirmed
    device_class: str
    rated_w: float | None = None
    uncertainty_ratio: float | None = None
    sample_s: float = 10.0
    note: str = ""

    def __post_init__(self) -> None:
        require_class(self.device_class)
        require_power(self.rated_w)
        ratio = self.uncertainty_ratio
        require(ratio is None or 0 < ratio < 1, f"uncertainty_ratio: {ratio}; 0.01 is 1 %")
        require(self.sample_s >= 1, "sample_s: at least 1 s between two samples")


def about(
    protocol: str, model: Model, measures: Literal["register", "power"], devices: int = 1
) -> About:
    """The model as people read of it."""
    return About(
        protocol=protocol,
        maker=model.maker,
        model=model.model,
        source=model.source,
        confirmed=model.confirmed,
        device_class=model.device_class,
        measures=measures,
        devices=devices,
        note=model.note,
        sample_s=model.sample_s,
    )


def described(
    model: Model,
    method: str,
    meter: MeterSettings,
    own: Own | None = None,
    device: str = "",
    origin: Origin = Origin.MEASURED,
    count_uj: int = 1,
) -> Described:
    """What the agent must know of the meter (or of `device` behind it, which `own` is about).

    ConfigError if nobody states its greatest power.
    """
    own = own or Own(meter.device_class, meter.rated_w)
    rated_w = own.rated_w or model.rated_w or meter.rated_w
    if rated_w is None:
        raise ConfigError(
            f"{device or meter.device}: rated_w is missing; profile {meter.profile} cannot know "
            "it, state the greatest power that can flow through it in W"
        )
    doubt = " (unconfirmed)" if model.confirmed == "unconfirmed" else ""
    return Described(
        device=device or meter.device,
        device_class=own.device_class or model.device_class,
        rated_w=rated_w,
        method=f"{method} {meter.profile}{doubt}",
        origin=origin,
        uncertainty_ratio=model.uncertainty_ratio,
        count_uj=count_uj,
    )


class Part(Protocol):
    """A part of a profile, as far as every device behind it needs it; "" is the meter itself."""

    @property
    def name(self) -> str: ...
    @property
    def device_class(self) -> str | None: ...
    @property
    def rated_w(self) -> float | None: ...


class Profile(Protocol):
    """A profile of several devices, as far as each of them needs it."""

    @property
    def device_class(self) -> str: ...
    @property
    def rated_w(self) -> float | None: ...


def class_and_power(
    device: str, name: str, part: Part, profile: Profile, meter: Own, own: Own | None
) -> tuple[str, float]:
    """Class and greatest power (W) of a device behind a meter; ConfigError if nobody states it.

    What the configuration says of this device (`own`) comes first. `meter` is what it says of the
    whole meter: its class is not that of its outlets, but its power bounds theirs. `name` is the
    profile's.
    """
    own, itself = own or Own(), not part.name
    device_class = own.device_class or (meter.device_class if itself else None)
    rated_w = own.rated_w or (meter.rated_w if itself else None)
    rated_w = rated_w or part.rated_w or profile.rated_w or meter.rated_w
    if rated_w is None:
        raise ConfigError(
            f"{device}: rated_w is missing; profile {name} cannot know it, state the greatest "
            "power that can flow through it in W"
        )
    return device_class or part.device_class or profile.device_class, rated_w


def fingerprint(serial: str) -> str:
    """Four hex digits that tell two meters apart and name neither.

    The number of a billing meter names a customer: so many meters share a fingerprint that it
    cannot be traced back, and one replacement in 65,536 is missed.
    """
    return hashlib.blake2b(serial.encode(), digest_size=2).hexdigest()
