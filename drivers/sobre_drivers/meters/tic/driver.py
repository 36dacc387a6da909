"""Listens to a French meter until it has said a whole frame."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.serial_port import SerialPort
from sobre_drivers.meters.tic import meaning
from sobre_drivers.meters.tic.decoding import Frame, Frames
from sobre_drivers.sample import Described, Reading

OpenPort = Callable[[int], SerialPort]


class Way(NamedTuple):
    """A speed (Bd), and how long (s) to wait there: for two of the longest frames.

    One that is tuned in to half-way is lost, and a short frame of a three-phase meter says nothing.
    """

    baud_rate: int
    patience_s: float


HISTORIQUE = Way(1200, 8.0)
STANDARD = Way(9600, 5.0)


class TicDriver:
    """Reads the index of one meter, at the first of `ways` on which it can be understood."""

    def __init__(
        self, described: Described, port: OpenPort, ways: Sequence[Way], silence_s: float
    ) -> None:
        self.name = described.device
        self._described = described
        self._make_port = port
        self._ways = list(ways)
        self._silence_s = silence_s
        self._port: SerialPort | None = None

    def describe(self) -> Sequence[Described]:
        """The meter itself."""
        return (self._described,)

    def read(self) -> Sequence[Reading]:
        """The index now; MeterError if no whole frame that tells it came."""
        found = meaning.reading(self.name, self._frame())
        assert found is not None
        return (found,)

    def shown(self) -> list[Value]:
        """All that the frame says; MeterError as for `read`."""
        return list(meaning.values(self.name, self._frame()))

    def close(self) -> None:
        """Give the port back."""
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _frame(self) -> Frame:
        """A frame that tells the energy, on the way that worked last if it still does."""
        findings = []
        for way in list(self._ways):
            heard = self._listen(way)
            if isinstance(heard, Frame):
                self._ways.sort(key=lambda each: each is not way)
                return heard
            findings.append(f"{heard} at {way.baud_rate} Bd")
        raise MeterError(
            f"{self._subject}: {', '.join(findings)}; check the wires on I1 and I2, and whether "
            "the meter is in the mode (historique or standard) of the profile"
        )

    def _listen(self, way: Way) -> Frame | str:
        """A frame that tells the energy, or what came instead."""
        port = self._opened(way)
        frames, count, whole = Frames(), 0, 0
        now_s = time.monotonic()
        end_s = now_s + max(way.patience_s, self._silence_s)
        while now_s < end_s:
            data = self._heard(port, min(self._silence_s, end_s - now_s))
            if not data:
                break
            count += len(data)
            for frame in frames.feed(data):
                if meaning.energy_wh(frame) is not None:
                    return frame
                whole += 1
            now_s = time.monotonic()
        if whole:
            return f"{whole} frames without a valid index"
        return f"{count} bytes without one whole frame" if count else "nothing"

    def _opened(self, way: Way) -> SerialPort:
        try:
            if self._port is None or self._port.baud_rate != way.baud_rate:
                self.close()
                self._port = self._make_port(way.baud_rate)
            if self._port.is_open:
                # What waited is of an earlier minute, and its end was cut off.
                self._port.flush_input()
            self._port.open()
        except MeterError as error:
            raise MeterError(f"{self.name}: {error}") from error
        return self._port

    def _heard(self, port: SerialPort, within_s: float) -> bytes:
        try:
            return port.read(within_s)
        except MeterError as error:
            raise MeterError(f"{self.name}: {error}") from error

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._port.path})" if self._port else self.name
