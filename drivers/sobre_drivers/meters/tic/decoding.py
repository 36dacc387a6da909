"""Bytes of the télé-information client → frames of groups, of which none has a wrong checksum.

Enedis-NOI-CPT_54E. A frame is STX, groups, ETX; a group is LF, fields and a checksum, CR. Older
recorders lose the LF or the CR, noise loses more: a group that does not add up is left out, and a
frame that is not whole is no frame.
"""

import re
from dataclasses import dataclass
from typing import Literal

from sobre_drivers.meters.parity import seven_bits

Mode = Literal["historique", "standard"]

STX, ETX, EOT = 0x02, 0x03, 0x04
# The longest frame (standard, three phase, producer) is not half as long.
MAX_FRAME = 8192

_LINES = re.compile(rb"[\r\n]+")
_TEXT = re.compile(rb"[\x20-\x7e\t]+")
_HORODATE = re.compile(r"[ EHeh]\d{12}")


@dataclass(frozen=True, slots=True)
class Group:
    """One thing that the meter says; `horodate` is its own local time of it, as it wrote it."""

    label: str
    data: str
    mode: Mode
    horodate: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame; `rejected` groups did not add up."""

    groups: tuple[Group, ...]
    rejected: int = 0

    def said(self, label: str) -> str | None:
        """What the meter says under a label; None if it does not, or says two things."""
        found = {group.data for group in self.groups if group.label == label}
        return found.pop() if len(found) == 1 else None

    @property
    def mode(self) -> Mode | None:
        """The mode that its groups are in; None if it has none, or of both."""
        found = {group.mode for group in self.groups}
        return found.pop() if len(found) == 1 else None


class Frames:
    """Cuts a stream of bytes into frames, however it comes in pieces."""

    def __init__(self) -> None:
        self._body: bytearray | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end within these bytes."""
        found = []
        for byte in seven_bits(data):
            if byte == STX:
                self._body = bytearray()
            elif self._body is None:
                continue
            elif byte == ETX:
                found.append(frame(bytes(self._body)))
                self._body = None
            elif byte == EOT or len(self._body) >= MAX_FRAME:
                # The meter breaks off a frame when it is itself spoken to.
                self._body = None
            else:
                self._body.append(byte)
        return found


def frame(body: bytes) -> Frame:
    """What stands between STX and ETX."""
    lines = [line for line in _LINES.split(body) if line]
    groups = [found for line in lines if (found := group(line)) is not None]
    return Frame(tuple(groups), len(lines) - len(groups))


def group(line: bytes) -> Group | None:
    """A group without its LF and CR; None if it is none, or its checksum is wrong."""
    if len(line) < 5 or not _TEXT.fullmatch(line):
        return None
    standard = b"\t" in line
    separator = line[-2:-1]
    if separator != (b"\t" if standard else b" "):
        return None
    # The last separator is covered in standard mode, and is not in historique.
    if line[-1] != checksum(line[:-1] if standard else line[:-2]):
        return None
    text = line[:-2].decode("ascii")
    if not standard:
        label, space, data = text.partition(" ")
        return Group(label, data, "historique") if label and space else None
    label, *fields = text.split("\t")
    if not label or len(fields) not in (1, 2):
        return None
    if len(fields) == 1:
        return Group(label, fields[0], "standard")
    return (
        Group(label, fields[1], "standard", fields[0]) if _HORODATE.fullmatch(fields[0]) else None
    )


def checksum(covered: bytes) -> int:
    """The character that makes a group add up."""
    return (sum(covered) & 0x3F) + 0x20
