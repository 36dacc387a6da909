"""What a person may decide about an agent, and what may not be written there.

Everything that can be told from the file alone is refused here; what needs a look at the machine
(files that must exist, secrets, profiles) is in `sobre_agent.preflight`.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from sobre_drivers import settings
from sobre_drivers.birth import MAX_TEXT
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.load import NODE
from sobre_drivers.meters.configured import Hours, MeterSettings, require, require_class

LoadLength = Literal["minute", "ten-minutes", "hour", "day"]
Pace = Literal["daily", "hourly", "as-closed"]

# From fine to coarse.
LOAD_LENGTHS: tuple[LoadLength, ...] = ("minute", "ten-minutes", "hour", "day")

DEFAULT_PATH = Path(
    r"C:\ProgramData\Sobre\agent.toml" if os.name == "nt" else "/etc/sobre/agent.toml"
)
WINDOW_PC = 2
WINDOW_READER = 32


@dataclass(frozen=True, slots=True)
class Mqtt:
    """How the broker is reached. `port` None: 8883 with TLS, 1883 without."""

    host: str = "localhost"
    port: int | None = None
    tls: Literal["auto", "on", "off"] = "auto"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    username: str = ""
    password_file: Path | None = None
    keepalive_s: int = 60
    live: bool = False

    def __post_init__(self) -> None:
        require(bool(self.host), "host: empty; name the broker")
        require(self.port is None or 0 < self.port < 65536, f"port: {self.port} is no TCP port")
        require(1 <= self.keepalive_s <= 3600, "keepalive_s: 1 to 3600 s are possible")
        paired = (self.certificate_file is None) == (self.key_file is None)
        require(paired, "certificate_file: it and key_file go together; give both or none")
        wanted = self.encrypted or not (self.ca_file or self.certificate_file)
        require(wanted, "tls: off, yet ca_file or certificate_file is given; set tls = 'on'")

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken: always, unless the broker is on this machine or `tls` is off."""
        return self.tls == "on" or (self.tls == "auto" and not loopback(self.host))

    @property
    def tcp_port(self) -> int:
        """The port that is connected to."""
        return self.port or (8883 if self.encrypted else 1883)


@dataclass(frozen=True, slots=True)
class SpoolSettings:
    """Where loads wait until they are confirmed."""

    folder: Path = Path(r"C:\ProgramData\Sobre\spool" if os.name == "nt" else "/var/lib/sobre")
    max_mib: int = 64

    def __post_init__(self) -> None:
        require(self.max_mib >= 1, f"max_mib: {self.max_mib} MiB hold nothing; 1 at least")


@dataclass(frozen=True, slots=True)
class Delivery:
    """When loads travel. `window` None: 2 batches from a PC, 32 from a reader of meters.

    A clock that differs from the collector's by more than `clock_tolerance_s` is wrong.
    """

    pace: Pace = "daily"
    window: int | None = None
    confirm_timeout_s: float = 60.0
    retry_max_s: float = 3600.0
    clock_tolerance_s: float = 300.0

    def __post_init__(self) -> None:
        require(self.clock_tolerance_s >= 1, "clock_tolerance_s: clocks differ by a second always")
        require(self.window is None or 1 <= self.window <= 1000, "window: 1 to 1000 batches")
        require(self.confirm_timeout_s > 0, "confirm_timeout_s: more than 0 s is needed")
        below = self.retry_max_s >= self.confirm_timeout_s
        require(below, "retry_max_s: less than confirm_timeout_s; the same or more is needed")


@dataclass(frozen=True, slots=True)
class Host:
    """Whether and how this machine itself is measured."""

    enabled: bool = True
    device_class: str = "auto"
    sample_s: float = 60.0
    load: LoadLength = "day"

    def __post_init__(self) -> None:
        require_class(self.device_class, "auto")
        require(self.sample_s >= 1, "sample_s: at least 1 s between two samples")


