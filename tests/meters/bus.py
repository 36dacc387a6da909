"""A serial bus of Modbus meters, behind a pseudo-terminal or a socket, that can go wrong.

It speaks RTU by pymodbus's own framing, not by what is tested.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from pymodbus.framer.rtu import FramerRTU

DEADLINE_S = 20.0
REQUEST_BYTES = 8


class FarEnd(Protocol):
    """What bytes go through: `meters.pseudo.Adapter`, `meters.bus_gateway.Gateway`."""

    def send(self, data: bytes) -> None: ...

    def receive(self, within_s: float) -> bytes: ...


@dataclass(frozen=True)
class Asked:
    """A request as it came: the how-manieth of its unit (from 1), and what it wants."""

    number: int
    unit_id: int
    function: int
    address: int
    count: int


# The words to answer with; None: silence; bytes: these instead of an answer.
Answer = Callable[[Asked], list[int] | bytes | None]


def checked(unit_id: int, pdu: bytes) -> bytes:
    """A frame with its check sum."""
    data = bytes([unit_id]) + pdu
    return data + FramerRTU.compute_CRC(data).to_bytes(2, "big")


def answered(asked: Asked, words: list[int]) -> bytes:
    """The frame that holds these words."""
    body = b"".join(word.to_bytes(2, "big") for word in words)
    return checked(asked.unit_id, bytes([asked.function, len(body)]) + body)


@dataclass
class Bus:
    """Answers each request by the unit's `Answer`, one after another, after `delay_s`.

    `done` are the requests that are answered, or never will be.
    """

    line: FarEnd
    units: Mapping[int, Answer]
    delay_s: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    done: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def count(self, unit_id: int) -> int:
        """How often a unit was asked."""
        return sum(each.unit_id == unit_id for each in self.asked)

    def _serve(self) -> None:
        heard = b""
        while not self._closing.is_set():
            try:
                heard += self.line.receive(0.02)
            except (OSError, ValueError):
                # (ValueError: a descriptor that was closed meanwhile.)
                heard = b""
                time.sleep(0.01)
                continue
            while len(heard) >= REQUEST_BYTES:
                frame, heard = heard[:REQUEST_BYTES], heard[REQUEST_BYTES:]
                assert FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))
                self._hear(frame)

    def _hear(self, frame: bytes) -> None:
        unit_id = frame[0]
        place = (frame[1], int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big"))
        asked = Asked(self.count(unit_id) + 1, unit_id, *place)
        self.asked.append(asked)
        try:
            self._answer(asked)
        finally:
            self.done.append(asked)

    def _answer(self, asked: Asked) -> None:
        said = self.units[asked.unit_id](asked) if asked.unit_id in self.units else None
        if said is None:
            return
        self._closing.wait(self.delay_s)
        try:
            self.line.send(said if isinstance(said, bytes) else answered(asked, said))
        except (OSError, ValueError):
            return
