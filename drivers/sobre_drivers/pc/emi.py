"""Windows' Energy Meter Interface: what its answers mean (emi.h, versions 1 and 2).

Windows 11 shows the processor's own counters through it, to everybody: no driver and no rights
of an administrator are needed. The calls themselves are in `sobre_drivers.pc.windows`.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sobre_drivers.errors import MeterError

# CTL_CODE(FILE_DEVICE_UNKNOWN, 0 to 3, METHOD_BUFFERED, FILE_READ_ACCESS).
GET_VERSION = 0x224000
GET_METADATA_SIZE = 0x224004
GET_METADATA = 0x224008
GET_MEASUREMENT = 0x22400C
PICOWATT_HOURS = 0
MOST_BYTES = 64 * 1024

_V1_HEAD = struct.Struct("<I32s32sHH")  # unit, maker, model, revision, size of the name
_V2_HEAD = struct.Struct("<32s32sHH")  # maker, model, revision, number of channels
_CHANNEL = struct.Struct("<IH")  # unit, size of the name that follows
_MEASURED = struct.Struct("<QQ")  # pWh, and 100 ns since an arbitrary zero


class Meters(Protocol):
    """The devices of this interface; both raise OSError."""

    def paths(self) -> Sequence[str]: ...

    def ask(self, path: str, code: int, size: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """One counter: its place among the `of` channels that the device at `path` answers for."""

    path: str
    number: int
    of: int
    name: str

    @property
    def key(self) -> str:
        """What tells this channel from every other."""
        return f"{self.path}#{self.number}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a channel counted (µJ), and when it did (s, from an arbitrary zero)."""

    energy_uj: int
    at_s: float


def channels(meters: Meters) -> tuple[Channel, ...]:
    """Every channel that counts in picowatt-hours; MeterError if no device tells any."""
    found: list[Channel] = []
    try:
        for path in meters.paths():
            version = int.from_bytes(meters.ask(path, GET_VERSION, 2), "little")
            size = int.from_bytes(meters.ask(path, GET_METADATA_SIZE, 4), "little")
            if 0 < size <= MOST_BYTES:
                found += named(path, version, meters.ask(path, GET_METADATA, size))
    except OSError as error:
        raise MeterError(f"unreadable: energy meter interface ({error})") from error
    if not found:
        raise MeterError("absent: no energy meter interface; Windows 11 has one on most processors")
    return tuple(found)


def named(path: str, version: int, metadata: bytes) -> list[Channel]:
    """The channels that a device's metadata name; none if they make no sense."""
    if version == 1 and len(metadata) >= _V1_HEAD.size:
        unit, _, _, _, size = _V1_HEAD.unpack_from(metadata)
        name = _text(metadata[_V1_HEAD.size : _V1_HEAD.size + size])
        return [Channel(path, 0, 1, name)] if unit == PICOWATT_HOURS else []
    found: list[Channel] = []
    if version != 2 or len(metadata) < _V2_HEAD.size:
        return found
    *_, count = _V2_HEAD.unpack_from(metadata)
    at = _V2_HEAD.size
    for number in range(count):
        if at + _CHANNEL.size > len(metadata):
            return []
        unit, size = _CHANNEL.unpack_from(metadata, at)
        at += _CHANNEL.size + size
        if unit == PICOWATT_HOURS:
            found.append(Channel(path, number, count, _text(metadata[at - size : at])))
    return found


def counted(found: Sequence[Channel]) -> tuple[Channel, ...]:
    """The channels whose sum counts no joule twice: packages and their memory, never cores."""
    packages = [each for each in found if _part(each) == "package"]
    if not packages:
        return ()
    return tuple(each for each in found if _part(each) in ("package", "dram"))


def what(wanted: Sequence[Channel]) -> str:
    """Which parts these channels count, in words."""
    return "+".join(dict.fromkeys(map(_part, wanted)))


def read(meters: Meters, wanted: Sequence[Channel]) -> Mapping[str, Measured]:
    """What each channel says now, by its key; MeterError says which is gone or absurd."""
    found: dict[str, Measured] = {}
    for path in dict.fromkeys(channel.path for channel in wanted):
        here = [channel for channel in wanted if channel.path == path]
        # A device answers for all its channels at once, into a buffer that holds them all.
        size = here[0].of * _MEASURED.size
        try:
            answer = meters.ask(path, GET_MEASUREMENT, size)
        except OSError as error:
            raise MeterError(f"unreadable: {here[0].name} ({error}); was it removed?") from error
        for channel in here:
            at = channel.number * _MEASURED.size
            if len(answer) < at + _MEASURED.size:
                raise MeterError(f"absurd: {channel.name} answered {len(answer)} bytes")
            energy_pwh, ticks = _MEASURED.unpack_from(answer, at)
            # 1 pWh is 3.6e-9 J.
            found[channel.key] = Measured(energy_pwh * 36 // 10_000, ticks / 1e7)
    return found


def _part(channel: Channel) -> str:
    """Package, memory or anything else, from names like `RAPL_Package0_PKG`."""
    name = channel.name.lower()
    if not name.startswith("rapl_package"):
        return ""
    ending = name.rpartition("_")[2]
    return {"pkg": "package", "dram": "dram"}.get(ending, "")


def _text(raw: bytes) -> str:
    return raw.decode("utf-16-le", errors="replace").split("\0", 1)[0]
