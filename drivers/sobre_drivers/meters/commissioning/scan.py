"""What every scan is given, and what it hands back: nothing is written, nobody is hurried."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sobre_drivers.meters.commissioning.found import Found
from sobre_drivers.meters.commissioning.targets import Pace


@dataclass(frozen=True, slots=True)
class Way:
    """How a scan goes: one request at a time on a line, each at its turn and within `timeout_s`.

    `say` tells people how far it is.
    """

    pace: Pace
    timeout_s: float
    folder: Path | None = None
    say: Callable[[str], None] = lambda text: None


class Job(NamedTuple):
    """One line or host: so many requests tell who answers, and about `each` more what it is."""

    subject: str
    probes: int
    each: int
    run: Callable[[Way], Iterator[Found]]
