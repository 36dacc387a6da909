"""Counts what reaches the collector more often than once."""

import json
from threading import Lock

from faults.proxy import PUBLISH


class Seen:
    """Handed to a proxy before the collector: loads that came, and how many came before."""

    def __init__(self) -> None:
        self.repeats = 0
        self._known: set[tuple[str, str, str, int]] = set()
        self._lock = Lock()

    def heard(self, kind: int, body: bytes) -> None:
        """Take a packet of the broker's."""
        if kind != PUBLISH:
            return
        size = 2 + int.from_bytes(body[:2], "big")
        node, _, what = body[2:size].decode().removeprefix("sobre/v1/").partition("/")
        if what != "load":
            return
        message = json.loads(body[size:])
        idents = {(node, message["stream"], x["device"], x["seq"]) for x in message["loads"]}
        with self._lock:
            self.repeats += len(idents & self._known)
            self._known |= idents
