"""Reads a meter by its profile, over whatever line it is reached."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.modbus import points, sunspec
from sobre_drivers.meters.modbus.blocks import Block, merged
from sobre_drivers.meters.modbus.pdu import TOO_MUCH, Refused
from sobre_drivers.meters.modbus.points import Point
from sobre_drivers.meters.modbus.profile import Profile
from sobre_drivers.meters.modbus.readings import Readings
from sobre_drivers.sample import Described, Reading

log = logging.getLogger(__name__)

# Words by function and address.
_Words = dict[int, dict[int, int]]


class Line(Protocol):
    """What one or several meters share: one request at a time."""

    @property
    def where(self) -> str: ...

    def read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        """The words of a block. Refused if the meter says no, MeterError if it does not answer."""
        ...

    def share(self, unit_id: int) -> None:
        """Say that a meter with this unit id is read over this line."""
        ...

    def close(self) -> None:
        """Hang up; the next read connects again."""
        ...


class ModbusDriver:
    """Reads a meter, and all outlets behind it, in as few requests as it allows."""

    def __init__(
        self,
        name: str,
        line: Line,
        unit_id: int,
        timeout_s: float,
        profile: Profile,
        behind: Sequence[Point],
        about: Sequence[Described],
    ) -> None:
        self.name = name
        self._line = line
        self._unit_id, self._timeout_s = unit_id, timeout_s
        line.share(unit_id)
        self._profile = profile
        self._points = behind
        self._readings = Readings(profile, behind, about)
        self._about = about
        self._base: int | None = None if profile.sunspec_model is not None else 0
        self._plans: dict[tuple[int, bool], list[tuple[Block, list[Block]]]] = {}
        self._refused: set[Block] = set()
        self._wrong: frozenset[str] = frozenset()
        self._cut: set[Block] = set()

    def describe(self) -> Sequence[Described]:
        """The meter's devices: itself, its outlets, its phases."""
        return self._about

    def read(self) -> Sequence[Reading]:
        """What each device shows; MeterError if the meter could not be read at all."""
        picture, base, refusals = self._picture(shown=False)
        made, wrong = self._readings.of(picture, base, time.monotonic())
        if all(each.register_uj is None and each.power_w is None for each in made):
            if refusals:
                raise MeterError(f"{self._subject}: {refusals[0]}") from refusals[0]
            finding = next(iter(wrong.values()), "it answers, and says that it has no value; wait")
            raise MeterError(f"{self._subject}: {finding}")
        self._say_once(refusals)
        self._doubt_once(wrong)
        return made

    def shown(self) -> list[Value]:
        """All values of the profile as they are now; MeterError as for `read`."""
        picture, base, refusals = self._picture(shown=True)
        made = points.values(self._profile, self._points, picture, base)
        if refusals and all(each.value is None for each in made):
            raise MeterError(f"{self._subject}: {refusals[0]}") from refusals[0]
        return made

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _picture(self, *, shown: bool) -> tuple[_Words, int, list[Refused]]:
        picture: _Words = {3: {}, 4: {}}
        refusals: list[Refused] = []
        try:
            base = self._found_base()
            for block, pieces in self._plan(base, shown):
                refusals += self._take(block, pieces, picture)
        except MeterError as error:
            # A device that comes back may have been given other firmware, and another map.
            self._base = None if self._profile.sunspec_model is not None else 0
            raise MeterError(f"{self._subject}: {error}") from error
        return picture, base, refusals

    def _plan(self, base: int, shown: bool) -> list[tuple[Block, list[Block]]]:
        """The requests of a round, and what each is made of."""
        if (base, shown) not in self._plans:
            profile = self._profile
            wanted = set(points.wanted(profile, self._points, base, shown=shown))
            self._plans[base, shown] = [
                (block, [] if block in wanted else sorted(each for each in wanted if each in block))
                for block in merged(wanted, profile.max_registers, profile.max_gap)
            ]
        return self._plans[base, shown]

    def _take(self, block: Block, pieces: Sequence[Block], picture: _Words) -> list[Refused]:
        if block not in self._cut:
            try:
                words = self._line.read(self._unit_id, block, self._timeout_s)
            except Refused as error:
                if not pieces or error.code not in TOO_MUCH:
                    return [error]
                self._cut.add(block)
            else:
                picture[block.function].update(enumerate(words, block.address))
                return []
        return [refusal for piece in pieces for refusal in self._take(piece, (), picture)]

    def _found_base(self) -> int:
        if self._base is None:
            model = self._profile.sunspec_model or 0
            self._base = sunspec.model_address(self._read_or_none, model)
        if self._base is None:
            raise MeterError(
                f"no SunSpec model {model} found; is it enabled, and the unit id right?"
            )
        return self._base

    def _read_or_none(self, address: int, count: int) -> Sequence[int] | None:
        try:
            block = Block(self._profile.function, address, count)
            return self._line.read(self._unit_id, block, self._timeout_s)
        except Refused:
            return None

    def _say_once(self, refusals: Sequence[Refused]) -> None:
        blocks = {refusal.block for refusal in refusals}
        if blocks - self._refused:
            more = f" (and {len(blocks) - 1} more)" if len(blocks) > 1 else ""
            log.warning("%s: %s%s", self._subject, refusals[0], more)
        self._refused = blocks

    def _doubt_once(self, wrong: Mapping[str, str]) -> None:
        """Name what is nonsense when it begins, and when it ends."""
        devices = frozenset(wrong)
        if devices - self._wrong:
            first = min(devices - self._wrong)
            more = f" (and {len(devices) - 1} more)" if len(devices) > 1 else ""
            log.warning("%s: %s%s", first, wrong[first], more)
        elif self._wrong and not devices:
            log.info("%s: all values can be again", self._subject)
        self._wrong = devices

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._line.where}, unit {self._unit_id})"
