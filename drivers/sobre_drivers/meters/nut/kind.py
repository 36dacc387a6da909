"""NUT, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Origin
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.model import Model
from sobre_drivers.meters.nut import decoding
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml

if TYPE_CHECKING:
    from sobre_drivers.meters.nut.driver import NutDriver

# RFC 9271, 4.1.
PORT = 3493


@dataclass(frozen=True, slots=True)
class NutModel(Model):
    """`power` is what active power is taken from: the UPS's own figure, or its load in percent."""

    power: decoding.Source = "realpower"
    protocol: Literal["nut"] = "nut"


def read(path: Path) -> NutModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), NutModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    return models.about("nut", read(path), "power")


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """What the UPS feeds; ConfigError if it is not said where upsd is."""
    ups, host = decoding.named(meter.host)
    if not host or not decoding.is_name(ups):
        raise ConfigError(
            f"{meter.device}: host is {meter.host!r}; give the address of upsd, with the name that "
            "it has for the UPS before an @ (ups@192.0.2.5)"
        )
    made = read(path)
    origin = Origin.MEASURED if made.power == "realpower" else Origin.ESTIMATED
    return [models.described(made, "nut", meter, origin=origin)]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "NutDriver":
    """The driver of a UPS."""
    from sobre_drivers.meters.nut.driver import NutDriver

    ups, host = decoding.named(meter.host)
    address = (host, meter.port or PORT)
    return NutDriver(described[0], address, ups, read(path).power, meter.timeout_s)
