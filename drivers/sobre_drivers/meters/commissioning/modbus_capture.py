"""Registers as a meter sent them: those that a profile uses, or a range that a person names."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import recorded
from sobre_drivers.meters.commissioning.masking import Masks
from sobre_drivers.meters.commissioning.recorded import KeptLine, NotingLine, Words
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.modbus import decoding, points, profile, sunspec
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.driver import Line
from sobre_drivers.meters.modbus.pdu import Refused
from sobre_drivers.meters.modbus.profile import Profile, Serial
from sobre_drivers.sample import Reading

# What a cautious meter answers; where it refuses, one register after another.
_CHUNK = 20
_TEXT = re.compile(rb"[\x20-\x7e]{6,}")
_OTHER = {3: 4, 4: 3}


def record(meter: MeterSettings, folder: Path | None, masks: Masks) -> dict[str, Any]:
    """All that the profile reads; registers in between, which it does not use, are 0."""
    model = profile.read(catalog.find(meter.profile, folder))
    driver, noted = recorded.noting(meter, folder)
    try:
        driver.shown()
        if model.identify is not None:
            place = model.identify
            _tried(
                noted, meter, Block(place.function or model.function, place.address, place.words)
            )
    finally:
        driver.close()
    used, base = _used(model, meter, noted.words)
    words = {
        function: {at: word if (function, at) in used else 0 for at, word in sorted(held.items())}
        for function, held in noted.words.items()
    }
    serial = _serial(model, base, words, masks)
    made = body(words, model.function)
    return made if serial is None else made | {"serial": serial}


def ranged(
    line: Line, meter: MeterSettings, function: int, addresses: Sequence[int], masks: Masks
) -> dict[str, Any]:
    """A range of registers of a meter without a profile; what looks like a text is masked."""
    noted = NotingLine(line)
    for at in range(0, len(addresses), _CHUNK):
        some = addresses[at : at + _CHUNK]
        if not _tried(noted, meter, Block(function, some[0], some[-1] - some[0] + 1)):
            for each in some:
                _tried(noted, meter, Block(function, each, 1))
    words = {each: dict(sorted(held.items())) for each, held in noted.words.items()}
    if not words[function]:
        raise MeterError(
            f"{meter.device}: all of these registers are refused; try the other function"
        )
    for start, run in runs(words[function]).items():
        data = b"".join(word.to_bytes(2, "big") for word in run)
        for found in _TEXT.finditer(data):
            masks.stand_in("text", found[0].decode("ascii").strip())
        text = masks.everywhere(data.decode("latin-1")).encode("latin-1")
        for at in range(len(run)):
            words[function][start + at] = int.from_bytes(text[2 * at : 2 * at + 2], "big")
    return body(words, function)


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Value]]:
    """What a profile reads from a capture."""
    model = profile.read(catalog.find(meter.profile, folder))
    driver = recorded.kept(model, meter, folder, words_of(held))
    return list(driver.read()), driver.shown()


def body(words: Words, function: int) -> dict[str, Any]:
    """The registers as a capture has them: runs in hexadecimal, by their first address."""
    made: dict[str, Any] = {"function": function, "registers": _hexed(words[function])}
    beside = _hexed(words[_OTHER[function]])
    return made | {"beside": beside} if beside else made


def words_of(held: Mapping[str, Any]) -> Words:
    """The registers of a capture; ConfigError names what is wrong with them."""
    function = held.get("function")
    if function not in _OTHER:
        raise ConfigError(f"capture: 'function' is {function!r}; 3 or 4 is needed")
    found: Words = {3: {}, 4: {}}
    for each, key in ((function, "registers"), (_OTHER[function], "beside")):
        for start, text in dict(held.get(key, {})).items():
            try:
                run = [int(word, 16) for word in text.split()]
                found[each].update(enumerate(run, int(start)))
            except (ValueError, AttributeError) as error:
                raise ConfigError(
                    f"capture: {key}.{start} is no run of hexadecimal words"
                ) from error
    return found


def runs(held: Mapping[int, int]) -> dict[int, list[int]]:
    """Neighbouring registers together, by their first address."""
    found: dict[int, list[int]] = {}
    start = last = -2
    for at, word in sorted(held.items()):
        if at != last + 1:
            start = at
            found[start] = []
        found[start].append(word)
        last = at
    return found


def _hexed(held: Mapping[int, int]) -> dict[str, str]:
    return {str(at): " ".join(f"{word:04X}" for word in run) for at, run in runs(held).items()}


def _tried(line: NotingLine, meter: MeterSettings, block: Block) -> bool:
    try:
        line.read(meter.unit_id, block, meter.timeout_s)
    except Refused:
        return False
    return True


def _used(model: Profile, meter: MeterSettings, words: Words) -> tuple[set[tuple[int, int]], int]:
    """The registers that mean something to the profile, and where its addresses count from."""
    used: set[tuple[int, int]] = set()
    base = 0
    if model.sunspec_model is not None:
        chain = NotingLine(KeptLine(words))

        def read(address: int, count: int) -> Sequence[int] | None:
            try:
                return chain.read(meter.unit_id, Block(model.function, address, count), 1.0)
            except Refused:
                return None

        base = sunspec.model_address(read, model.sunspec_model) or 0
        used |= {(function, at) for function, held in chain.words.items() for at in held}
    blocks = points.wanted(model, points.points(model, meter.device), base, shown=True)
    if model.identify is not None:
        place = model.identify
        blocks.append(Block(place.function or model.function, place.address, place.words))
    used |= {(block.function, at) for block in blocks for at in range(block.address, block.end)}
    return used, base


def _serial(model: Profile, base: int, words: Words, masks: Masks) -> str | None:
    """Put a stand-in where the serial number stands; what is then read there."""
    place = model.serial
    told = points.serial(model, words, base)
    if place is None or told is None:
        return None
    stand_in = masks.stand_in("serial number", told)
    function = place.function or model.function
    held = words[function]
    old = [held[base + place.address + at] for at in range(place.length)]
    new = _written(place, stand_in, old, model)
    # It may stand elsewhere too.
    for each in words.values():
        for at in sorted(each):
            if [each.get(at + i) for i in range(len(old))] == old and (
                len(old) > 1 or at == base + place.address
            ):
                each.update(enumerate(new, at))
    return points.serial(model, words, base)


def _written(place: Serial, stand_in: str, old: Sequence[int], model: Profile) -> list[int]:
    if place.type == "text":
        data = b"".join(word.to_bytes(2, "big") for word in old)
        text = decoding.text(old) or ""
        start = data.find(text.encode("ascii"))
        kept = data[:start] + stand_in.encode("ascii") + b"\0" * (len(data) - start - len(text))
        return [int.from_bytes(kept[at : at + 2], "big") for at in range(0, len(kept), 2)]
    number = int(re.sub(r"\D", "", stand_in) or "1")
    found = [number >> 16 * at & 0xFFFF for at in range(place.length)]
    order = place.word_order or model.word_order
    return found if order == "low-first" else found[::-1]
