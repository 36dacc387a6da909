"""Which requests to send: neighbouring registers are read together, as far as the meter allows."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """`count` registers from `address` on, read by Modbus function `function` (3 or 4)."""

    function: int
    address: int
    count: int

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.address + self.count

    def __contains__(self, other: "Block") -> bool:
        """Whether the other is read with it."""
        same = other.function == self.function
        return same and self.address <= other.address and other.end <= self.end


def merged(wanted: Iterable[Block], max_registers: int, max_gap: int) -> tuple[Block, ...]:
    """The fewest requests that cover every wanted block whole, in order of address.

    No request is longer than `max_registers` or runs over more than `max_gap` registers in a row
    that nobody wants; a wanted block is never cut, since a meter may refuse half a value, and may
    count on between two requests.
    """
    requests: list[Block] = []
    for block in sorted(set(wanted)):
        last = requests[-1] if requests else None
        if last and last.function == block.function and block.address - last.end <= max_gap:
            end = max(last.end, block.end)
            if end - last.address <= max_registers:
                requests[-1] = Block(last.function, last.address, end - last.address)
                continue
        requests.append(block)
    return tuple(requests)
