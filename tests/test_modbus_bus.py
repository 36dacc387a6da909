"""A bus of 32 meters at 9600 Bd, two of them dead: the others keep their cadence (R16).

The line is a real pseudo-terminal; how long everything takes on it is reckoned, not waited for.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from meters.bus import Asked, Bus
from meters.pseudo import Adapter
from sobre_agent.schedule import Group
from sobre_agent.silence import Silence
from sobre_agent.sources import Source
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import MeterSettings, SerialLine
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.modbus import patience
from sobre_drivers.meters.modbus.rtu import RtuLine
from sobre_drivers.meters.serial_port import SerialPort
from sobre_drivers.sample import Instant

START_S = 1_790_000_000.0
UNITS = range(1, 33)
DEAD = (7, 20)
PERIOD_S = 10.0
RUN_S = 900.0
# From a request to the first byte of its answer, as such meters and an adapter take it.
TURNAROUND_S = 0.06
SDM120_REQUESTS = 2


class Reckoned(SerialPort):
    """A serial port whose time passes as it would at its baud rate."""

    def __init__(self, path: str) -> None:
        super().__init__(path, 9600, "even")
        self.at_s = 0.0
        self.sent = self.answered = 0
        self.bus: Bus | None = None

    def now(self) -> Instant:
        return Instant(START_S + self.at_s, self.at_s, self.at_s)

    def write(self, data: bytes) -> None:
        self.sent += 1
        self.at_s += len(data) * self.character_s + TURNAROUND_S
        super().write(data)

    def read(self, within_s: float) -> bytes:
        assert self.bus is not None
        while True:
            done = len(self.bus.done) == self.sent and not self._due(self.bus)
            heard = super().read(0.0 if done else 0.005)
            if heard:
                self.answered = self.sent
            if heard or done:
                break
        self.at_s += len(heard) * self.character_s if heard else within_s
        return heard

    def _due(self, bus: Bus) -> bool:
        """Whether the answer to the last request is still in the pseudo-terminal."""
        return self.answered < self.sent and bus.asked[-1].unit_id in bus.units


def answer(asked: Asked) -> list[int]:
    return [0x4282, 0x8000] * (asked.count // 2) + [0] * (asked.count % 2)


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "port") as made:
        yield made


def sources(line: RtuLine, path: str) -> list[Source]:
    lines: Lines = {("modbus", path): (line, (9600, "even", 1))}
    made = []
    serial = SerialLine(9600, "even", 1)
    for unit in UNITS:
        name = f"m{unit:02d}"
        meter = MeterSettings(name, "eastron-sdm120", serial_port=path, unit_id=unit, serial=serial)
        driver = catalog.driver_for(meter, lines=lines)
        made.append(Source(meter.device, driver, PERIOD_S, "minute", path))
    return made


def test_two_dead_meters_of_a_bus_cost_the_others_no_round(
    adapter: Adapter, caplog: pytest.LogCaptureFixture
) -> None:
    port = Reckoned(adapter.path)
    line = RtuLine(port, adapter.path, 30.0, lambda: port.at_s)
    heard: dict[str, list[bool]] = {}
    silence = Silence(ZoneInfo("Europe/Paris"))
    group = Group(sources(line, adapter.path), port)
    with Bus(adapter, {unit: answer for unit in UNITS if unit not in DEAD}) as port.bus:
        while group.due_s() < RUN_S:
            port.at_s = max(port.at_s, group.due_s())
            said = group.ask()
            silence.note(said)
            heard.setdefault(said.source.name, []).append(said.problem is None)
    line.close()
    dead = {f"m{unit:02d}" for unit in DEAD}
    alive = {name: rounds for name, rounds in heard.items() if name not in dead}
    assert {len(rounds) for rounds in alive.values()} == {RUN_S / PERIOD_S}
    assert all(all(rounds) for rounds in alive.values())
    for name in dead:
        assert not any(heard[name])
        # It is retried as long as it is dead, and more and more rarely.
        assert RUN_S / 60 <= len(heard[name]) <= RUN_S / PERIOD_S / 2
    warned = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert sorted(each.split()[0] for each in warned) == sorted(dead)


def test_who_is_silent_gets_all_its_time_now_and_then() -> None:
    made = patience.Patience({1, 2, 3})
    made.answered(1, 0.1)
    whole: dict[int, list[float]] = {1: [], 2: [], 3: []}
    for now_s in range(0, 600, 10):
        for unit, times in whole.items():
            if made.timeout_s(unit, 3.0, float(now_s)) == 3.0:
                times.append(now_s)
            if unit != 1:
                made.silent(unit)
    assert len(whole[1]) == 60, "who answers has its whole time always"
    assert all(5 <= len(whole[unit]) <= 15 for unit in (2, 3))
    assert not set(whole[2]) & set(whole[3]), "and never two of the silent in one round"


def test_a_slow_meter_that_falls_silent_is_waited_for_as_long_as_it_is_slow() -> None:
    made = patience.Patience({1, 2})
    made.answered(1, 0.8)
    assert made.timeout_s(1, 3.0, 0.0) == 3.0
    made.silent(1)
    assert made.timeout_s(1, 3.0, 0.0) == 3.0
    made.silent(1)
    assert made.timeout_s(1, 3.0, 1.0) == pytest.approx(2.4)
    made.answered(1, 0.2)
    assert made.timeout_s(1, 3.0, 2.0) == 3.0


def test_a_meter_alone_on_its_line_has_all_its_time() -> None:
    made = patience.Patience({1})
    made.silent(1)
    assert {made.timeout_s(1, 3.0, now_s) for now_s in (0.0, 1.0, 2.0)} == {3.0}
