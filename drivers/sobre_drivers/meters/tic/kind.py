"""Télé-information client, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.model import Model
from sobre_drivers.meters.tic.meaning import UJ_PER_WH
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml

if TYPE_CHECKING:
    from sobre_drivers.meters.serial_port import SerialPort
    from sobre_drivers.meters.tic.driver import TicDriver


@dataclass(frozen=True, slots=True)
class TicModel(Model):
    """`mode` is how the meter speaks; "auto" finds it out."""

    mode: Literal["auto", "historique", "standard"] = "auto"
    protocol: Literal["tic"] = "tic"


def read(path: Path) -> TicModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), TicModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    return models.about("tic", read(path), "register")


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The meter itself; ConfigError if it has no serial port."""
    if not meter.serial_port:
        raise ConfigError(f"{meter.device}: serial_port is missing; name the adapter's port")
    return [models.described(read(path), "tic", meter, count_uj=UJ_PER_WH)]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "TicDriver":
    """The driver of a meter; each has a port of its own."""
    try:
        from sobre_drivers.meters.serial_port import SerialPort
        from sobre_drivers.meters.tic.driver import HISTORIQUE, STANDARD, TicDriver, Way
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    by_mode = {"auto": (HISTORIQUE, STANDARD), "historique": (HISTORIQUE,), "standard": (STANDARD,)}
    ways = by_mode[read(path).mode]
    line = meter.serial
    if line.baud_rate is not None:
        ways = (Way(line.baud_rate, max(way.patience_s for way in ways)),)

    def port(baud_rate: int) -> "SerialPort":
        return SerialPort(
            meter.serial_port, baud_rate, line.parity or "even", line.stop_bits or 1, data_bits=7
        )

    return TicDriver(described[0], port, ways, meter.timeout_s)
