"""A pseudo-terminal that stands in for a serial adapter: it can be unplugged and plugged again."""

import os
import pty
import random
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self


class Adapter:
    """A serial line under a path that stays; the test holds its far end."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._far = self._near = -1

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    @property
    def path(self) -> str:
        """What an agent opens."""
        return str(self.link)

    def plug(self) -> None:
        """Make the port appear; the line behind it is another one than before."""
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.link.symlink_to(os.ttyname(self._near))

    def unplug(self) -> None:
        """Make the port and all that is on the line disappear."""
        self.link.unlink(missing_ok=True)
        for descriptor in (self._near, self._far):
            if descriptor >= 0:
                os.close(descriptor)
        self._far = self._near = -1

    def send(self, data: bytes) -> None:
        """Put bytes on the line."""
        while data:
            data = data[os.write(self._far, data) :]

    def receive(self, within_s: float) -> bytes:
        """What the agent has sent; b"" if nothing comes within that time (s)."""
        ready, _, _ = select.select([self._far], [], [], within_s)
        return os.read(self._far, 4096) if ready else b""


@contextmanager
def playing(adapter: Adapter, data: bytes) -> Iterator[None]:
    """The line says this over and over, in pieces of any size, as a meter does."""
    stop, dice = threading.Event(), random.Random(4)

    def play() -> None:
        while data:
            at = 0
            while at < len(data):
                end = at + dice.randint(1, 60)
                adapter.send(data[at:end])
                at = end
                if stop.wait(0.001):
                    return

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5.0)
        assert not thread.is_alive()
