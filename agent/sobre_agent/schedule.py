"""Whose turn it is to be asked, and when: a heap of due times on the monotonic clock."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from sobre_agent.config import Allowed
from sobre_agent.sources import Source
from sobre_drivers.clock import Clock
from sobre_drivers.errors import MeterError
from sobre_drivers.load import personal
from sobre_drivers.sample import Instant, Reading

# A meter that is back is noticed within this time (s), unless it is asked less often anyway.
LONGEST_RETRY_S = 30.0
# A workstation that is paused looks so often (s) whether it still is.
PAUSED_S = 600.0


@dataclass(frozen=True, slots=True)
class Round:
    """What a source said when it was asked; `problem` if it said nothing."""

    source: Source
    at: Instant
    readings: Sequence[Reading]
    problem: str | None = None


def after(due_s: float, now_s: float, period_s: float, failures: int) -> float:
    """When a source is due again: at its own pace, later and later while it fails.

    Turns that were missed are left out, and the pace stays in step with the first turn.
    """
    wait_s = min(period_s * 2.0 ** min(failures, 16), max(period_s, LONGEST_RETRY_S))
    missed = max(0, int((now_s - due_s) // wait_s))
    return due_s + (missed + 1) * wait_s


@dataclass(order=True, slots=True)
class _Turn:
    due_s: float
    number: int
    failures: int = 0


class Group:
    """Sources that are asked one after another: those behind one address, or this machine.

    They are due from `delay_s` (s) on.
    """

    def __init__(self, sources: Sequence[Source], clock: Clock, delay_s: float = 0.0) -> None:
        self.sources = sources
        self.allowed = Allowed()
        self._clock = clock
        due_s = clock.now().mono_s + delay_s
        self._turns = [_Turn(due_s, number) for number in range(len(sources))]

    def due_s(self) -> float:
        """When the next of them is due."""
        return self._turns[0].due_s

    def ask(self) -> Round:
        """Ask the one that is due first, and note when it is due again."""
        turn = self._turns[0]
        source = self.sources[turn.number]
        period_s = source.sample_s * self.allowed.slower
        if self.allowed.paused and private(source):
            heard, period_s = Round(source, self._clock.now(), ()), max(period_s, PAUSED_S)
        elif source.times is not None and not source.times.hold(self._clock.now().wall_s):
            heard = Round(source, self._clock.now(), ())
        else:
            heard = asked(source, self._clock)
        turn.failures = 0 if heard.problem is None else turn.failures + 1
        turn.due_s = after(turn.due_s, heard.at.mono_s, period_s, turn.failures)
        heapq.heapreplace(self._turns, turn)
        return heard


def private(source: Source) -> bool:
    """Whether a source tells when a person is there."""
    return any(personal(each.device_class) for each in source.driver.describe())


def asked(source: Source, clock: Clock) -> Round:
    """Ask a source once. What it cannot say is a problem of this round, never of the others."""
    try:
        readings = source.driver.read()
    except (MeterError, OSError, ValueError, ArithmeticError, LookupError) as error:
        return Round(source, clock.now(), (), str(error) or type(error).__name__)
    return Round(source, clock.now(), readings)
