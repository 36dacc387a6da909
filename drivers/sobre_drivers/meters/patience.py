"""How often a device that sleeps is asked: what measures it must not keep it awake.

Makers say that being asked may wake a printer, or start the wait for its sleep anew
(docs/printers-over-the-network.md). Turns are the rounds of the agent, ten minutes apart.
"""

from time import monotonic

# Asked every second turn the longest step stays below the 2.5 periods that count as seen.
_SELDOM = 2
# ENERGY STAR lets an office printer wait an hour at most before it sleeps by itself: once it is
# known that our asking keeps it awake, it is left alone for longer than that.
_HARDLY = 7
# So many answers in a row without a page make a printer idle.
_IDLE = 3
LONGEST_DELAY_S = 3600.0
# Left alone for so long it would have slept if it ever does.
ALONE_S = 3 * LONGEST_DELAY_S


class Patience:
    """Tells at each turn whether the device is left alone, from what it said before."""

    def __init__(self) -> None:
        self.keeps_awake = False
        self._turns = 0
        self._every = 1
        self._idle = 0
        self._idle_since_s = 0.0
        self._last_s: float | None = None
        self._state: str | None = None
        self._slept_alone = False
        self._pages: int | None = None

    def rests(self) -> bool:
        """Whether the device is left alone at this turn."""
        self._turns += 1
        return self._turns % self._every != 0

    def note(self, state: str | None, pages: int | None) -> None:
        """What the device said; `state` None or unknown if it did not answer."""
        now_s = monotonic()
        if self._last_s is not None and now_s - self._last_s >= ALONE_S:
            self._slept_alone = state == "sleep"
        elif state == "sleep" and self._state == "ready" and not self.keeps_awake:
            # It fell asleep while it was asked: no harm is done.
            self._slept_alone = False
        printed = None not in (pages, self._pages) and pages != self._pages
        self._idle = self._idle + 1 if state == "ready" and not printed else 0
        if self._idle <= 1:
            self._idle_since_s = now_s
        idle_s = now_s - self._idle_since_s
        if self._slept_alone and self._idle > _IDLE and idle_s > LONGEST_DELAY_S:
            self.keeps_awake = True
        self._last_s, self._state, self._pages = now_s, state, pages
        self._turns, self._every = 0, self._pace(state)

    def _pace(self, state: str | None) -> int:
        if self.keeps_awake and state in ("ready", "sleep"):
            return _HARDLY
        return _SELDOM if state == "sleep" or self._idle >= _IDLE else 1
