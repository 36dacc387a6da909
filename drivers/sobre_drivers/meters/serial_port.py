"""A serial line as meters need it. Only this module knows pyserial.

Whatever is wrong with the port is a MeterError of this round: an adapter that is pulled out and
plugged in again is there again at the next `open`.
"""

import logging
import time
from pathlib import Path
from typing import Literal

import serial

from sobre_drivers.errors import MeterError

try:
    from termios import error as termios_error
except ImportError:  # Windows has no termios.
    termios_error = OSError  # type: ignore[misc,assignment]

Parity = Literal["none", "even", "odd"]

_PARITY = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}
# Linux' pseudo-terminals, with which serial servers stand in for a port.
_PSEUDO = Path("/dev/pts")
# What a line cannot take within this time (s) hangs.
_WRITE_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class SerialPort:
    """A port of this machine, for this program alone while it is open.

    Characters are `data_bits` bits, `parity` and `stop_bits`. Nothing is opened yet.
    """

    def __init__(
        self,
        path: str,
        baud_rate: int,
        parity: Parity = "none",
        stop_bits: Literal[1, 2] = 1,
        data_bits: Literal[7, 8] = 8,
    ) -> None:
        self.path, self.baud_rate = path, baud_rate
        self._parity, self._stop_bits, self._data_bits = parity, stop_bits, data_bits
        self._port: serial.Serial | None = None

    @property
    def character_s(self) -> float:
        """How long (s) one character takes on the line."""
        bits = 1 + self._data_bits + (self._parity != "none") + self._stop_bits
        return bits / self.baud_rate

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._port is not None

    def open(self) -> None:
        """Open it if it is not open; MeterError if it is not there, or another program has it."""
        if self._port is not None:
            return
        parity, data_bits = self._parity, self._data_bits
        if Path(self.path).resolve().is_relative_to(_PSEUDO):
            # It carries bytes, not characters on a wire, and refuses any other setting.
            parity, data_bits = "none", 8
        try:
            self._port = serial.Serial(
                self.path,
                self.baud_rate,
                bytesize=data_bits,
                parity=_PARITY[parity],
                stopbits=self._stop_bits,
                write_timeout=_WRITE_TIMEOUT_S,
                exclusive=True,
            )
        except (OSError, termios_error, ValueError) as error:
            raise MeterError(f"{self.path}: {_refusal(error)}") from error

    def read(self, within_s: float) -> bytes:
        """What has arrived: waits for the first byte, b"" if none comes within that time (s).

        MeterError if the port has gone; it is then closed.
        """
        port = self._opened()
        try:
            port.timeout = max(0.0, within_s)
            first = port.read(1)
            return bytes(first + port.read(port.in_waiting)) if first else b""
        except (OSError, termios_error, TypeError) as error:
            # (TypeError: what pyserial makes of a port that is closed meanwhile.)
            raise self._gone() from error

    def write(self, data: bytes) -> None:
        """Send bytes; MeterError if the port has gone, or takes nothing."""
        port = self._opened()
        try:
            port.write(data)
        except (OSError, termios_error) as error:
            raise self._gone() from error

    def flush_input(self) -> None:
        """Throw away what has arrived and was not read."""
        port = self._opened()
        try:
            port.reset_input_buffer()
        except (OSError, termios_error) as error:
            raise self._gone() from error

    def quiet(self, for_s: float, within_s: float) -> bool:
        """Throw away what arrives until nothing has for `for_s`; False if it does not end."""
        deadline_s = time.monotonic() + within_s
        while self.read(for_s):
            if time.monotonic() >= deadline_s:
                return False
        return True

    def close(self) -> None:
        """Give it back; it may be opened again."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except (OSError, termios_error) as error:
                log.debug("%s: %s", self.path, error)

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise MeterError(f"{self.path}: not open")
        return self._port

    def _gone(self) -> MeterError:
        self.close()
        return MeterError(
            f"{self.path}: the port has gone; is its adapter plugged in? It is opened again at the "
            "next round"
        )


def _refusal(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if isinstance(error, FileNotFoundError) or number == 2:
        return "no such port; is its adapter plugged in, and the path right?"
    if number in (13, 1):
        return "not allowed; put the agent's user into the port's group (dialout)"
    if number in (11, 16):
        return "another program uses it; stop that one"
    return f"cannot be opened ({error}); check the path, baud_rate, parity and stop_bits"
