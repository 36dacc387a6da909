"""A meter model as data: which registers say what. A new model takes a TOML file and no Python.

Everything that can be wrong in such a file is found here, before a connection is opened.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sobre_drivers.meters.configured import SerialLine
from sobre_drivers.meters.kind import Confirmed
from sobre_drivers.meters.modbus.identify import Identify
from sobre_drivers.meters.parts import require_known_class, require_part
from sobre_drivers.meters.units import EnergyUnit, PowerUnit
from sobre_drivers.settings import build, read_toml

# A request may ask for 125 registers at most (Modbus Application Protocol V1.1b3, 6.3).
MAX_REGISTERS = 125

Kind = Literal[
    "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "text"
]
WordOrder = Literal["high-first", "low-first"]

BITS = {
    "uint16": 16,
    "int16": 16,
    "uint32": 32,
    "int32": 32,
    "uint64": 64,
    "int64": 64,
    "float32": 32,
    "float64": 64,
}


@dataclass(frozen=True, slots=True)
class Register:
    """Where a value stands, from 0 as on the wire: `value = raw × scale + offset`, in `unit`.

    `scale_exponent` is the address of a register that holds a further power of ten. `not_available`
    are the bit patterns, as unsigned numbers, by which the meter says that it has no value.
    `function` and `word_order` override the profile's.
    """

    address: int
    type: Kind
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    scale_exponent: int | None = None
    not_available: tuple[int, ...] = ()
    function: Literal[3, 4] | None = None
    word_order: WordOrder | None = None

    def __post_init__(self) -> None:
        if self.type == "text":
            raise ValueError("type is 'text'; only a serial number may be a text")
        if self.scale == 0:
            raise ValueError("scale is 0; then every value would be; leave it out for 1")
        _in_range("address", self.address, self.words)
        if self.scale_exponent is not None:
            _in_range("scale_exponent", self.scale_exponent, 1)
        for pattern in self.not_available:
            if not 0 <= pattern < 1 << BITS[self.type]:
                raise ValueError(
                    f"not_available has {pattern:#x}, which does not fit {self.type}; give the bit "
                    "pattern as an unsigned number"
                )

    @property
    def words(self) -> int:
        """How many 16-bit registers the value takes."""
        return BITS[self.type] // 16


@dataclass(frozen=True, slots=True)
class Power(Register):
    """Active power."""

    unit: PowerUnit = "W"


@dataclass(frozen=True, slots=True)
class Energy(Register):
    """A cumulative register of active energy.

    `modulus` is the raw value at which it starts again from 0: without it no rollover is ever
    assumed. `resolution` (in `unit`) is its smallest step where `scale` does not say so.
    """

    unit: EnergyUnit = "kWh"
    modulus: int | None = None
    resolution: float | None = None

    def __post_init__(self) -> None:
        Register.__post_init__(self)
        if self.scale < 0:
            raise ValueError(f"scale is {self.scale}; energy that was used counts upwards")
        stepless = self.type.startswith("float") or self.scale_exponent is not None
        if stepless and self.resolution is None:
            raise ValueError(
                "resolution is missing; give the register's smallest step, in its unit"
            )
        if self.resolution is not None and self.resolution <= 0:
            raise ValueError(f"resolution is {self.resolution}; a step above 0 is needed")
        if self.modulus is None:
            return
        if self.modulus < 2:
            raise ValueError(f"modulus is {self.modulus}; leave it out if it is unknown")
        if not self.type.startswith("float") and self.modulus > 1 << BITS[self.type]:
            raise ValueError(
                f"modulus is {self.modulus}; a register of type {self.type} wraps at "
                f"{1 << BITS[self.type]} at the latest"
            )
        if self.scale_exponent is not None:
            raise ValueError("modulus cannot be stated beside scale_exponent; leave it out")


@dataclass(frozen=True, slots=True)
class Serial:
    """The meter's serial number: a number, or a `text` of `words` registers."""

    address: int
    type: Kind = "uint32"
    words: int = 0
    function: Literal[3, 4] | None = None
    word_order: WordOrder | None = None

    def __post_init__(self) -> None:
        if self.type.startswith("float"):
            raise ValueError(f"type is {self.type!r}; a whole number or 'text' is needed")
        if (self.type == "text") != (self.words > 0):
            raise ValueError("words is the length of a 'text' in registers; give it there only")
        _in_range("address", self.address, self.length)

    @property
    def length(self) -> int:
        """How many 16-bit registers it takes."""
        return self.words or BITS[self.type] // 16


