"""How far a stream has come: what of it is here, what never came, what time it claims."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from enum import Enum

# Each hole costs a range that is written with every commit of its stream. Beyond this many the
# oldest are given up: what still comes for them is set aside as a fork, and so is not lost.
MAX_HOLES = 1000


class Place(Enum):
    """Where a range of sequence numbers falls: never seen, all seen, or seen in part."""

    NEW = 1
    HELD = 2
    PART = 3


@dataclass(slots=True)
class Mark:
    """The last `seq` and its `register_j` (J); holes are inclusive ranges, in order.

    `start` and `end` bound the time that the stream's counted loads claim (Unix seconds, 0 and 0
    while there are none). `touched` is what must be rebuilt: (start, end, number of the commit).
    """

    seq: int = 0
    register_j: int = 0
    start: int = 0
    end: int = 0
    personal: bool = False
    holes: list[tuple[int, int]] = field(default_factory=list)
    touched: tuple[int, int, int] | None = None

    def copy(self) -> "Mark":
        """A mark that can be moved while this one stays."""
        return Mark(
            self.seq,
            self.register_j,
            self.start,
            self.end,
            self.personal,
            self.holes[:],
            self.touched,
        )

    def place(self, first: int, last: int) -> Place:
        """Where the sequence numbers `first` to `last` fall."""
        if first > self.seq:
            return Place.NEW
        if not self.holes:
            return Place.HELD if last <= self.seq else Place.PART
        at = bisect_left(self.holes, (first + 1,)) - 1
        if at >= 0 and first >= self.holes[at][0] and last <= self.holes[at][1]:
            return Place.NEW
        beside = self.holes[max(at, 0) : at + 2]
        meets = any(low <= last and first <= high for low, high in beside)
        return Place.PART if meets or last > self.seq else Place.HELD

    def take(self, first: int, last: int, register_j: int) -> None:
        """Count a range that is NEW as seen: beyond the mark, or in a hole."""
        if first > self.seq:
            if first > self.seq + 1:
                self.holes.append((self.seq + 1, first - 1))
                del self.holes[:-MAX_HOLES]
            self.seq, self.register_j = last, register_j
            return
        at = bisect_left(self.holes, (first + 1,)) - 1
        low, high = self.holes.pop(at)
        if low < first:
            insort(self.holes, (low, first - 1))
        if last < high:
            insort(self.holes, (last + 1, high))

    def claims(self, start: int, end: int) -> bool:
        """Whether time between two Unix seconds was counted by this stream already."""
        return start < self.end and end > self.start

    def count(self, start: int, end: int, number: int) -> None:
        """Note the time of a load that counts, and that its days must be rebuilt."""
        if self.end == 0:
            self.start, self.end = start, end
        else:
            if start < self.start:
                self.start = start
            if end > self.end:
                self.end = end
        if self.touched is None:
            self.touched = (start, end, number)
        else:
            low, high, _ = self.touched
            self.touched = (
                low if low < start else start,
                high if high > end else end,
                number,
            )
