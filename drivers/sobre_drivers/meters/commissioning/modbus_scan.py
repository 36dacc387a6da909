"""Looks for what answers Modbus: on a host, on a gateway, on a serial line. It only reads."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.commissioning import modbus_match
from sobre_drivers.meters.commissioning.found import Found
from sobre_drivers.meters.commissioning.modbus_match import Unit
from sobre_drivers.meters.commissioning.scan import Job, Way
from sobre_drivers.meters.commissioning.targets import Stopped
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.driver import Line
from sobre_drivers.meters.modbus.profile import Profile
from sobre_drivers.meters.modbus.rtu import RtuLine
from sobre_drivers.meters.modbus.tcp import TcpLine
from sobre_drivers.meters.serial_port import SerialPort

PORT = 502
# What meters leave the factory with, the likeliest first.
BAUD_RATES = (9600, 19200, 38400, 2400)
PARITIES: tuple[Literal["none", "even", "odd"], ...] = ("even", "none")
# How gateways say that a unit is not there (Modbus Application Protocol V1.1b3, 7): 10 and 11, and
# some a failure (4) of what they do not have.
_NOBODY = (4, 10, 11)
_DEAF_S = 30.0
# Two reads of one register, moments apart, differ by no more than this.
_SAME_RATIO = 1e-3

Parity = Literal["none", "even", "odd"]


class _First(NamedTuple):
    """The first unit of a line that a profile fits, what it shows, and who shows the same."""

    found: Found
    shown: list[Value]
    also: tuple[int, ...] = ()


class PacedLine:
    """A line on which each request waits for its turn."""

    def __init__(self, line: Line, way: Way) -> None:
        self._line, self._way = line, way
        self.where = line.where

    def read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        """What the line itself gives."""
        self._way.pace.turn()
        return self._line.read(unit_id, block, timeout_s)

    def share(self, unit_id: int) -> None:
        """Nobody is kept waiting by a scan but itself."""

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def host_job(host: str, port: int, unit_ids: Sequence[int], each: int) -> Job:
    """Units behind one address; `each` is `modbus_match.requests`."""
    return Job(f"{host}:{port}", 1 + len(unit_ids), each, partial(_over_tcp, host, port, unit_ids))


def serial_job(
    path: str,
    unit_ids: Sequence[int],
    baud_rates: Sequence[int],
    parities: Sequence[Parity],
    each: int,
) -> Job:
    """Units on one serial line: at the first setting at which any answers."""
    probes = len(unit_ids) * len(baud_rates) * len(parities)
    return Job(path, probes, each, partial(_over_serial, path, unit_ids, baud_rates, parities))


def _over_tcp(host: str, port: int, unit_ids: Sequence[int], way: Way) -> Iterator[Found]:
    way.pace.turn()
    try:
        socket.create_connection((host, port), way.timeout_s).close()
    except OSError:
        return
    where: dict[str, object] = {"host": host}
    if port != PORT:
        where["port"] = port
    line = PacedLine(TcpLine(host, port), way)
    try:
        yield from _units(line, unit_ids, where, way, host)
    finally:
        line.close()


def _over_serial(
    path: str,
    unit_ids: Sequence[int],
    baud_rates: Sequence[int],
    parities: Sequence[Parity],
    way: Way,
) -> Iterator[Found]:
    for baud_rate in baud_rates:
        for parity in parities:
            port = SerialPort(path, baud_rate, parity)
            # A port that is not there is no port on which nobody answers.
            port.open()
            line = PacedLine(RtuLine(port, path, _DEAF_S), way)
            where: dict[str, object] = {
                "serial_port": path,
                "serial.baud_rate": baud_rate,
                "serial.parity": parity,
            }
            found = False
            try:
                for each in _units(line, unit_ids, where, way, f"{path} at {baud_rate} {parity}"):
                    found = True
                    yield each
            finally:
                line.close()
            if found:
                return


def _units(
    line: PacedLine, unit_ids: Sequence[int], where: Mapping[str, object], way: Way, subject: str
) -> Iterator[Found]:
    known = modbus_match.profiles(way.folder)
    first: _First | None = None
    try:
        for unit_id in unit_ids:
            way.say(f"{subject}, unit {unit_id}")
            unit = Unit(line, unit_id, way.timeout_s)
            if not _answers(unit):
                continue
            if first is not None and _alike(first, unit, way):
                # One that is reached directly answers whatever unit it is asked for.
                first = first._replace(also=(*first.also, unit_id))
                continue
            made = _judged(unit, _at(where, unit_id), known, way)
            if first is None and made.matches:
                shown = modbus_match.shown(unit, made.matches[0].profile, way.folder)
                first = _First(made, shown)
            else:
                yield made
    except (Stopped, MeterError):
        if first is not None:
            yield replace(first.found, also=first.also)
        raise
    if first is not None:
        yield replace(first.found, also=first.also)


def _judged(
    unit: Unit, where: Mapping[str, object], known: Mapping[str, Profile], way: Way
) -> Found:
    try:
        return Found("modbus", where, unit.tells(), modbus_match.matches(unit, known, way.folder))
    except MeterError:
        return Found("modbus", where, "it answered once, and then no more")


def _at(where: Mapping[str, object], unit_id: int) -> dict[str, object]:
    """With the unit id, before the tables."""
    plain = {key: value for key, value in where.items() if "." not in key}
    return plain | {"unit_id": unit_id} | {k: v for k, v in where.items() if "." in k}


def _answers(unit: Unit) -> bool:
    """Whether anybody answers, if only to refuse."""
    try:
        unit.words(3, 0, 1)
    except MeterError:
        return False
    return unit.refusal is None or unit.refusal not in _NOBODY


def _alike(first: _First, unit: Unit, way: Way) -> bool:
    """Whether a unit shows the same serial number and registers as the first."""
    try:
        now = modbus_match.shown(unit, first.found.matches[0].profile, way.folder)
    except MeterError:
        return False
    before = {(each.device, each.name): each for each in first.shown}
    kept = [each for each in now if each.name == "serial" or each.name.startswith("energy")]
    pairs = [(each.value, before[each.device, each.name].value) for each in kept]
    telling = [pair for pair in pairs if pair[0] not in (None, 0.0)]
    return bool(telling) and all(_same(*pair) for pair in telling)


def _same(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _SAME_RATIO * abs(other)
    return one == other
