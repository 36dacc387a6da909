"""DCMI, as the catalogue takes it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import login
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, Own
from sobre_drivers.meters.model import Model
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml

if TYPE_CHECKING:
    from sobre_drivers.meters.dcmi.driver import DcmiDriver

TOOL = "ipmitool"
HERE = "localhost"
PORT = 623
# Opening a session alone takes a controller seconds.
SHORTEST_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class DcmiModel(Model):
    """A server of any maker."""

    protocol: Literal["dcmi"] = "dcmi"


def read(path: Path) -> DcmiModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), DcmiModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    return models.about("dcmi", read(path), "power")


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The server; ConfigError if it is not said where it is, and who reads."""
    if not meter.host or meter.host.startswith("-"):
        raise ConfigError(
            f"{meter.device}: host is {meter.host!r}; name its management controller, or "
            f"{HERE!r} for the machine that reads"
        )
    if meter.host != HERE and not meter.login.username:
        raise ConfigError(
            f"{meter.device}: login is missing; name a user of the controller and the file with "
            "its password"
        )
    login.check(meter.device, meter.login)
    return [models.described(read(path), "dcmi", meter)]


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> "DcmiDriver":
    """The driver of a server; ConfigError if ipmitool is not installed."""
    from sobre_drivers.meters.dcmi.driver import DcmiDriver

    tool = shutil.which(TOOL)
    if tool is None:
        raise ConfigError(f"{meter.device}: {TOOL} is not installed; install the package {TOOL}")
    command = [tool, *_session(meter), "dcmi", "power", "reading"]
    timeout_s = max(meter.timeout_s, SHORTEST_TIMEOUT_S)
    return DcmiDriver(described[0], meter.host, command, timeout_s)


def _session(meter: MeterSettings) -> list[str]:
    if meter.host == HERE:
        return ["-I", "open"]
    # The password stays in its file: a command line is seen by all users of the machine.
    who = ["-U", meter.login.username, "-f", str(meter.login.password_file), "-L", "USER"]
    return ["-I", "lanplus", "-H", meter.host, "-p", str(meter.port or PORT), *who]
