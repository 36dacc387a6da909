"""Modbus lines that note what was read, and one that gives it again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Lines, MeterDriver, Value
from sobre_drivers.meters.modbus import points, profile
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.driver import Line, ModbusDriver
from sobre_drivers.meters.modbus.lines import line_for
from sobre_drivers.meters.modbus.pdu import Refused
from sobre_drivers.meters.modbus.profile import Profile, Register
from sobre_drivers.meters.modbus.sense import OTHER

R = TypeVar("R", bound=Register)

# Words by function and address.
Words = dict[int, dict[int, int]]
_NO_REGISTER = 2


class NotingLine:
    """Reads over a line, and keeps all words that came by function and address."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.where = line.where
        self.words: Words = {3: {}, 4: {}}

    def read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        """What the line itself gives."""
        words = self._line.read(unit_id, block, timeout_s)
        self.words[block.function].update(enumerate(words, block.address))
        return words

    def share(self, unit_id: int) -> None:
        """The line itself knows."""
        self._line.share(unit_id)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


class KeptLine:
    """Gives words that were read before; what is not there is refused, as the meter would."""

    where = "capture"

    def __init__(self, words: Mapping[int, Mapping[int, int]]) -> None:
        self._words = words

    def read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        """The words of a block; Refused if one of them is not there."""
        held = self._words.get(block.function, {})
        found = [held.get(at) for at in range(block.address, block.end)]
        known = [word for word in found if word is not None]
        if len(known) < block.count:
            raise Refused(block, _NO_REGISTER)
        return known

    def share(self, unit_id: int) -> None:
        """It does not matter."""

    def close(self) -> None:
        """Nothing is held."""


def noting(meter: MeterSettings, folder: Path | None) -> tuple[MeterDriver, NotingLine]:
    """The driver of a Modbus meter, and what notes all words that it reads."""
    model = profile.read(catalog.find(meter.profile, folder))
    lines: Lines = {}
    noted = NotingLine(line_for(meter, model.line, lines))
    (key,) = lines
    lines[key] = (noted, lines[key][1])
    return catalog.driver_for(meter, folder, lines), noted


def kept(model: Profile, meter: MeterSettings, folder: Path | None, words: Words) -> ModbusDriver:
    """A driver that reads what was noted, by `model`."""
    behind = points.points(model, meter.device, meter.outlets)
    about = catalog.describe(meter, folder)
    line = KeptLine(words)
    return ModbusDriver(meter.device, line, meter.unit_id, 1.0, model, behind, about)


def turned(meter: MeterSettings, folder: Path | None, words: Words) -> list[Value]:
    """What the words that were noted say in the other word order."""
    model = profile.read(catalog.find(meter.profile, folder))
    other = replace(
        model,
        word_order=OTHER[model.word_order],
        part=tuple(
            replace(
                part,
                power=part.power and _turned(part.power),
                energy=part.energy and _turned(part.energy),
                shown={name: _turned(each) for name, each in part.shown.items()},
            )
            for part in model.part
        ),
    )
    try:
        return kept(other, meter, folder, words).shown()
    except MeterError:
        return []


def _turned(register: R) -> R:
    if register.word_order is None:
        return register
    return replace(register, word_order=OTHER[register.word_order])
