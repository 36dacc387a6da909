"""The bytes of a serial line that a gateway hands through over TCP (RTU over TCP)."""

import socket

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.modbus.tcp import LOST, NO_CONNECTION


class Stream:
    """A connection to a gateway; what is between its line's characters, nobody knows here."""

    character_s = 0.0

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._address, self._timeout_s = (host, port), timeout_s
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as anybody knows."""
        return self._socket is not None

    def open(self) -> None:
        """Connect if there is no connection; MeterError if nobody listens."""
        if self._socket is not None:
            return
        try:
            self._socket = socket.create_connection(self._address, self._timeout_s)
        except OSError as error:
            raise MeterError(NO_CONNECTION) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, within_s: float) -> bytes:
        """What has arrived, b"" if nothing does in time; MeterError if the gateway hung up."""
        made = self._opened()
        try:
            made.settimeout(max(0.0, within_s))
            heard = made.recv(4096)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._lost() from error
        if not heard:
            raise self._lost()
        return heard

    def write(self, data: bytes) -> None:
        """Send bytes; MeterError if the gateway is gone."""
        made = self._opened()
        try:
            made.settimeout(self._timeout_s)
            made.sendall(data)
        except OSError as error:
            raise self._lost() from error

    def close(self) -> None:
        """Hang up; it may be opened again."""
        made, self._socket = self._socket, None
        if made is not None:
            made.close()

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise MeterError(LOST)
        return self._socket

    def _lost(self) -> MeterError:
        self.close()
        return MeterError(LOST)
