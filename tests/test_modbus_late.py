"""An answer that comes after its time-out is never taken for the next one (R17).

Neither a serial line nor RTU over TCP numbers its answers.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from meters.bus import Asked, Bus, FarEnd, answered, checked
from meters.bus_gateway import HOST, Gateway
from meters.pseudo import Adapter
from sobre_drivers.errors import MeterError
from sobre_drivers.meters.modbus import rtu
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.rtu import Channel, RtuLine
from sobre_drivers.meters.modbus.stream import Stream
from sobre_drivers.meters.serial_port import SerialPort

FAST_S = 0.3


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "port") as made:
        yield made


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as made:
        yield made


class Numbered:
    """Answers with the number of the request in each register; the test says which come late."""

    def __init__(self, adapter: Adapter, late: Callable[[Asked], bool]) -> None:
        self._adapter, self._late = adapter, late
        self.held: list[bytes] = []

    def __call__(self, asked: Asked) -> bytes | None:
        made = answered(asked, [asked.number] * asked.count)
        if self._late(asked):
            self.held.append(made)
            return None
        # What is late comes before the answer to this request, and after it was sent.
        before, self.held = b"".join(self.held), []
        return before + made


def line_of(adapter: Adapter) -> RtuLine:
    return RtuLine(SerialPort(adapter.path, 9600, "even"), adapter.path, 30.0)


BLOCK = Block(4, 12, 2)


def test_an_answer_that_comes_during_the_next_request_is_not_taken_for_it(
    adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    answers = Numbered(adapter, lambda asked: asked.number == 1)
    line = line_of(adapter)
    with Bus(adapter, {1: answers}) as bus:
        with pytest.raises(MeterError, match="no valid answer"):
            line.read(1, BLOCK, FAST_S)
        assert line.read(1, BLOCK, 5.0) == [2, 2]
        assert line.read(1, BLOCK, 5.0) == [3, 3]
    line.close()
    assert [each.count for each in bus.asked] == [2, 3, 2], "one register more tells them apart"
    (said,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert "unit 1: answers come after their time-out" in said


def test_an_answer_to_a_request_of_the_connection_before_is_not_taken(gateway: Gateway) -> None:
    def answer(asked: Asked) -> list[int] | None:
        if asked.number == 2:
            # The connection ends with the request under way; its answer comes on the next one.
            gateway.hang_up()
            return None
        if asked.number == 3:
            gateway.send(answered(Asked(2, 1, 4, 12, 2), [2, 2]))
        return [asked.number] * asked.count

    line = RtuLine(Stream(HOST, gateway.port, 5.0), "line", 0.0)
    with Bus(gateway, {1: answer}):
        assert line.read(1, BLOCK, 5.0) == [1, 1]
        assert line.read(1, BLOCK, 5.0) == [3, 3]
    line.close()


def test_an_answer_that_came_in_between_is_thrown_away(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Even where nothing is known of the request that it answers.
    monkeypatch.setattr(rtu, "LATE_S", 0.0)
    held: list[Asked] = []

    def answer(asked: Asked) -> list[int] | None:
        held.append(asked)
        return None if asked.number == 1 else [2, 2]

    line = line_of(adapter)
    with Bus(adapter, {1: answer}):
        with pytest.raises(MeterError, match="no valid answer"):
            line.read(1, BLOCK, FAST_S)
        adapter.send(answered(held[0], [1, 1]))
        assert line.read(1, BLOCK, 5.0) == [2, 2]
    line.close()


def test_a_meter_that_lacks_the_register_more_is_read_all_the_same(adapter: Adapter) -> None:
    answers = Numbered(adapter, lambda asked: asked.number == 1)

    def answer(asked: Asked) -> bytes | None:
        made = answers(asked)
        if made is None or asked.count == 2:
            return made
        late = made[: len(made) - 5 - 2 * asked.count]
        return late + checked(1, b"\x84\x02")

    line = line_of(adapter)
    with Bus(adapter, {1: answer}):
        with pytest.raises(MeterError, match="no valid answer"):
            line.read(1, BLOCK, FAST_S)
        assert line.read(1, BLOCK, 5.0) == [3, 3]
    line.close()


def test_a_late_answer_at_the_longest_request_is_told_apart_too(adapter: Adapter) -> None:
    answers = Numbered(adapter, lambda asked: asked.number == 1)
    line = line_of(adapter)
    with Bus(adapter, {1: answers}) as bus:
        with pytest.raises(MeterError, match="no valid answer"):
            line.read(1, Block(4, 0, 125), FAST_S)
        assert line.read(1, Block(4, 0, 125), 5.0) == [3] * 125
    line.close()
    assert [each.count for each in bus.asked] == [125, 124, 125]


class Counting:
    """A channel that counts what is sent."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def write(self, data: bytes) -> None:
        self.sent += 1
        self._channel.write(data)


@pytest.mark.parametrize("over", ["serial", "tcp"])
def test_a_meter_that_is_always_just_too_late_never_gives_anothers_value(
    over: str, adapter: Adapter, gateway: Gateway
) -> None:
    """Each answer comes when the next request is under way, and says for which one it was made."""
    timeout_s = 0.05
    far: FarEnd = adapter if over == "serial" else gateway
    inner = SerialPort(adapter.path, 9600) if over == "serial" else Stream(HOST, gateway.port, 5.0)
    channel = Counting(inner)
    line = RtuLine(cast(Channel, channel), "line", 30.0)
    with Bus(far, {1: lambda asked: [asked.number] * asked.count}, delay_s=0.08) as bus:
        for _ in range(30):
            before = channel.sent
            with suppress(MeterError):
                first, second = line.read(1, BLOCK, timeout_s)
                assert first == second > before, "the answer to a request of an earlier call"
    line.close()
    assert len(bus.asked) > 10
