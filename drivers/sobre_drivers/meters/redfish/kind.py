"""Redfish, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import login
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings, require
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.model import Model
from sobre_drivers.sample import UJ_PER_KWH, Described
from sobre_drivers.settings import build, read_toml

if TYPE_CHECKING:
    from sobre_drivers.meters.redfish.driver import RedfishDriver

PORT = 443


@dataclass(frozen=True, slots=True)
class RedfishModel(Model):
    """`settle_by` is what energy is taken from; `resolution_kwh` the register's step."""

    settle_by: Literal["power", "register"] = "power"
    resolution_kwh: float = 1.0
    protocol: Literal["redfish"] = "redfish"

    def __post_init__(self) -> None:
        Model.__post_init__(self)
        require(self.resolution_kwh > 0, "resolution_kwh: a step above 0 kWh is needed")


def read(path: Path) -> RedfishModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), RedfishModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    made = read(path)
    return models.about("redfish", made, made.settle_by)


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The server; or the chassis that the configuration names as its parts, by their ids."""
    if not meter.host:
        raise ConfigError(f"{meter.device}: host is missing; name its management controller")
    login.check(meter.device, meter.login)
    made = read(path)
    count_uj = round(made.resolution_kwh * UJ_PER_KWH) if made.settle_by == "register" else 1
    if not own:
        return [models.described(made, "redfish", meter, count_uj=count_uj)]
    return [
        models.described(made, "redfish", meter, part, device, count_uj=count_uj)
        for device, part in own.items()
    ]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "RedfishDriver":
    """The driver of a server or enclosure."""
    from sobre_drivers.meters.redfish.driver import RedfishDriver
    from sobre_drivers.meters.redfish.session import Session

    session = Session(meter.host, meter.port or PORT, meter.login, meter.timeout_s)
    parts = {part.name: f"{meter.device}/{part.name}" for part in meter.parts}
    by_register = read(path).settle_by == "register"
    return RedfishDriver(meter.device, session, described, parts, by_register)
