"""Random moments from the system's own source: cloned PCs draw different ones."""

import os
from typing import Protocol


class Draw(Protocol):
    """A source of random numbers; `random.Random` is one for tests."""

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` to `high`, each as likely as the other."""
        ...


class Entropy:
    """Draws from the system; the `random` module weighs half a MiB."""

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return low + (high - low) * int.from_bytes(os.urandom(6), "big") / (2**48 - 1)


def uuid4() -> str:
    """A random UUID (RFC 9562, 5.4); the `uuid` module brings 0.2 MiB and asks for libuuid."""
    drawn = int.from_bytes(os.urandom(16), "big")
    # Six bits are fixed: version 4, variant "10".
    drawn = drawn & ~(0xF000 << 64) & ~(0xC000 << 48) | 0x4000 << 64 | 0x8000 << 48
    digits = f"{drawn:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
