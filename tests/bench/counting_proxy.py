"""A TCP proxy on loopback that counts the bytes it carries, both ways."""

import selectors
import socket
from threading import Thread
from types import TracebackType

from services.ports import HOST

CHUNK = 65_536


class Proxy:
    """Carries connections to a port of loopback; use it as a context.

    `bytes_n` counts what TCP carried, without TCP's and IP's own headers; `connections` how often
    somebody connected.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0.2)
        self._ended = False
        self._threads = [Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]
        self.bytes_n = 0
        self.connections = 0

    def __enter__(self) -> "Proxy":
        self._threads[0].start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._ended = True
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            self._threads.append(Thread(target=self._carry, args=(near,), daemon=True))
            self._threads[-1].start()

    def _carry(self, near: socket.socket) -> None:
        with (
            near,
            socket.create_connection((HOST, self._to)) as far,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while not self._ended:
                for key, _ in selector.select(0.2):
                    assert isinstance(key.fileobj, socket.socket)
                    try:
                        data = key.fileobj.recv(CHUNK)
                        key.data.sendall(data)
                    except OSError:
                        return
                    if not data:
                        return
                    self.bytes_n += len(data)
