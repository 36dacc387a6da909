"""Modbus RTU: meters on one serial line, or behind a gateway that hands its bytes through.

Answers carry no number. One that comes after its time-out looks like the answer to the next request
of the same length, so after a time-out that meter is asked for a register more: whoever answers in
turn, and answers that, will not answer the old request any more.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.modbus import pdu, rtu_frames
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.patience import Down, Patience
from sobre_drivers.meters.modbus.profile import MAX_REGISTERS

# Silence between frames, in characters; above 19200 Bd a fixed time (Serial Line V1.02, 2.5.1.1).
_SILENCE_CHARACTERS = 3.5
_SILENCE_S = 0.00175
_FAST_CHARACTER_S = 11 / 19200
# No gateway holds an answer back for longer (s).
LATE_S = 60.0

log = logging.getLogger(__name__)


class Channel(Protocol):
    """Carries bytes: `sobre_drivers.meters.serial_port`, or `sobre_drivers.meters.modbus.stream`.

    `character_s` is 0 where nobody knows it.
    """

    @property
    def character_s(self) -> float: ...

    @property
    def is_open(self) -> bool: ...

    def open(self) -> None: ...

    def read(self, within_s: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class RtuLine:
    """One request at a time, to one meter at a time.

    After `deaf_s` without a byte from anybody, the channel is opened anew.
    """

    def __init__(
        self,
        channel: Channel,
        where: str,
        deaf_s: float,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.where = where
        self._now_s = now_s
        self._channel, self._deaf_s = channel, deaf_s
        self._lock = threading.Lock()
        self._down, self._patience = Down(), Patience()
        self._heard_s = self._now_s()
        # Requests without an answer, by unit id: when, function and count.
        self._unanswered: dict[int, list[tuple[float, int, int]]] = {}
        self._late: set[int] = set()
        self._deaf = False

    def share(self, unit_id: int) -> None:
        """Say that a meter with this unit id is read over this line."""
        self._patience.units.add(unit_id)

    def read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        """The words of a block. Refused if the meter says no, MeterError if it does not answer."""
        with self._lock:
            self._down.check(unit_id)
            kept = self._open(unit_id)
            try:
                return self._read(unit_id, block, timeout_s)
            except MeterError:
                if not kept or self._channel.is_open:
                    raise
            # It ended while nobody was asked, or just now; perhaps it is there again.
            self._open(unit_id)
            return self._read(unit_id, block, timeout_s)

    def close(self) -> None:
        """Give the channel back; the next read opens it again."""
        with self._lock:
            self._channel.close()

    def _read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        asked = self._unmistakable(unit_id, block)
        try:
            found = self._exchanged(unit_id, asked, timeout_s)
        except pdu.Refused as refusal:
            if asked == block or refusal.code not in pdu.TOO_MUCH:
                raise pdu.Refused(block, refusal.code) from refusal
            # It lacks the register more, and has answered in turn all the same.
            self._unanswered.pop(unit_id, None)
            found = ()
        if len(found) < block.count:
            found = self._exchanged(unit_id, block, timeout_s)
        return found[: block.count]

    def _unmistakable(self, unit_id: int, block: Block) -> Block:
        """The block in a length that no unanswered request of this meter has, longer if can be."""
        now_s = self._now_s()
        waiting = [each for each in self._unanswered.get(unit_id, ()) if now_s - each[0] < LATE_S]
        self._unanswered[unit_id] = waiting
        taken = {count for _, function, count in waiting if function == block.function}
        longer = range(block.count, min(MAX_REGISTERS, 0x10000 - block.address) + 1)
        for count in (*longer, *range(block.count - 1, 0, -1)):
            if count not in taken:
                return Block(block.function, block.address, count)
        raise MeterError("too many answers are due that may come late; raise timeout_s")

    def _open(self, unit_id: int) -> bool:
        """Whether it was open, if it is now."""
        if self._deaf:
            self._channel.close()
        self._deaf, kept = False, self._channel.is_open
        try:
            self._channel.open()
        except MeterError as error:
            self._down.note(unit_id, str(error))
            raise
        self._down.end()
        return kept

    def _exchanged(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        waits_s = self._patience.timeout_s(unit_id, timeout_s, self._now_s())
        self._fall_quiet(timeout_s)
        asked_s = self._now_s()
        waiting = self._unanswered.setdefault(unit_id, [])
        waiting.append((asked_s, block.function, block.count))
        self._channel.write(rtu_frames.framed(unit_id, pdu.request(block)))
        # Request and answer take their time on the wire, before and after the meter takes its own.
        wire_s = (13 + 2 * block.count) * self._channel.character_s
        deadline_s = asked_s + wire_s + waits_s
        heard, strange = b"", ""
        while (left_s := deadline_s - self._now_s()) > 0:
            heard += self._hear(left_s)
            frames, heard = rtu_frames.cut(heard)
            for frame in frames:
                if frame.unit_id != unit_id:
                    strange = f"unit {frame.unit_id} spoke"
                elif self._answers(block, frame.answer):
                    self._patience.answered(unit_id, self._now_s() - asked_s - wire_s)
                    # A refusal may be that of an older request; words in this length may not.
                    waiting.pop()
                    found = pdu.words(block, frame.answer)
                    waiting.clear()
                    return found
                else:
                    strange = strange or _described(block, frame.answer)
                    self._note_late(unit_id, frame.answer)
        self._time_out(unit_id, asked_s)
        if heard and not strange:
            strange = "noise"
        raise MeterError(
            f"no valid answer within {waits_s:g} s{f' ({strange})' if strange else ''}; check unit "
            "id, wiring, baud_rate and parity"
        )

    def _answers(self, block: Block, answer: bytes) -> bool:
        return answer[0] == block.function | 0x80 or (
            answer[0] == block.function and answer[1] == 2 * block.count
        )

    def _time_out(self, unit_id: int, asked_s: float) -> None:
        self._patience.silent(unit_id)
        now_s = self._now_s()
        self._deaf = self._heard_s < asked_s and now_s - self._heard_s >= self._deaf_s

    def _fall_quiet(self, within_s: float) -> None:
        """Throw away what still comes, until there is the silence that parts two frames."""
        character_s = self._channel.character_s
        silence_s = _SILENCE_CHARACTERS * character_s
        if 0 < character_s < _FAST_CHARACTER_S:
            silence_s = _SILENCE_S
        deadline_s = self._now_s() + within_s
        thrown = b""
        while more := self._hear(max(0.0, self._heard_s + silence_s - self._now_s())):
            thrown += more
            frames, thrown = rtu_frames.cut(thrown)
            for frame in frames:
                self._note_late(frame.unit_id, frame.answer)
            if self._now_s() > deadline_s:
                raise MeterError(
                    "the line never falls quiet; is another master on it, or baud_rate wrong?"
                )

    def _hear(self, within_s: float) -> bytes:
        heard = self._channel.read(within_s)
        if heard:
            self._heard_s = self._now_s()
        return heard

    def _note_late(self, unit_id: int, answer: bytes) -> None:
        """An answer that nobody waits for: that request, and those before it, are answered."""
        waiting = self._unanswered.get(unit_id, [])
        for index, (_, function, count) in enumerate(waiting):
            if function == answer[0] and 2 * count == answer[1]:
                del waiting[: index + 1]
                break
        else:
            return
        if unit_id not in self._late:
            self._late.add(unit_id)
            log.warning(
                "%s, unit %d: answers come after their time-out and are thrown away; raise "
                "timeout_s",
                self.where,
                unit_id,
            )


def _described(block: Block, answer: bytes) -> str:
    registers = 0 if answer[0] & 0x80 else answer[1] // 2
    return (
        f"asked for {block.count} registers by function {block.function}, given {registers} by "
        f"function {answer[0] & 0x7F}"
    )
