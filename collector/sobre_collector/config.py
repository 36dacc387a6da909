"""What the collector's own file may say; every key has a default, and paths start at that file."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from sobre_drivers.errors import ConfigError
from sobre_drivers.settings import load

PASSWORD = "SOBRE_MQTT_PASSWORD"
INFLUX_READ_TOKEN = "SOBRE_INFLUX_READ_TOKEN"
INFLUX_WRITE_TOKEN = "SOBRE_INFLUX_WRITE_TOKEN"
INFLUX_PASSWORD = "SOBRE_INFLUX_PASSWORD"
INFLUX_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
# IANA's registrations for MQTT, without and with TLS.
PLAIN_PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class Mqtt:
    """The broker, and who the collector is to it.

    `tls` "auto" is on, except on loopback; `port` None is the registered one. `ca_file` None means
    the system's authorities. `queue_loads` bounds what waits in memory to be stored. `shared` parts
    the loads with other collectors, each under a `username` of its own.
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
    shared: bool = False

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
class Influx:
    """The InfluxDB that keeps the series; `url` None means SQLite in the data folder.

    2.x is spoken to with tokens, one that reads and one that writes, 1.x with a user and a
    password if it asks for one. All databases begin with `prefix`. `ca_file` None means the
    system's authorities.
    """

    url: str | None = None
    version: Literal["2", "1"] = "2"
    org: str = "sobre"
    prefix: str = "sobre"
    read_token_file: Path | None = None
    write_token_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url {self.url!r} is none; such as https://influx.example.org:8086")
        if not INFLUX_PREFIX.fullmatch(self.prefix):
            raise ValueError(f"prefix {self.prefix!r}: letters, digits and _, beginning with one")
        if not 0 < self.timeout_s <= 300:
            raise ValueError(f"timeout_s {self.timeout_s} is none; choose up to 300")
        if self.ca_file is not None and not str(self.url).startswith("https"):
            raise ValueError("ca_file has no use without TLS; give an https url or remove it")


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose word is taken.

    `accept` "all" takes each new device with the class and organisation of its first birth;
    "listed" only if its organisation and site stand in the perimeter.
    """

    accept: Literal["all", "listed"] = "all"


@dataclass(frozen=True, slots=True)
class Keep:
    """How long things are kept; `loads_months` and `days_years` are the infrastructure's."""

    close_after_days: int = 35
    loads_months: int = 13
    days_years: int = 5
    backups: int = 14

    def __post_init__(self) -> None:
        if not 1 <= self.close_after_days <= 366:
            raise ValueError(f"close_after_days {self.close_after_days}: choose 1 to 366")
        if self.loads_months < 2:
            raise ValueError(f"loads_months {self.loads_months}: choose 2 or more")
        if self.days_years < 1:
            raise ValueError(f"days_years {self.days_years}: choose 1 or more")
        if self.backups < 1:
            raise ValueError(f"backups {self.backups}: choose 1 or more")


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """The collector's settings; see config/collector.example.toml. `perimeter` None: none yet.

    `ledger` "elsewhere": another host's collector has it, and this one only takes loads in.
    """

    data: Path = Path("data")
    perimeter: Path | None = None
    ledger: Literal["here", "elsewhere"] = "here"
    mqtt: Mqtt = field(default_factory=Mqtt)
    web: Web = field(default_factory=Web)
    policy: Policy = field(default_factory=Policy)
    keep: Keep = field(default_factory=Keep)
    influx: Influx = field(default_factory=Influx)


# The files that each table may name.
_FILES = {
    "mqtt": ("password_file", "ca_file", "certificate_file", "key_file"),
    "influx": ("read_token_file", "write_token_file", "password_file", "ca_file"),
}


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> CollectorConfig:
    """The settings in a file, its relative paths taken from the file's own folder."""
    config = load(path, CollectorConfig, environment)
    folder = path.absolute().parent
    placed: dict[str, Any] = {}
    for table, files in _FILES.items():
        settings = getattr(config, table)
        given = {name: getattr(settings, name) for name in files}
        paths = {name: folder / found for name, found in given.items() if found is not None}
        placed[table] = replace(settings, **paths)
    perimeter = None if config.perimeter is None else folder / config.perimeter
    return replace(config, data=folder / config.data, perimeter=perimeter, **placed)


def missing_files(config: CollectorConfig, where: str) -> list[str]:
    """One line for each file that the settings name and that cannot be read."""
    problems = []
    for table, files in _FILES.items():
        for name in files:
            path = getattr(getattr(config, table), name)
            if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
                problems.append(
                    f"{where}: '{table}.{name}' is {str(path)!r}, which cannot be read; "
                    "create it, or let this account read it"
                )
    return problems


def password(mqtt: Mqtt, environment: Mapping[str, str] | None = None) -> str | None:
    """The broker password, from the environment or the file; None if neither is given."""
    return secret(mqtt.password_file, PASSWORD, "the broker password", environment)


def secret(
    path: Path | None, variable: str, what: str, environment: Mapping[str, str] | None = None
) -> str | None:
    """A secret from the environment or its file; None if neither is given."""
    found = (os.environ if environment is None else environment).get(variable)
    if found:
        return found
    if path is None:
        return None
    try:
        text = path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: {what} cannot be read ({error}); create the file or set {variable}"
        ) from error
    if not text:
        raise ConfigError(f"{path}: is empty; write {what} into it")
    return text


def loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
