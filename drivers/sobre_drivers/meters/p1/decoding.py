"""Bytes of a P1 port → telegrams whose CRC is right.

DSMR 5.0.2 P1 Companion Standard: `/`, an identification, an empty line, one OBIS reference a line,
`!`, from version 4 on the CRC, an end of line. Half telegrams and what noise touched are left out.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sobre_drivers.meters.parity import seven_bits

# The longest in the field, with a history of thirteen monthly peaks, has not half as many.
MAX_TELEGRAM = 16384

_LINE = re.compile(r"(\d+-\d+:\d+\.\d+\.\d+)(?:\.255)?((?:\([^()]*\))+)")
_END = re.compile(rb"(?:^|[\r\n])!([^\r\n]*)[\r\n]")
_CRC = re.compile(rb"[0-9A-Fa-f]{1,4}")
# Who states a version has a CRC too: DSMR 4 and 5, and the Belgian e-MUCS.
_VERSIONS = ("1-3:0.2.8", "0-0:96.1.4")
_POLYNOMIAL = 0xA001


@dataclass(frozen=True, slots=True)
class Telegram:
    """What a meter said: the values behind each OBIS reference, as it wrote them.

    `checked` says that a CRC vouches for it.
    """

    identification: str
    objects: dict[str, tuple[str, ...]]
    checked: bool


class Telegrams:
    """Cuts a stream of bytes into telegrams, however it comes in pieces; counts what was wrong."""

    def __init__(self, data_bits: Literal[7, 8] = 8) -> None:
        self._received = seven_bits if data_bits == 7 else bytes
        self._rest = b""
        self.rejected = 0

    def feed(self, data: bytes) -> list[Telegram]:
        """The telegrams that end within these bytes."""
        self._rest += self._received(data)
        found = []
        while (end := _END.search(self._rest)) is not None:
            body, self._rest = self._rest[: end.end(1)], self._rest[end.end() :]
            made = telegram(body)
            if made is not None:
                found.append(made)
            else:
                self.rejected += 1
        if len(self._rest) > MAX_TELEGRAM:
            self._rest = b""
        return found


def telegram(body: bytes) -> Telegram | None:
    """The telegram that ends these bytes (at its CRC); None if it is not whole or not right."""
    # One that was broken off may stand before. Neither sign stands within one (IEC 62056-21).
    start, end = body.rfind(b"/"), body.rfind(b"!")
    if not 0 <= start < end:
        return None
    text, crc = body[start : end + 1], body[end + 1 :].strip()
    checked = bool(crc)
    if checked and not (_CRC.fullmatch(crc) and int(crc, 16) == crc16(text)):
        return None
    lines = text.decode("ascii", "replace").splitlines()
    objects: dict[str, tuple[str, ...]] = {}
    for line in lines[1:]:
        read = _LINE.fullmatch(line.strip())
        if read is not None and objects.setdefault(read[1], _values(read[2])) != _values(read[2]):
            return None
    if not checked and any(version in objects for version in _VERSIONS):
        return None
    return Telegram(lines[0][1:].strip(), objects, checked)


def crc16(data: bytes) -> int:
    """CRC-16/ARC, from `/` to `!` with both."""
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def _step(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


def _values(text: str) -> tuple[str, ...]:
    return tuple(text[1:-1].split(")("))


_TABLE = tuple(map(_step, range(256)))