@dataclass(frozen=True, slots=True)
class Part:
    """What a meter measures apart: itself (no name), its outlets, its phases.

    With `count` above 1 the name holds `{n:02d}`, n runs from `first`, and all addresses move on by
    `step`. `shown` are values that `sobre-agent meters read` prints and nobody adds up.
    """

    name: str = ""
    count: int = 1
    first: int = 1
    step: int = 0
    device_class: str | None = None
    rated_w: float | None = None
    power: Power | None = None
    energy: Energy | None = None
    shown: dict[str, Register] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_part(self.name, self.device_class, self.rated_w, self.count, self.first)
        if self.count > 1 and ("{n" not in self.name or self.step < 1):
            raise ValueError("count above 1 needs a name with {n:02d} and a step above 0")
        if self.power is None and self.energy is None:
            raise ValueError("power is missing, and so is energy; give one of them")

    def registers(self) -> dict[str, Register]:
        """Power, energy and what is shown, by name."""
        settled = {"power": self.power, "energy": self.energy}
        return {k: v for k, v in settled.items() if v is not None} | self.shown


@dataclass(frozen=True, slots=True)
class Profile:
    """A meter model. `part` lists what it measures; `source` says where the addresses are from.

    `rated_w` is the greatest plausible power of a part (W) and may be left to the configuration;
    `uncertainty_ratio` the stated error of its energy. `max_registers` is the longest request that
    the meter answers, `max_gap` how many unused registers one may run over. With `sunspec_model`
    addresses count from that model's ID register, which is looked for. `line` is how its serial
    port leaves the factory, where that is not 9600 Bd, even, 1.
    """

    maker: str
    model: str
    source: str
    confirmed: Confirmed
    device_class: str
    function: Literal[3, 4]
    word_order: WordOrder
    part: tuple[Part, ...]
    rated_w: float | None = None
    uncertainty_ratio: float | None = None
    max_registers: int = MAX_REGISTERS
    max_gap: int = 0
    sunspec_model: int | None = None
    identify: Identify | None = None
    serial: Serial | None = None
    line: SerialLine = field(default_factory=SerialLine)
    note: str = ""
    protocol: Literal["modbus"] = "modbus"

    def __post_init__(self) -> None:
        require_known_class(self.device_class)
        if not self.part:
            raise ValueError("part is empty; describe at least one [[part]]")
        if not 1 <= self.max_registers <= MAX_REGISTERS:
            raise ValueError(f"max_registers is {self.max_registers}; 1 to {MAX_REGISTERS}")
        if not 0 <= self.max_gap < MAX_REGISTERS:
            raise ValueError(f"max_gap is {self.max_gap}; 0 to {MAX_REGISTERS - 1}")
        if self.rated_w is not None and self.rated_w <= 0:
            raise ValueError(f"rated_w is {self.rated_w}; a power above 0 W is needed")
        names = [name for part in self.part for name, _, _ in _repeated(part)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"part names {sorted(twice)} occur twice; each needs its own")
        _no_overlap(self)


def read(path: Path) -> Profile:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    try:
        found = path.stat()
    except OSError:
        return build(read_toml(path), Profile, str(path))
    return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)


# Hundreds of meters may be of one model; a file that was changed is another one.
@lru_cache(maxsize=64)
def _read(path: Path, *_: int) -> Profile:
    return build(read_toml(path), Profile, str(path))


def devices(profile: Profile) -> Iterator[tuple[str, Part, int]]:
    """(name within the meter, part, how far its addresses are moved on) of all it measures."""
    for part in profile.part:
        yield from _repeated(part)


def _repeated(part: Part) -> Iterator[tuple[str, Part, int]]:
    for index in range(part.count):
        yield part.name.format(n=part.first + index), part, index * part.step


def _no_overlap(profile: Profile) -> None:
    taken: dict[tuple[int, int], str] = {}
    for name, part, moved in devices(profile):
        for quantity, register in part.registers().items():
            if register.words > profile.max_registers:
                raise ValueError(
                    f"max_registers is {profile.max_registers}; too few for {quantity}"
                )
            _in_range(f"the last {quantity} of part {part.name!r}", register.address + moved, 1)
            what = f"{quantity} of {name or 'the meter itself'}"
            function = register.function or profile.function
            _take(taken, function, register.address + moved, register.words, what)
    if profile.serial is not None:
        function = profile.serial.function or profile.function
        _take(taken, function, profile.serial.address, profile.serial.length, "the serial number")


def _take(
    taken: dict[tuple[int, int], str], function: int, address: int, words: int, what: str
) -> None:
    for at in range(address, address + words):
        other = taken.setdefault((function, at), what)
        if other != what:
            raise ValueError(
                f"part: {what} and {other} overlap at register {at}; check address, type and step"
            )


def _in_range(key: str, address: int, words: int) -> None:
    if not 0 <= address <= 0x10000 - words:
        raise ValueError(f"{key} is {address}; registers go from 0 to 65535")
