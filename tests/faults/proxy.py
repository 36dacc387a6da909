"""A network that fails on demand: a TCP proxy on loopback that cuts, stalls, delays and watches."""

import selectors
import socket
import struct
import time
from collections.abc import Callable
from threading import Lock, Thread

from services.ports import HOST

CHUNK = 65_536
LOOK_S = 0.05
PUBLISH, PUBACK = 3, 4
Heard = Callable[[int, bytes], None]
# Close with a reset, as when the other machine is gone, and not with a goodbye.
RESET = struct.pack("ii", 1, 0)


def nothing(kind: int, body: bytes) -> None:
    """What is done about a packet from the broker, unless a test says otherwise."""


class Proxy:
    """Carries connections to a port of loopback; use it as a context.

    While `stalled`, connections stand and carry nothing, new ones too. `delay_s` is waited before
    each piece of `piece_bytes`. `heard` is told the type and body of each MQTT packet from the far
    side before it is carried.
    """

    def __init__(self, port: int, heard: Heard = nothing) -> None:
        self._to = port
        self._heard = heard
        self._listener = socket.create_server((HOST, 0), backlog=512)
        self._listener.settimeout(LOOK_S)
        self._ended = False
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        self._left: int | None = None
        self._accepting = Thread(target=self._accept, daemon=True)
        self._threads: list[Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.stalled = self.refusing = False
        self.delay_s = 0.0
        self.piece_bytes = CHUNK
        self.cuts = 0

    def __enter__(self) -> "Proxy":
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self.cut()
        self._accepting.join()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def cut(self) -> None:
        """Reset all connections that stand now."""
        with self._lock:
            for wire in self._open:
                _reset(wire)

    def cut_after(self, count: int) -> None:
        """Reset a connection as soon as `count` more bytes have gone towards the far side."""
        with self._lock:
            self._left = count

    def heal(self) -> None:
        """Carry everything again."""
        self.stalled = self.refusing = False
        self.delay_s, self.piece_bytes, self._left = 0.0, CHUNK, None

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self.refusing:
                _reset(near)
                near.close()
                continue
            thread = Thread(target=self._carry, args=(near,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            try:
                far = socket.create_connection((HOST, self._to))
            except OSError:
                _reset(near)
                return
            with far, selectors.DefaultSelector() as selector:
                selector.register(near, selectors.EVENT_READ, far)
                selector.register(far, selectors.EVENT_READ, near)
                with self._lock:
                    self._open |= {near, far}
                try:
                    self._pump(selector, far)
                except OSError:
                    _reset(near)
                finally:
                    with self._lock:
                        self._open -= {near, far}

    def _pump(self, selector: selectors.BaseSelector, far: socket.socket) -> None:
        packets = Packets()
        while not self._ended:
            if self.stalled:
                time.sleep(LOOK_S)
                continue
            for key, _ in selector.select(LOOK_S):
                source, sink = key.fileobj, key.data
                assert isinstance(source, socket.socket)
                if self.delay_s:
                    time.sleep(self.delay_s)
                data = source.recv(self.piece_bytes)
                if not data:
                    return
                if source is far:
                    for kind, body in packets.of(data):
                        self._heard(kind, body)
                elif self._share(len(data)) < len(data):
                    sink.sendall(data[: len(data) // 2])
                    self.cuts += 1
                    raise OSError("cut in the middle of a packet")
                sink.sendall(data)

    def _share(self, count: int) -> int:
        """How many of `count` bytes may still pass."""
        with self._lock:
            if self._left is None:
                return count
            if self._left >= count:
                self._left -= count
                return count
            self._left = None
            return 0


class Packets:
    """Finds where MQTT packets begin in a stream of bytes."""

    def __init__(self) -> None:
        self._held = b""

    def of(self, data: bytes) -> list[tuple[int, bytes]]:
        """Type (1 CONNECT … 14 DISCONNECT) and body of the packets that are complete now."""
        self._held += data
        found = []
        while (head := self._head()) and len(self._held) >= head[0] + head[1]:
            start, size = head
            found.append((self._held[0] >> 4, self._held[start : start + size]))
            self._held = self._held[start + size :]
        return found

    def _head(self) -> tuple[int, int] | None:
        """Where the first packet's body begins, and its length."""
        length = shift = 0
        for at in range(1, min(5, len(self._held))):
            byte = self._held[at]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return at + 1, length
        return None


def _reset(wire: socket.socket) -> None:
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        wire.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
