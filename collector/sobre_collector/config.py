"""What the collector's own file may say; every key has a default, and paths start at that file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.settings import load

PASSWORD = "SOBRE_MQTT_PASSWORD"
# IANA's registrations for MQTT, without and with TLS.
PLAIN_PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The broker, and who the collector is to it.

    `tls` "auto" is on, except on loopback; `port` None is the registered one. `ca_file` None means
    the system's authorities. `queue_loads` bounds what waits in memory to be stored.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    tls: Literal["auto", "on", "off"] = "auto"
    username: str = "collector"
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    queue_loads: int = 100_000

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise ValueError("host is empty; name the broker, such as 127.0.0.1")
        if self.port is not None and not 1 <= self.port <= 65_535:
            raise ValueError(f"port {self.port} is none; choose 1 to 65535")
        if not self.username:
            raise ValueError("username is empty; name the collector's account on the broker")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together; give both or neither")
        if self.queue_loads < 1_000:
            raise ValueError(f"queue_loads {self.queue_loads} is too few; 1000 at least")
        unused = [n for n in ("ca_file", "certificate_file") if getattr(self, n) is not None]
        if unused and not self.secure:
            raise ValueError(f"{unused[0]} has no use without TLS; set tls = 'on' or remove it")

    @property
    def secure(self) -> bool:
        """Whether the connection uses TLS."""
        return self.tls == "on" or (self.tls == "auto" and not loopback(self.host))

    @property
    def address(self) -> tuple[str, int]:
        """Host and TCP port to connect to."""
        return self.host, self.port or (TLS_PORT if self.secure else PLAIN_PORT)


@dataclass(frozen=True, slots=True)
class Web:
    """Where the page listens."""

    host: str = "127.0.0.1"
    port: int = 8787

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port {self.port} is none; choose 1 to 65535, or 0 for a free one")


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose word is taken.

    `accept` "all" takes each new device with the class and organisation of its first birth;
    "listed" only if its organisation and site stand in the perimeter.
    """

    accept: Literal["all", "listed"] = "all"


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept."""

    close_after_days: int = 35
    backups: int = 14

    def __post_init__(self) -> None:
        if not 1 <= self.close_after_days <= 366:
            raise ValueError(f"close_after_days {self.close_after_days}: choose 1 to 366")
        if self.backups < 1:
            raise ValueError(f"backups {self.backups}: choose 1 or more")


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """The collector's settings; see config/collector.example.toml. `perimeter` None: none yet."""

    data: Path = Path("data")
    perimeter: Path | None = None
    mqtt: Mqtt = field(default_factory=Mqtt)
    web: Web = field(default_factory=Web)
    policy: Policy = field(default_factory=Policy)
    keep: Keep = field(default_factory=Keep)


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> CollectorConfig:
    """The settings in a file, its relative paths taken from the file's own folder."""
    config = load(path, CollectorConfig, environment)
    folder = path.absolute().parent
    files = ("password_file", "ca_file", "certificate_file", "key_file")
    given = {name: getattr(config.mqtt, name) for name in files}
    mqtt = replace(config.mqtt, **{n: folder / p for n, p in given.items() if p is not None})
    perimeter = None if config.perimeter is None else folder / config.perimeter
    return replace(config, data=folder / config.data, perimeter=perimeter, mqtt=mqtt)


def missing_files(config: CollectorConfig, where: str) -> list[str]:
    """One line for each file that the settings name and that cannot be read."""
    problems = []
    for name in ("password_file", "ca_file", "certificate_file", "key_file"):
        path = getattr(config.mqtt, name)
        if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
            problems.append(
                f"{where}: 'mqtt.{name}' is {str(path)!r}, which cannot be read; "
                "create it, or let this account read it"
            )
    return problems


def password(mqtt: Mqtt, environment: Mapping[str, str] | None = None) -> str | None:
    """The broker password, from the environment or the file; None if neither is given."""
    found = (os.environ if environment is None else environment).get(PASSWORD)
    if found:
        return found
    if mqtt.password_file is None:
        return None
    try:
        text = mqtt.password_file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{mqtt.password_file}: the broker password cannot be read ({error}); "
            f"create the file or set {PASSWORD}"
        ) from error
    if not text:
        raise ConfigError(f"{mqtt.password_file}: is empty; write the broker password into it")
    return text


def loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
