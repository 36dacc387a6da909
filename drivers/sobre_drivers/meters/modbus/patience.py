"""How long to wait for whom: a dead meter must not eat the turn of the living on its line."""

import time
from dataclasses import dataclass, field

from sobre_drivers.errors import MeterError

# Who has not answered lately gets this long (s), and its whole time at every fourth try.
SHORT_S = 0.5
_WHOLE_EVERY = 4
# A meter that is heard may become so many times slower than it ever was.
_SLOWER = 3.0
# Where a line is down for one meter, the others find it so without trying (s).
DOWN_S = 5.0


@dataclass(slots=True)
class Patience:
    """The meters of one line by unit id: who answers, how fast, and who does not."""

    units: set[int] = field(default_factory=set)
    _silences: dict[int, int] = field(default_factory=dict)
    _slowest_s: dict[int, float] = field(default_factory=dict)

    def timeout_s(self, unit_id: int, whole_s: float) -> float:
        """How long to wait for this meter now, `whole_s` at most.

        One that is alone on its line gets its whole time always: nobody waits for it.
        """
        silences = self._silences.get(unit_id, 0 if unit_id not in self._slowest_s else None)
        if silences is None or silences % _WHOLE_EVERY == 1 or self.units <= {unit_id}:
            return whole_s
        return min(whole_s, max(SHORT_S, _SLOWER * self._slowest_s.get(unit_id, 0.0)))

    def answered(self, unit_id: int, after_s: float) -> None:
        """It answered, after so long (s)."""
        self._silences.pop(unit_id, None)
        self._slowest_s[unit_id] = max(after_s, self._slowest_s.get(unit_id, 0.0))

    def silent(self, unit_id: int) -> None:
        """It did not answer."""
        self._silences[unit_id] = self._silences.get(unit_id, 0) + 1


class Down:
    """A line that could not be opened: of all behind it, one tries, and the others know."""

    def __init__(self) -> None:
        self._until_s = 0.0
        self._tried_by: int | None = None
        self._problem = ""

    def check(self, unit_id: int) -> None:
        """MeterError if another meter found the line down a moment ago."""
        if unit_id != self._tried_by and time.monotonic() < self._until_s:
            raise MeterError(self._problem)

    def note(self, unit_id: int, problem: str) -> None:
        """It could not be opened for this meter."""
        self._until_s, self._tried_by = time.monotonic() + DOWN_S, unit_id
        self._problem = problem

    def end(self) -> None:
        """It is open."""
        self._until_s = 0.0
