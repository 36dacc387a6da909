"""What is asked of a meter and what it answers, on whatever line.

Only this module knows pymodbus.
"""

import logging
import struct
from collections.abc import Sequence

from pymodbus import ModbusException
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.modbus.blocks import Block

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
# The meter lacks a register of the request, or does not answer so many.
TOO_MUCH = (2, 3)

_ASK = {3: ReadHoldingRegistersRequest, 4: ReadInputRegistersRequest}
_decoder = DecodePDU(False)

_quiet = logging.getLogger("pymodbus")
if _quiet.level == logging.NOTSET:
    # It logs each answer that it cannot decode; ours is said once, by whoever asked.
    _quiet.setLevel(logging.CRITICAL)


class Refused(MeterError):
    """The meter answered, and said no; the line is well."""

    def __init__(self, block: Block, code: int) -> None:
        self.block = block
        self.code = code
        why = _REFUSALS.get(code, f"exception {code}; see its manual")
        super().__init__(f"registers {block.address} to {block.end - 1} refused, {why}")


class Strange(MeterError):
    """What came is no answer to what was asked."""


def request(block: Block) -> bytes:
    """What asks for a block, from the function code on."""
    asked = _ASK[block.function](address=block.address, count=block.count)
    return bytes([block.function]) + asked.encode()


def words(block: Block, answer: bytes) -> Sequence[int]:
    """The words of a block in an answer, from its function code on; Refused or Strange."""
    made = _decoded(answer)
    if made is None:
        raise Strange(
            f"an answer that is not Modbus ({answer[:16].hex(' ') or 'empty'}); check host, port "
            "and what listens there"
        )
    if made.isError():
        raise Refused(block, getattr(made, "exception_code", 0))
    if made.function_code != block.function or len(made.registers) != block.count:
        raise Strange(
            f"asked for {block.count} registers by function {block.function}, given "
            f"{len(made.registers)} by function {made.function_code}; a faulty gateway or another "
            "program on the same line?"
        )
    return made.registers


def _decoded(answer: bytes) -> ModbusPDU | None:
    try:
        return _decoder.decode(answer)
    except (ModbusException, struct.error, IndexError, ValueError):
        # What newer versions say by None.
        return None
