"""Listens to a P1 port until a telegram has come."""

import time
from collections.abc import Sequence
from typing import Literal

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.p1 import meaning
from sobre_drivers.meters.p1.decoding import Telegram, Telegrams
from sobre_drivers.meters.serial_port import SerialPort
from sobre_drivers.sample import Described, Reading

# Meters before version 5 speak every ten seconds, later ones every second; and then for up to 1 s.
PATIENCE_S = 12.0


class P1Driver:
    """Reads one meter. Its telegrams come by themselves: between two rounds they are not heard."""

    def __init__(
        self, described: Described, port: SerialPort, data_bits: Literal[7, 8], patience_s: float
    ) -> None:
        self.name = described.device
        self._described = described
        self._port = port
        self._data_bits: Literal[7, 8] = data_bits
        self._patience_s = patience_s

    def describe(self) -> Sequence[Described]:
        """The meter itself."""
        return (self._described,)

    def read(self) -> Sequence[Reading]:
        """Energy and power now; MeterError if no valid telegram that tells them came."""
        found = meaning.reading(self.name, self._telegram())
        if found is None:
            raise MeterError(
                f"{self._subject}: telegrams without electricity that was taken (1-0:1.8.x); is "
                "this the port of an electricity meter?"
            )
        return (found,)

    def shown(self) -> list[Value]:
        """All that a telegram says; MeterError if none came."""
        return list(meaning.values(self.name, self._telegram()))

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def _telegram(self) -> Telegram:
        telegrams, count = Telegrams(self._data_bits), 0
        try:
            if self._port.is_open:
                # What waited is of an earlier minute, and its end was cut off.
                self._port.flush_input()
            self._port.open()
            end_s = time.monotonic() + self._patience_s
            while (left_s := end_s - time.monotonic()) > 0:
                data = self._port.read(left_s)
                count += len(data)
                for found in telegrams.feed(data):
                    return found
        except MeterError as error:
            raise MeterError(f"{self.name}: {error}") from error
        raise MeterError(f"{self._subject}: {_finding(count, telegrams.rejected)}")

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._port.path}, {self._port.baud_rate} Bd)"


def _finding(count: int, rejected: int) -> str:
    if rejected:
        return f"{rejected} telegrams with a wrong CRC; check the cable, and that nothing is loose"
    if count:
        return f"{count} bytes without one telegram; check the version (speed) of the profile"
    return "nothing arrives; check the cable, and that the P1 port is open and asked to send"
