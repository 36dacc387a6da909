"""An adapter or gateway that is unplugged and plugged in again is read within a minute (R18).

The agent's own schedule runs on a clock that the test turns; the line is real.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from meters.bus import Asked, Bus
from meters.bus_gateway import HOST, Gateway
from meters.pseudo import Adapter
from meters.served import Served, capture
from simulated_meters import START, Turned
from sobre_agent.schedule import Group
from sobre_agent.sources import Source
from sobre_drivers.errors import MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.rtu import RtuLine
from sobre_drivers.meters.serial_port import SerialPort

BACK_WITHIN_S = 60.0
METERS = 5


def well(asked: Asked) -> list[int]:
    return [[0x4282, 0x8000][(asked.address + i) % 2] for i in range(asked.count)]


UNITS = dict.fromkeys(range(1, METERS + 1), well)


class Plug:
    """What all meters are behind: how to reach it, take it away and bring it back."""

    def __init__(
        self, where: dict[str, object], unplug: Callable[[], None], plug: Callable[[], None]
    ) -> None:
        self.where, self.unplug, self.plug = where, unplug, plug


@contextmanager
def adapter(folder: Path) -> Iterator[Plug]:
    with Adapter(folder / "port") as made, Bus(made, UNITS):
        yield Plug({"serial_port": made.path}, made.unplug, made.plug)


@contextmanager
def rtu_gateway(folder: Path) -> Iterator[Plug]:
    with Gateway() as made, Bus(made, UNITS):
        where: dict[str, object] = {"host": HOST, "port": made.port, "framing": "rtu"}
        yield Plug(where, made.stop, made.start)


@contextmanager
def tcp_meter(folder: Path) -> Iterator[Plug]:
    words = capture("eastron-sdm120").words
    served = Served(words, 4)
    with served:
        port = served.port

    def stop() -> None:
        served.__exit__(None, None, None)

    def start() -> None:
        served.__enter__()

    served.port = port
    start()
    yield Plug({"host": HOST, "port": port}, stop, start)
    stop()


PLUGS = {"adapter": (adapter, METERS), "rtu": (rtu_gateway, METERS), "tcp": (tcp_meter, 1)}


@pytest.mark.parametrize("kind", PLUGS)
def test_what_was_unplugged_for_an_hour_is_back_within_a_minute(kind: str, tmp_path: Path) -> None:
    plugged, meters = PLUGS[kind]
    clock, lines = Turned(), Lines()
    with plugged(tmp_path) as plug:
        sources = [source(unit, plug.where, lines) for unit in range(1, meters + 1)]
        group = Group(sources, clock)

        def asked_until(end_s: float) -> dict[str, list[tuple[float, bool]]]:
            heard: dict[str, list[tuple[float, bool]]] = {}
            while (due_s := START - 1000 + group.due_s()) <= end_s:
                clock.at_s = max(clock.at_s, due_s)
                said = group.ask()
                heard.setdefault(said.source.name, []).append((clock.at_s, said.problem is None))
            return heard

        before = asked_until(START + 30)
        plug.unplug()
        away = asked_until(START + 3600)
        plug.plug()
        again = asked_until(START + 3700)
        for each in sources:
            each.driver.close()
    assert len(before) == len(away) == len(again) == meters
    assert all(all(good for _, good in rounds) for rounds in before.values())
    assert not any(any(good for _, good in rounds) for rounds in away.values())
    for rounds in again.values():
        back_s = next(at_s for at_s, good in rounds if good)
        assert back_s - (START + 3600) <= BACK_WITHIN_S
        assert all(good for at_s, good in rounds if at_s > back_s)


def source(unit: int, where: dict[str, object], lines: Lines) -> Source:
    meter = MeterSettings(
        f"m{unit}",
        "eastron-sdm120",
        unit_id=unit,
        timeout_s=2.0,
        **where,  # type: ignore[arg-type]
    )
    driver = catalog.driver_for(meter, lines=lines)
    return Source(meter.device, driver, 10.0, "minute", meter.address)


def test_an_adapter_that_was_away_between_two_rounds_costs_none(tmp_path: Path) -> None:
    with adapter(tmp_path) as plug:
        made = source(1, plug.where, Lines())
        first = made.driver.read()
        plug.unplug()
        plug.plug()
        assert made.driver.read() == first
        made.driver.close()


def test_a_line_on_which_nobody_is_heard_is_opened_anew(tmp_path: Path) -> None:
    """The path leads to another adapter by now, and nothing tells so."""
    link = tmp_path / "link"
    with Adapter(tmp_path / "old") as old, Adapter(tmp_path / "new") as new, Bus(new, UNITS):
        link.symlink_to(old.path)
        line = RtuLine(SerialPort(str(link), 9600), "line", 0.0)
        with pytest.raises(MeterError, match="no valid answer"):
            line.read(1, Block(4, 12, 2), 0.05)
        link.unlink()
        link.symlink_to(new.path)
        assert line.read(1, Block(4, 12, 2), 5.0) == [0x4282, 0x8000]
        line.close()


def test_of_all_behind_a_line_that_is_down_one_tries(tmp_path: Path) -> None:
    tried: list[object] = []

    class Watched(Gateway):
        def receive(self, within_s: float) -> bytes:
            heard = super().receive(within_s)
            tried.append(heard) if heard else None
            return heard

    with Watched() as gateway:
        gateway.stop()
        lines = Lines()
        where: dict[str, object] = {"host": HOST, "port": gateway.port, "framing": "rtu"}
        sources = [source(unit, where, lines) for unit in (1, 2, 3)]
        said = [Group([each], Turned()).ask().problem for each in sources]
        gateway.start()
        # The line came back: whoever found it down tries, the others still believe it.
        with Bus(gateway, UNITS):
            again = [Group([each], Turned()).ask().problem for each in sources[1:]]
            assert all(each is not None and "no connection" in each for each in (*said, *again))
            assert not tried
            assert Group([sources[0]], Turned()).ask().problem is None
            assert Group([sources[1]], Turned()).ask().problem is None
        for each in sources:
            each.driver.close()
