"""What one node may ask of the collector, so that none takes it from the others.

Far above what an honest node sends, also after a month offline. What is beyond is not confirmed: an
honest agent keeps it and sends it again.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sobre_collector.rows import Quarantined
from sobre_drivers.load import NODE
from sobre_drivers.topics import PREFIX

MESSAGES = "messages"
BIRTHS = "births"
LOADS = "loads"
DEVICES = "devices"
ASIDE = "quarantined"


@dataclass(frozen=True, slots=True)
class Most:
    """The bounds of one node: rates in 1/s, each with what may come at once."""

    messages: tuple[float, float] = (100.0, 1_000.0)
    # A reader says all its devices again each time it connects.
    births: tuple[float, float] = (50.0, 60_000.0)
    loads: tuple[float, float] = (5_000.0, 50_000.0)
    # A room of 500 PDUs with 48 outlets each is 24,500.
    devices: int = 50_000
    quarantined_rows: int = 10_000
    quarantined_bytes: int = 16 * 2**20


class Rate:
    """A bucket per node that fills at `per_s` up to `at_once`; those that are full are not kept."""

    MOST_NODES = 20_000

    def __init__(self, per_s: float, at_once: float) -> None:
        self._per_s, self._at_once = per_s, at_once
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, node: str, count: float, mono_s: float) -> bool:
        """Whether `count` more are within the rate at this monotonic time; they are then taken.

        A full bucket lets through what is more than it holds: a message cannot come in parts.
        """
        left, since_s = self._left.get(node, (self._at_once, mono_s))
        left = min(self._at_once, left + (mono_s - since_s) * self._per_s)
        taken = left >= min(count, self._at_once)
        self._left[node] = (left - count if taken else left, mono_s)
        if len(self._left) > self.MOST_NODES:
            self._forget_full(mono_s)
        return taken

    def _forget_full(self, mono_s: float) -> None:
        full_s = self._at_once / self._per_s
        self._left = {
            node: bucket for node, bucket in self._left.items() if mono_s - bucket[1] < full_s
        }
        if len(self._left) > self.MOST_NODES:
            # More nodes at once than there can be: none of them is held to anything for a moment.
            self._left.clear()


class Limits:
    """Counts what each node sends. `exceeded` says how much was left, and by whom, since `told`.

    `message` is for the network's thread, all else for the writer's.
    """

    def __init__(self, most: Most | None = None) -> None:
        self.most = most or Most()
        self._messages = Rate(*self.most.messages)
        self._births = Rate(*self.most.births)
        self._loads = Rate(*self.most.loads)
        self._topics: dict[str, tuple[Rate | None, str, str]] = {}
        self._rows: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._exceeded: Counter[tuple[str, str]] = Counter()
        self._left: Counter[tuple[str, str]] = Counter()

    def message(self, topic: str, mono_s: float) -> bool:
        """Whether a message may come in at all."""
        known = self._topics.get(topic)
        if known is None:
            known = self._told_apart(topic)
            if len(self._topics) < Rate.MOST_NODES:
                self._topics[topic] = known
        rate, node, what = known
        if rate is None or rate.take(node, 1.0, mono_s):
            return True
        self._left[node, what] += 1
        return False

    def _told_apart(self, topic: str) -> tuple[Rate | None, str, str]:
        parts = topic.split("/", 4)
        # What names no node, the reader refuses.
        if len(parts) < 4 or not topic.startswith(PREFIX) or NODE.fullmatch(parts[2]) is None:
            return None, "", ""
        if parts[3] == "birth":
            return self._births, parts[2], BIRTHS
        return self._messages, parts[2], MESSAGES

    def loads(self, node: str, count: int, mono_s: float) -> bool:
        """Whether a node may bring so many loads now."""
        return self._loads.take(node, float(count), mono_s) or self._beyond(node, LOADS, count)

    def devices(self, node: str, known: int) -> bool:
        """Whether a node that has so many devices may have one more."""
        return known < self.most.devices or self._beyond(node, DEVICES, 1)

    def aside(self, node: str, rows: int, size: int) -> bool:
        """Whether rows of so many bytes may be quarantined for a node; they are then counted."""
        rows_n, bytes_n = self._rows[node] + rows, self._bytes[node] + size
        if rows_n > self.most.quarantined_rows or bytes_n > self.most.quarantined_bytes:
            return self._beyond(node, ASIDE, rows)
        self._rows[node], self._bytes[node] = rows_n, bytes_n
        return True

    def recount(self, quarantined: Iterable[Quarantined]) -> None:
        """Count what is quarantined: some of it may have been forgotten or decided upon."""
        rows: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for row in quarantined:
            rows[row.node] += 1
            sizes[row.node] += len(row.payload or b"") + ROW_BYTES
        self._rows, self._bytes = rows, sizes

    def told(self) -> list[tuple[str, str, int]]:
        """(node, what, how much) was left since this was last asked."""
        # The network's thread goes on counting in the new one.
        left, self._left = self._left, Counter()
        beyond, self._exceeded = self._exceeded + left, Counter()
        return [(node, what, count) for (node, what), count in beyond.items()]

    def _beyond(self, node: str, what: str, count: int) -> bool:
        self._exceeded[node, what] += count
        return False


# What a quarantined load takes on the disk, about.
ROW_BYTES = 500
