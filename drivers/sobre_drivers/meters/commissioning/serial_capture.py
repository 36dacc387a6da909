"""What a billing meter says by itself, with the numbers that name its customer replaced.

Checksums are made anew, so that a reader takes the rest as it came. What does not add up is left
out: a customer's number with one wrong bit is still that customer's.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import serial_scan
from sobre_drivers.meters.commissioning.masking import Masks
from sobre_drivers.meters.commissioning.serial_scan import Setting
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.p1 import decoding as p1
from sobre_drivers.meters.p1 import kind as p1_kind
from sobre_drivers.meters.p1 import meaning as p1_meaning
from sobre_drivers.meters.parity import seven_bits
from sobre_drivers.meters.tic import decoding as tic
from sobre_drivers.meters.tic import kind as tic_kind
from sobre_drivers.meters.tic import meaning as tic_meaning
from sobre_drivers.sample import Reading

# Enedis-NOI-CPT_54E: the meter's address, the delivery point, messages to the customer.
_NAMING = frozenset({"ADCO", "ADSC", "PRM", "MSG1", "MSG2"})
_FRAME = re.compile(rb"\x02([^\x02\x03\x04]*)\x03")
_GROUP = re.compile(rb"[^\r\n]+")
# OBIS 0-n:96.1.x and 42.0.0 are equipment, 96.13.x messages; what else is this long in hexadecimal
# and no date is an identity too.
_TELEGRAM = re.compile(rb"/[^/!]*!([0-9A-Fa-f]{0,4})\r?\n")
_OBJECT = re.compile(r"(\d+-\d+:(\d+)\.(\d+)\.\d+)((?:\([^()\r\n]*\))+)")
_NAME = re.compile(r"[0-9A-Fa-f]{8,}")
_VERSION = ("0-0:96.1.4", "1-3:0.2.8")


def record(
    meter: MeterSettings, folder: Path | None, masks: Masks, listen_s: float
) -> dict[str, Any]:
    """Whole frames or telegrams, masked; MeterError if none came within `listen_s`."""
    path = catalog.find(meter.profile, folder)
    telegrams = catalog.about(path).protocol == "p1"
    settings = _settings(path, telegrams, meter)
    for setting in settings:
        pieces = serial_scan.heard(meter.serial_port, setting, listen_s, serial_scan.SILENCE_S)
        data = b"".join(pieces)
        text = (telegrams_masked if telegrams else frames_masked)(data, masks)
        if text:
            return {"bytes": text}
    what = "telegram" if telegrams else "frame"
    raise MeterError(
        f"{meter.device} ({meter.serial_port}): no whole {what} that adds up within {listen_s:g} s;"
        " see `sobre-agent meters scan --serial-port`"
    )


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Value]]:
    """What a profile reads from a capture: the last frame or telegram that tells all."""
    text = held.get("bytes")
    if not isinstance(text, str):
        raise ConfigError("capture: 'bytes' is missing, or no text")
    data = text.encode("latin-1", "replace")
    path = catalog.find(meter.profile, folder)
    found: tuple[list[Reading], list[Value]] | None = None
    if catalog.about(path).protocol == "p1":
        bits: Literal[7, 8] = 7 if p1_kind.read(path).line == "9600-7E1" else 8
        for telegram in p1.Telegrams(bits).feed(data):
            told = p1_meaning.reading(meter.device, telegram)
            found = (
                found if told is None else ([told], list(p1_meaning.values(meter.device, telegram)))
            )
    else:
        for frame in tic.Frames().feed(data):
            told = tic_meaning.reading(meter.device, frame)
            found = (
                found if told is None else ([told], list(tic_meaning.values(meter.device, frame)))
            )
    if found is None:
        raise MeterError(f"{meter.device}: nothing in this capture tells its energy")
    return found


def frames_masked(data: bytes, masks: Masks) -> str:
    """Whole frames of télé-information whose groups add up."""
    made = []
    for frame in _FRAME.finditer(seven_bits(data)):
        groups = [_group_masked(each, masks) for each in _GROUP.findall(frame[1])]
        kept = [each for each in groups if each is not None]
        if kept:
            made.append("\x02" + "".join(f"\n{each}\r" for each in kept) + "\x03")
    return masks.everywhere("".join(made)) if made else ""


def telegrams_masked(data: bytes, masks: Masks) -> str:
    """Whole telegrams of a P1 port whose CRC is right, with a new one."""
    made = []
    for found in _TELEGRAM.finditer(data):
        telegram = p1.telegram(found[0])
        if telegram is None:
            continue
        text = found[0][: found[0].rindex(b"!") + 1].decode("latin-1")
        text = _OBJECT.sub(lambda each: _object_masked(each, masks), text)
        crc = f"{p1.crc16(text.encode('latin-1')):04X}" if telegram.checked else ""
        made.append(f"{text}{crc}\r\n")
    return "".join(made)


def _group_masked(line: bytes, masks: Masks) -> str | None:
    told = tic.group(line)
    if told is None:
        return None
    text = line.decode("ascii")
    if told.label not in _NAMING or not told.data.strip():
        return text
    separator = text[-2]
    start = text[:-2]
    assert start.endswith(told.data)
    kind = "message" if told.label.startswith("MSG") else "customer"
    start = start.removesuffix(told.data) + masks.stand_in(kind, told.data)
    covered = start + separator if told.mode == "standard" else start
    return start + separator + chr(tic.checksum(covered.encode("ascii")))


def _object_masked(found: "re.Match[str]", masks: Masks) -> str:
    reference, group, item, values = found[1], int(found[2]), int(found[3]), found[4]
    if reference in _VERSION:
        return found[0]
    naming = (group == 96 and item in (1, 13)) or group == 42
    made = []
    for value in values[1:-1].split(")("):
        if value and "*" not in value and (naming or _NAME.fullmatch(value)):
            # In the shape of digits, so that it is one of hexadecimal still.
            made.append(_digits(value, masks))
        else:
            made.append(value)
    return f"{reference}({')('.join(made)})"


def _digits(value: str, masks: Masks) -> str:
    stand_in = masks.stand_in("equipment", value)
    return re.sub("[A-Za-z]", "0", stand_in)


def _settings(path: Path, telegrams: bool, meter: MeterSettings) -> Iterable[Setting]:
    line = meter.serial
    if telegrams:
        old = p1_kind.read(path).line == "9600-7E1"
        made: tuple[Setting, ...] = (
            Setting(9600, "even", 7) if old else Setting(115200, "none", 8),
        )
    else:
        by_mode = {"historique": (1200,), "standard": (9600,), "auto": (9600, 1200)}
        made = tuple(Setting(rate, "even", 7) for rate in by_mode[tic_kind.read(path).mode])
    if line.baud_rate is not None:
        return (made[0]._replace(baud_rate=line.baud_rate),)
    return made
