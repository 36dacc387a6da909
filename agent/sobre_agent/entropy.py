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