@dataclass(frozen=True, slots=True)
class Meter(MeterSettings):
    """A meter, and how often it is asked; None: as often, and when, as suits its profile.

    `hours` "working" asks it in `working_hours` only. `load` None: a minute; `outlet_load` None: as
    `load`. What tells of a person has loads of a day unless its own length is said.
    """

    sample_s: float | None = None
    hours: Hours | None = None
    load: LoadLength | None = None
    outlet_load: LoadLength | None = None

    def __post_init__(self) -> None:
        MeterSettings.__post_init__(self)
        often = self.sample_s is None or self.sample_s >= 1
        require(often, "sample_s: at least 1 s between two samples")


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the organisation allows, as `control` said it: never finer than is configured.

    Nothing leaves a `paused` agent, and this PC is not sampled; otherwise samples are `slower`
    times rarer, and loads as long as `load` at least.
    """

    paused: bool = False
    slower: int = 1
    load: LoadLength = "minute"

    def longer(self, own: LoadLength) -> LoadLength:
        """The length of loads that are configured to be `own`."""
        return max(own, self.load, key=LOAD_LENGTHS.index)

    def noted(self) -> str:
        """As a note in the spool."""
        return f"{int(self.paused)} {self.slower} {self.load}"

    @staticmethod
    def of(noted: str | None) -> "Allowed":
        """What was noted; everything if nothing was."""
        if noted is None:
            return Allowed()
        paused, slower, load = noted.split()
        length = next(each for each in LOAD_LENGTHS if each == load)
        return Allowed(paused == "1", int(slower), length)


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """All settings of an agent. `node` empty: derived from this machine and the key file.

    `meters` are those of `meters_file` too, once it was loaded.
    """

    organisation: str
    site: str
    node: str = ""
    organisation_key_file: Path | None = None
    timezone: str = "Europe/Paris"
    language: Literal["fr", "en"] = "fr"
    profiles_folder: Path | None = None
    status_file: Path | None = None
    own_figures: Path | None = None
    mqtt: Mqtt = field(default_factory=Mqtt)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    delivery: Delivery = field(default_factory=Delivery)
    host: Host = field(default_factory=Host)
    working_hours: WorkingHours = field(default_factory=WorkingHours)
    meters: tuple[Meter, ...] = ()
    meters_file: Path | None = None

    def __post_init__(self) -> None:
        for key, text in (("organisation", self.organisation), ("site", self.site)):
            require(
                0 < len(text) <= MAX_TEXT and text.isprintable(),
                f"{key}: {text!r}; 1 to {MAX_TEXT} printable characters are needed",
            )
        named = NODE.fullmatch(self.node) is not None
        require(named or not self.node, f"node: {self.node!r}; use a-z, 0-9, '.', '_' and '-'")
        require(
            named or self.organisation_key_file is not None,
            "node: empty; name the node, or give organisation_key_file to derive it",
        )
        require(known_zone(self.timezone), f"timezone: {self.timezone!r} is not an IANA name")
        connected = self.delivery.pace == "as-closed" or not self.mqtt.live
        require(connected, "mqtt.live: needs a connection that is kept; set pace = 'as-closed'")
        require(self.host.enabled or bool(self.meters), "nothing to measure; add [[meters]]")
        hours = self.working_hours
        require(
            0 <= hours.start_h < hours.end_h <= 24,
            "working_hours: start_h comes before end_h, both 0 to 24",
        )
        days_known = all(1 <= day <= 7 for day in hours.days)
        require(days_known, "working_hours.days: 1 (Monday) to 7 (Sunday) are possible")
        names = [meter.device for meter in self.meters]
        twice = sorted({name for name in names if names.count(name) > 1})
        require(not twice, f"meters: device {twice} twice; give each meter its own name")
        require(self.node not in names, f"meters: device {self.node!r} is this node's own name")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which days begin and hours are worked."""
        return ZoneInfo(self.timezone)

    @property
    def window(self) -> int:
        """How many batches may wait for their confirmation at a time."""
        return self.delivery.window or (WINDOW_READER if self.meters else WINDOW_PC)


def load(path: Path) -> AgentConfig:
    """The configuration in a file, with the meters of its `meters_file`, which is beside it.

    ConfigError holds one line for each mistake in them.
    """
    table = settings.read_toml(path)
    settings.override(table, AgentConfig, os.environ)
    file, meters = table.get("meters_file"), table.get("meters", [])
    if isinstance(file, str) and file and isinstance(meters, list):
        # Only who has such a file pays for this import.
        from sobre_agent.meters_file import read

        table["meters"] = [*meters, *read(path.parent / file, Meter)]
    return settings.build(table, AgentConfig, str(path))


def loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d+){3}", host) is not None


def known_zone(name: str) -> bool:
    """Whether the time zone database knows this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
