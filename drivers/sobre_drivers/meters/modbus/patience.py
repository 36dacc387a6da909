"""How long to wait for whom: a dead meter must not eat the turn of the living on its line."""

import math
import time
from dataclasses import dataclass, field

from sobre_drivers.errors import MeterError

# Who has not answered lately gets this long (s). A meter may need its whole time to answer: one of
# those who do not gets it so often (s), in turn.
SHORT_S = 0.5
WHOLE_EVERY_S = 30.0
# A meter that is heard may become so many times slower than it ever was.
_SLOWER = 3.0
# Where a line is down for one meter, the others find it so without trying (s).
DOWN_S = 5.0


@dataclass(slots=True)
class Patience:
    """The meters of one line by unit id: who answers, how fast, and who does not.

    `now_s` is on a clock that never jumps (s).
    """

    units: set[int] = field(default_factory=set)
    _slowest_s: dict[int, float] = field(default_factory=dict)
    # Who is silent, and when they last had their whole time.
    _silent: dict[int, float] = field(default_factory=dict)
    _given_s: float = -math.inf

    def timeout_s(self, unit_id: int, whole_s: float, now_s: float) -> float:
        """How long to wait for this meter now, `whole_s` at most.

        One that is alone on its line gets its whole time always: nobody waits for it.
        """
        heard = unit_id in self._slowest_s and unit_id not in self._silent
        if heard or self.units <= {unit_id}:
            return whole_s
        longest_ago_s = min(self._silent.values(), default=math.inf)
        its_turn = self._silent.get(unit_id, math.inf) <= longest_ago_s < math.inf
        if its_turn and now_s - self._given_s >= WHOLE_EVERY_S:
            self._given_s = self._silent[unit_id] = now_s
            return whole_s
        return min(whole_s, max(SHORT_S, _SLOWER * self._slowest_s.get(unit_id, 0.0)))

    def behind_gateway_s(self, unit_id: int, whole_s: float, now_s: float) -> float:
        """The same over a network, which may itself be slow: less than the whole time only for one
        that was silent all that time, and no less than the others behind the gateway need."""
        slowest_s = max(self._slowest_s.values(), default=math.inf)
        if unit_id not in self._silent:
            return whole_s
        waits_s = self.timeout_s(unit_id, whole_s, now_s)
        return max(waits_s, min(whole_s, _SLOWER * slowest_s))

    def answered(self, unit_id: int, after_s: float) -> None:
        """It answered, after so long (s)."""
        self._silent.pop(unit_id, None)
        self._slowest_s[unit_id] = max(after_s, self._slowest_s.get(unit_id, 0.0))

    def silent(self, unit_id: int) -> None:
        """It did not answer."""
        self._silent.setdefault(unit_id, -math.inf)


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
