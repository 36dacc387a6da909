"""How a serial port is set for a meter about which nobody said anything."""

import pytest

from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import MeterSettings, SerialLine
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.modbus import profile
from sobre_drivers.meters.modbus.lines import line_for

PORT = "/dev/ttyUSB-not-there"


def settings(name: str, own: SerialLine) -> object:
    lines: Lines = {}
    meter = MeterSettings("meter", name, serial_port=PORT, serial=own)
    line_for(meter, profile.read(catalog.find(name)).line, lines)
    return lines["modbus", PORT][1]


# From the makers' documents: Eastron's holding registers 18 and 28 and their defaults, Carlo
# Gavazzi's table of the serial port, whose parity cannot be set.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eastron-sdm120", (2400, "none", 1)),
        ("eastron-sdm230", (9600, "none", 1)),
        ("eastron-sdm630", (9600, "none", 1)),
        ("eastron-sdm72", (9600, "none", 1)),
        ("eastron-sdm72-v2", (9600, "none", 1)),
        ("carlo-gavazzi-em24", (9600, "none", 1)),
        # Nothing is known: as Modbus over Serial Line V1.02 has it, at its lower speed.
        ("janitza-umg96rm", (9600, "even", 1)),
    ],
)
def test_a_line_is_set_as_the_meter_leaves_its_factory(
    name: str, expected: tuple[int, str, int]
) -> None:
    assert settings(name, SerialLine()) == expected
    assert settings(name, SerialLine(19200, "odd", 2)) == (19200, "odd", 2)
    assert settings(name, SerialLine(baud_rate=4800)) == (4800, *expected[1:])
