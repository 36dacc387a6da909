"""What a person states about one meter: where it is, how it is spoken to, what it measures.

One shape for every protocol. What a protocol does not use must be left out; its kind says so.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sobre_drivers.load import CLASSES, DEVICE

Hours = Literal["always", "working"]


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How a serial port is set. None: as the protocol has it."""

    baud_rate: int | None = None
    parity: Literal["none", "even", "odd"] | None = None
    stop_bits: Literal[1, 2] | None = None

    def __post_init__(self) -> None:
        known = self.baud_rate is None or 110 <= self.baud_rate <= 4_000_000
        require(known, f"baud_rate: {self.baud_rate}; 110 to 4000000 Bd are possible")


@dataclass(frozen=True, slots=True)
class SnmpAccess:
    """How an SNMP agent lets us read. Communities and pass phrases stand in files."""

    version: Literal["1", "2c", "3"] = "2c"
    community_file: Path | None = None
    user: str = ""
    authentication: Literal["none", "md5", "sha", "sha256", "sha512"] = "none"
    authentication_file: Path | None = None
    privacy: Literal["none", "des", "aes", "aes256"] = "none"
    privacy_file: Path | None = None
    context: str = ""

    def __post_init__(self) -> None:
        if self.version != "3":
            plain = not self.user and self.authentication == "none" and self.privacy == "none"
            require(plain, "user, authentication and privacy need version = '3'")
            return
        require(bool(self.user), "user is missing; version 3 asks who reads")
        require(self.community_file is None, "community_file belongs to versions 1 and 2c")
        for name, kind, file in (
            ("authentication", self.authentication, self.authentication_file),
            ("privacy", self.privacy, self.privacy_file),
        ):
            paired = (kind == "none") == (file is None)
            require(paired, f"{name} and {name}_file go together; give both or none")
        ordered = self.privacy == "none" or self.authentication != "none"
        require(ordered, "privacy without authentication; version 3 has no such level")


@dataclass(frozen=True, slots=True)
class Login:
    """Who reads, where a meter asks. With `ca_file` the meter's certificate is held against it."""

    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        paired = bool(self.username) == (self.password_file is not None)
        require(paired, "username and password_file go together; give both or none")


@dataclass(frozen=True, slots=True)
class Part:
    """What stands behind one outlet, `outlet-07`; None: what the profile says.

    `rated_w` is its greatest plausible power (W).
    """

    name: str
    device_class: str | None = None
    rated_w: float | None = None

    def __post_init__(self) -> None:
        require_class(self.device_class)
        require_power(self.rated_w)


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """One meter, or one PDU with its outlets; `outlets` empty: all that its profile knows.

    It is reached at `host` (and `port`; None: the protocol's own), at `serial_port`, or by the
    MQTT `topic` under which it publishes. `rated_w` is the greatest power that can flow through it
    (W). `device_class` and `rated_w` None: what its profile says. `framing` is how Modbus is packed
    at a `host`: "rtu" where a gateway hands the bytes of its serial line through.
    """

    device: str
    profile: str
    host: str = ""
    port: int | None = None
    serial_port: str = ""
    topic: str = ""
    unit_id: int = 1
    framing: Literal["tcp", "rtu"] = "tcp"
    device_class: str | None = None
    rated_w: float | None = None
    outlets: tuple[int, ...] = ()
    timeout_s: float = 3.0
    parts: tuple[Part, ...] = ()
    serial: SerialLine = field(default_factory=SerialLine)
    snmp: SnmpAccess = field(default_factory=SnmpAccess)
    login: Login = field(default_factory=Login)

    def __post_init__(self) -> None:
        known = DEVICE.fullmatch(self.device) is not None and "/" not in self.device
        require(known, f"device: {self.device!r}; use a-z, 0-9, '.', '_' and '-', 63 at most")
        require_class(self.device_class)
        ways = sum(map(bool, (self.host, self.serial_port, self.topic)))
        require(ways > 0, "host: empty; name the address, the serial_port or the topic")
        require_address(self.host)
        require(
            not (self.host and self.serial_port),
            "serial_port: beside host; a meter is reached in one way, leave one out",
        )
        require(
            self.framing == "tcp" or bool(self.host),
            "framing: without host; a serial_port always has 'rtu', leave it out",
        )
        if self.port is not None:
            require(0 < self.port < 65536, f"port: {self.port} is no port")
        require(0 <= self.unit_id <= 255, f"unit_id: {self.unit_id}; 0 to 255 are possible")
        require_power(self.rated_w)
        require(self.timeout_s > 0, "timeout_s: more than 0 s is needed")

    @property
    def address(self) -> str:
        """What meters on one line have in common: they are asked one after another."""
        if self.serial_port:
            return self.serial_port
        if not self.host:
            return self.topic
        return self.host if self.port is None else f"{self.host}:{self.port}"


def require(holds: bool, problem: str) -> None:
    """ValueError with the problem unless it holds."""
    if not holds:
        raise ValueError(problem)


def require_address(host: str) -> None:
    """ValueError for what people write beside an address: blanks, a port, the path of a page."""
    # (A UPS of NUT is `name@address`, and its name is looked at there.)
    address = host.rpartition("@")[2]
    require(
        not set(address) & set(" \t\r\n/"),
        f"host: {host!r}; give the name or address alone, without http:// or a path",
    )
    # (IPv6 has several.)
    require(address.count(":") != 1, f"host: {host!r}; say the port apart, as port")


def require_power(rated_w: float | None) -> None:
    """ValueError unless a power is above 0 W or not said."""
    require(rated_w is None or rated_w > 0, "rated_w: more than 0 W is needed")


def require_class(device_class: str | None, *more: str) -> None:
    """ValueError unless a class is known or not said; `more` are further words that may stand."""
    choices = (*more, *CLASSES)
    require(
        device_class is None or device_class in choices,
        f"device_class: {device_class!r}; choose one of {', '.join(choices)}",
    )
