"""Modbus RTU on the wire: unit, request or answer, CRC (Modbus over Serial Line V1.02, 2.5)."""

from collections.abc import Iterator
from typing import NamedTuple

# Unit, function and one more byte, CRC.
SHORTEST = 5
LONGEST = 256
_FUNCTIONS = (3, 4)


class Frame(NamedTuple):
    """Who sent what; `answer` begins with the function code."""

    unit_id: int
    answer: bytes


def _table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        yield value


_TABLE = tuple(_table())


def crc(data: bytes) -> bytes:
    """The two bytes that follow this data."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def framed(unit_id: int, asked: bytes) -> bytes:
    """A request as it is sent."""
    data = bytes([unit_id]) + asked
    return data + crc(data)


def cut(heard: bytes) -> tuple[list[Frame], bytes]:
    """The whole answers in what was heard, and what may still become one.

    Noise, an echo of one's own request and frames whose CRC is wrong are passed over.
    """
    frames, at, done = [], 0, 0
    while at + SHORTEST <= len(heard):
        length = _length(heard, at)
        end = at + (length or 0)
        if length and end <= len(heard) and crc(heard[at : end - 2]) == heard[end - 2 : end]:
            frames.append(Frame(heard[at], heard[at + 1 : end - 2]))
            at = done = end
        else:
            at += 1
    return frames, heard[max(done, len(heard) - LONGEST) :]


def _length(heard: bytes, at: int) -> int | None:
    """How long an answer that begins here would be; None if none does."""
    function, count = heard[at + 1], heard[at + 2]
    if function & 0x80:
        return SHORTEST if function & 0x7F in _FUNCTIONS else None
    # An odd count is no answer: requests for registers 0x0300 to 0x03ff look so in an echo.
    return SHORTEST + count if function in _FUNCTIONS and count and count % 2 == 0 else None
