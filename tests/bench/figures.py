"""Figures of a measurement, beside what the same run measured of a peer or floor."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


class Unavailable(Exception):
    """This measurement cannot be taken here; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity, with the values of each run. `aim` is what design asks for, "" if nothing.

    `beside` names the peer or floor of which `beside_values` were taken in the same runs; `absent`
    says why there are none, where it could not be had.
    """

    what: str
    unit: str
    values: Sequence[float]
    beside: str = ""
    beside_values: Sequence[float] = ()
    aim: str = ""
    absent: str = ""

    def __post_init__(self) -> None:
        if not self.values or bool(self.beside) != bool(self.beside_values or self.absent):
            raise ValueError(f"{self.what}: values are missing")

    @property
    def ratio(self) -> float | None:
        """Ours by theirs, median over the runs; None where there is nothing beside it."""
        if not self.beside_values or not all(self.beside_values):
            return None
        if len(self.values) == len(self.beside_values):
            # Run by run: what slows the machine for a while slows both.
            pairs = zip(self.values, self.beside_values, strict=True)
            return statistics.median(ours / theirs for ours, theirs in pairs)
        return statistics.median(self.values) / statistics.median(self.beside_values)


@dataclass(frozen=True, slots=True)
class Run:
    """How thoroughly to measure, and a folder to do it in.

    `window_s` is how long the agent is watched.
    """

    quick: bool
    window_s: float
    folder: Path

    @property
    def repeats(self) -> int:
        """How often each thing is measured."""
        return 1 if self.quick else 3

    def fresh(self, name: str) -> Path:
        """A new folder that begins with `name`."""
        number = sum(1 for _ in self.folder.glob(f"{name}-*"))
        made = self.folder / f"{name}-{number}"
        made.mkdir(parents=True)
        return made


def in_turn(
    repeats: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Both, one after the other, `repeats` times: what disturbs the machine meets both."""
    pairs = [(ours(), theirs()) for _ in range(repeats)]
    return [first for first, _ in pairs], [second for _, second in pairs]
