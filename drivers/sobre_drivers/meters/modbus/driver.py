"""Meters that speak Modbus TCP. Only this module knows pymodbus."""

import logging
import struct
import threading
from collections.abc import Sequence

from pymodbus import ModbusException
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.pdu import ModbusPDU

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.modbus import points, sunspec
from sobre_drivers.meters.modbus.blocks import Block, merged
from sobre_drivers.meters.modbus.points import Point
from sobre_drivers.meters.modbus.profile import Profile
from sobre_drivers.sample import Described, Reading

log = logging.getLogger(__name__)

# Modbus Application Protocol V1.1b3, 7.
_REFUSALS = {
    1: "illegal function; is this the model of the profile?",
    2: "illegal data address; is this the model of the profile?",
    3: "illegal data value; lower max_registers in the profile",
    4: "device failure; look at the meter itself",
    6: "device busy; ask it less often",
    10: "gateway path unavailable; check the gateway's settings",
    11: "no answer behind the gateway; check unit id, wiring and power of the meter",
}
# Some meters refuse a request that runs over a register they lack: then each value is asked alone.
_CANNOT_READ_SO = (2, 3)

# Words by function and address.
_Words = dict[int, dict[int, int]]


class Refused(MeterError):
    """The meter answered, and said no; the line is well."""

    def __init__(self, block: Block, code: int) -> None:
        self.block = block
        self.code = code
        why = _REFUSALS.get(code, f"exception {code}; see its manual")
        super().__init__(f"registers {block.address} to {block.end - 1} refused, {why}")


class Line:
    """A connection that one or several meters share: one request at a time."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self.where = f"{host}:{port}"
        self._address = (host, port)
        self._timeout_s = timeout_s
        self._client: ModbusTcpClient | None = None
        self._lock = threading.Lock()

    def read(self, unit_id: int, block: Block) -> Sequence[int]:
        """The words of a block. Refused if the meter says no, MeterError if it does not answer."""
        with self._lock:
            try:
                answer = self._answer(unit_id, block)
            except (ModbusException, OSError, struct.error) as error:
                # (struct.error: a garbled answer, by pymodbus 3.10.) Whatever it was, a late answer
                # must not be taken for the next one, so nothing is left to arrive.
                self._hang_up()
                raise MeterError(_finding(error, self._timeout_s)) from error
            if answer.isError():
                raise Refused(block, getattr(answer, "exception_code", 0))
            if answer.function_code != block.function or len(answer.registers) != block.count:
                self._hang_up()
                raise MeterError(
                    f"asked for {block.count} registers by function {block.function}, given "
                    f"{len(answer.registers)} by function {answer.function_code}; a faulty gateway "
                    "or another program on the same line?"
                )
            return answer.registers

    def close(self) -> None:
        """Hang up; the next read connects again."""
        with self._lock:
            self._hang_up()

    def _answer(self, unit_id: int, block: Block) -> ModbusPDU:
        kept = self._client is not None and self._client.connected
        try:
            return self._ask(unit_id, block)
        except (ConnectionException, ConnectionError):
            # Meters end connections that idle between two rounds; that is no failure yet.
            if not kept:
                raise
            self._hang_up()
            return self._ask(unit_id, block)

    def _ask(self, unit_id: int, block: Block) -> ModbusPDU:
        if self._client is None:
            self._client = _client(self._address, self._timeout_s)
        if not self._client.connect():  # type: ignore[no-untyped-call]
            raise MeterError("no connection; check address and port, and that Modbus is enabled")
        ask = self._client.read_holding_registers
        if block.function == 4:
            ask = self._client.read_input_registers
        return ask(block.address, count=block.count, device_id=unit_id)

    def _hang_up(self) -> None:
        # The client itself stays: its transaction numbers go on, and tell old answers from new.
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]


def _client(address: tuple[str, int], timeout_s: float) -> ModbusTcpClient:
    quiet = logging.getLogger("pymodbus")
    if quiet.level == logging.NOTSET:
        # It logs each failed round as an error; ours is said once, by whoever asked.
        quiet.setLevel(logging.CRITICAL)
    return ModbusTcpClient(address[0], port=address[1], timeout=timeout_s, retries=0)


class ModbusDriver:
    """Reads a meter, and all outlets behind it, in as few requests as it allows."""

    def __init__(
        self,
        name: str,
        line: Line,
        unit_id: int,
        profile: Profile,
        behind: Sequence[Point],
        about: Sequence[Described],
    ) -> None:
        self.name = name
        self._line = line
        self._unit_id = unit_id
        self._profile = profile
        self._points = behind
        self._about = about
        self._base: int | None = None if profile.sunspec_model is not None else 0
        self._refused: set[Block] = set()
        self._cut: set[Block] = set()

    def describe(self) -> Sequence[Described]:
        """The meter's devices: itself, its outlets, its phases."""
        return self._about

    def read(self) -> Sequence[Reading]:
        """What each device shows; MeterError if the meter could not be read at all."""
        picture, base, refusals = self._picture(shown=False)
        made = [points.reading(self._profile, point, picture, base) for point in self._points]
        if refusals and all(each.register_uj is None and each.power_w is None for each in made):
            raise MeterError(f"{self._subject}: {refusals[0]}") from refusals[0]
        self._say_once(refusals)
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
            wanted = set(points.wanted(self._profile, self._points, base, shown=shown))
            for block in merged(wanted, self._profile.max_registers, self._profile.max_gap):
                inside = sorted(each for each in wanted if each in block)
                refusals += self._take(block, [] if block in wanted else inside, picture)
        except MeterError as error:
            # A device that comes back may have been given other firmware, and another map.
            self._base = None if self._profile.sunspec_model is not None else 0
            raise MeterError(f"{self._subject}: {error}") from error
        return picture, base, refusals

    def _take(self, block: Block, pieces: Sequence[Block], picture: _Words) -> list[Refused]:
        if block not in self._cut:
            try:
                words = self._line.read(self._unit_id, block)
            except Refused as error:
                if not pieces or error.code not in _CANNOT_READ_SO:
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
            return self._line.read(self._unit_id, Block(self._profile.function, address, count))
        except Refused:
            return None

    def _say_once(self, refusals: Sequence[Refused]) -> None:
        blocks = {refusal.block for refusal in refusals}
        if blocks - self._refused:
            more = f" (and {len(blocks) - 1} more)" if len(blocks) > 1 else ""
            log.warning("%s: %s%s", self._subject, refusals[0], more)
        self._refused = blocks

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._line.where}, unit {self._unit_id})"


def _finding(error: Exception, timeout_s: float) -> str:
    text = str(error)
    if isinstance(error, TimeoutError) or "No response" in text:
        return f"no valid answer within {timeout_s:g} s; check unit id, power and network"
    if isinstance(error, OSError) or "onnect" in text:
        return "connection lost; it is made again at the next round"
    return f"an answer that is not Modbus ({text}); check host, port and what listens there"
