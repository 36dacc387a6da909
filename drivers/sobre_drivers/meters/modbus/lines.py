"""Which line a configured meter is read over; meters at one address get the same one."""

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.configured import MeterSettings, SerialLine
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.modbus.driver import Line
from sobre_drivers.meters.modbus.rtu import RtuLine
from sobre_drivers.meters.modbus.stream import Stream
from sobre_drivers.meters.modbus.tcp import TcpLine

PORT = 502
# A serial port from which nobody was heard for so long (s) is opened anew; a connection at once.
DEAF_S = 30.0


def line_for(meter: MeterSettings, factory: SerialLine, lines: Lines) -> Line:
    """The line of a meter whose serial port leaves the `factory` so; nothing is connected yet.

    ConfigError if meters on one line want it set otherwise.
    """
    if meter.serial_port:
        where, wanted = meter.serial_port, _settings(meter.serial, factory)
    else:
        where, wanted = f"{meter.host}:{meter.port or PORT}", (meter.framing,)
    held = lines.get(("modbus", where))
    if held is None:
        held = (_made(meter, where, wanted), wanted)
        lines["modbus", where] = held
    line: Line
    line, settings = held
    if settings != wanted:
        raise ConfigError(
            f"{meter.device}: {where} is wanted as {_told(wanted)}, and as {_told(settings)} by "
            "another meter on it; set all meters of one line alike"
        )
    return line


def _made(meter: MeterSettings, where: str, wanted: tuple[object, ...]) -> Line:
    if meter.serial_port:
        # Only here: a reader of TCP meters needs no pyserial.
        from sobre_drivers.meters.serial_port import SerialPort

        return RtuLine(SerialPort(where, *wanted), where, DEAF_S)  # type: ignore[arg-type]
    port = meter.port or PORT
    if meter.framing == "rtu":
        return RtuLine(Stream(meter.host, port, meter.timeout_s), where, 0.0)
    return TcpLine(meter.host, port)


def _settings(own: SerialLine, factory: SerialLine) -> tuple[object, ...]:
    """Baud rate, parity and stop bits."""
    return (
        own.baud_rate or factory.baud_rate or 9600,
        own.parity or factory.parity or "even",
        own.stop_bits or factory.stop_bits or 1,
    )


def _told(settings: tuple[object, ...]) -> str:
    return " ".join(map(str, settings))
