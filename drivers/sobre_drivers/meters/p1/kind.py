"""P1, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.model import Model
from sobre_drivers.meters.p1.meaning import UJ_PER_WH
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml

if TYPE_CHECKING:
    from sobre_drivers.meters.p1.driver import P1Driver


@dataclass(frozen=True, slots=True)
class P1Model(Model):
    """`line` is how the port speaks: from version 4 on at 115200 Bd 8N1, before at 9600 Bd 7E1."""

    line: Literal["115200-8N1", "9600-7E1"] = "115200-8N1"
    protocol: Literal["p1"] = "p1"


def read(path: Path) -> P1Model:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), P1Model, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    return models.about("p1", read(path), "register")


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The meter itself; ConfigError if it has no serial port."""
    if not meter.serial_port:
        raise ConfigError(f"{meter.device}: serial_port is missing; name the adapter's port")
    return [models.described(read(path), "p1", meter, count_uj=UJ_PER_WH)]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "P1Driver":
    """The driver of a meter; each has a port of its own."""
    try:
        from sobre_drivers.meters.p1.driver import PATIENCE_S, P1Driver
        from sobre_drivers.meters.serial_port import SerialPort
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    old, line = read(path).line == "9600-7E1", meter.serial
    data_bits: Literal[7, 8] = 7 if old else 8
    port = SerialPort(
        meter.serial_port,
        line.baud_rate or (9600 if old else 115200),
        line.parity or ("even" if old else "none"),
        line.stop_bits or 1,
        data_bits,
    )
    return P1Driver(described[0], port, data_bits, max(PATIENCE_S, meter.timeout_s))
