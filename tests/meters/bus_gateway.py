"""A gateway that hands the bytes of a serial line through to whoever is connected."""

import select
import socket
from typing import Self

HOST = "127.0.0.1"


class Gateway:
    """RTU over TCP: it can be stopped, and started again on its port."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen."""
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]

    def stop(self) -> None:
        """Hang up and listen no more."""
        for each in (self._client, self._listener):
            if each is not None:
                each.close()
        self._client = self._listener = None

    def hang_up(self) -> None:
        """End the connection, and go on listening."""
        if self._client is not None:
            self._client.close()
        self._client = None

    def send(self, data: bytes) -> None:
        """What the line says goes to whoever is connected now; to nobody, if nobody is."""
        if self._client is not None:
            self._client.sendall(data)

    def receive(self, within_s: float) -> bytes:
        """What a client sends; the newest connection is the one."""
        listener, client = self._listener, self._client
        if listener is None:
            raise OSError("stopped")
        waiting = [each for each in (listener, client) if each is not None]
        ready, _, _ = select.select(waiting, [], [], within_s)
        if listener in ready:
            if client is not None:
                client.close()
            self._client, _ = listener.accept()
            self.connections += 1
            return b""
        if client is None or client not in ready:
            return b""
        heard = client.recv(4096)
        if not heard:
            client.close()
            self._client = None
        return heard
