"""Messages wait here between the network's thread and the one that writes.

Bounded: what does not fit is dropped. It was not confirmed, so its agent sends it again.
"""

import time
from collections import deque
from threading import Condition

Message = tuple[str, bytes]

# A load is this long at least, so that a message's length bounds how many it can hold.
LEAST_LOAD_BYTES = 128


class Inbox:
    """A queue of at most `most_loads` loads, as far as the lengths of messages tell."""

    def __init__(self, most_loads: int) -> None:
        self._most = most_loads
        self._waiting: deque[Message] = deque()
        self._loads = 0
        self._changed = Condition()
        self._closed = False
        self.dropped = 0

    def offer(self, topic: str, payload: bytes) -> bool:
        """Put a message in; False if there is no room, or nobody takes any more."""
        loads = _loads(payload)
        with self._changed:
            if self._closed or self._loads + loads > self._most:
                self.dropped += 1
                return False
            self._loads += loads
            self._waiting.append((topic, payload))
            # The writer only sleeps while this is empty.
            if len(self._waiting) == 1:
                self._changed.notify()
            return True

    def take(self, most: int, linger_s: float) -> list[Message] | None:
        """Up to `most` messages, once there is one; None when closed and empty.

        A group that is not full waits `linger_s` for more: one commit then serves them all.
        """
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            if not self._waiting:
                return None
            full = len(self._waiting) >= most or self._closed
        if not full:
            time.sleep(linger_s)
        with self._changed:
            count = min(most, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(count)]
            self._loads -= sum(_loads(payload) for _, payload in taken)
            return taken

    @property
    def easy(self) -> bool:
        """Whether less than half of the room is taken."""
        return self._loads * 2 < self._most

    def close(self) -> None:
        """Take nothing more in; what is here can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify()


def _loads(payload: bytes) -> int:
    return 1 + len(payload) // LEAST_LOAD_BYTES
