"""Modbus TCP: a connection that one or several meters share, with one request at a time."""

import socket
import struct
import threading
import time
from collections.abc import Sequence

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.modbus import pdu
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.patience import Down, Patience

# Transaction, protocol (0), length of what follows, unit (Messaging on TCP/IP V1.0b, 3.1.3).
_HEAD = struct.Struct(">HHHB")
_LONGEST = 254

NO_CONNECTION = "no connection; check address and port, and that Modbus is enabled"
LOST = "connection lost; it is made again at the next round"


class TcpLine:
    """Connects when it is first read, and again whenever the connection was lost."""

    def __init__(self, host: str, port: int) -> None:
        self.where = f"{host}:{port}"
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._transaction = 0
        self._lock = threading.Lock()
        self._down, self._patience = Down(), Patience()

    def read(self, unit_id: int, block: Block, timeout_s: float) -> Sequence[int]:
        """The words of a block. Refused if the meter says no, MeterError if it does not answer."""
        with self._lock:
            self._down.check(unit_id)
            asked_s = time.monotonic()
            waits_s = self._patience.behind_gateway_s(unit_id, timeout_s, asked_s)
            try:
                answer = self._answer(unit_id, block, waits_s)
                self._patience.answered(unit_id, time.monotonic() - asked_s)
                return pdu.words(block, answer)
            except pdu.Refused:
                raise
            except MeterError:
                # A late answer must not be taken for the next one: nothing is left to arrive.
                self._hang_up()
                raise
            except TimeoutError as error:
                self._hang_up()
                self._patience.silent(unit_id)
                raise MeterError(
                    f"no valid answer within {waits_s:g} s; check unit id, power and network"
                ) from error
            except OSError as error:
                self._hang_up()
                raise MeterError(LOST) from error

    def share(self, unit_id: int) -> None:
        """Say that a meter with this unit id is read over this line."""
        self._patience.units.add(unit_id)

    def close(self) -> None:
        """Hang up; the next read connects again."""
        with self._lock:
            self._hang_up()

    def _answer(self, unit_id: int, block: Block, timeout_s: float) -> bytes:
        kept = self._socket is not None
        try:
            return self._ask(unit_id, block, timeout_s)
        except ConnectionError:
            # Meters end connections that idle between two rounds; that is no failure yet.
            if not kept:
                raise
            self._hang_up()
            return self._ask(unit_id, block, timeout_s)

    def _ask(self, unit_id: int, block: Block, timeout_s: float) -> bytes:
        made = self._connected(unit_id, timeout_s)
        asked = pdu.request(block)
        # The numbers go on from connection to connection, and tell old answers from new.
        self._transaction = self._transaction % 0xFFFF + 1
        made.settimeout(timeout_s)
        made.sendall(_HEAD.pack(self._transaction, 0, len(asked) + 1, unit_id) + asked)
        deadline_s = time.monotonic() + timeout_s
        heard = b""
        while True:
            heard += _more(made, deadline_s)
            while len(heard) >= _HEAD.size:
                transaction, protocol, length, unit = _HEAD.unpack_from(heard)
                if protocol or not 2 <= length <= _LONGEST:
                    raise pdu.Strange(
                        f"an answer that is not Modbus ({heard[:16].hex(' ')}); check host, port "
                        "and what listens there"
                    )
                if len(heard) < 6 + length:
                    break
                answer, heard = heard[7 : 6 + length], heard[6 + length :]
                if transaction == self._transaction:
                    if unit != unit_id:
                        raise pdu.Strange(
                            f"unit {unit} answered for unit {unit_id}; check the unit id"
                        )
                    return answer

    def _connected(self, unit_id: int, timeout_s: float) -> socket.socket:
        if self._socket is None:
            try:
                self._socket = socket.create_connection(self._address, timeout_s)
            except OSError as error:
                self._down.note(unit_id, NO_CONNECTION)
                raise MeterError(NO_CONNECTION) from error
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._down.end()
        return self._socket

    def _hang_up(self) -> None:
        made, self._socket = self._socket, None
        if made is not None:
            made.close()


def _more(made: socket.socket, deadline_s: float) -> bytes:
    """What comes before the deadline; TimeoutError if nothing does, ConnectionError at its end."""
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    made.settimeout(left_s)
    heard = made.recv(4096)
    if not heard:
        raise ConnectionResetError
    return heard
