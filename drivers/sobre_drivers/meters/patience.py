"""How often a device that sleeps is asked: what measures it must not keep it awake.

Makers say that being asked may wake a printer, or start the wait for its sleep anew
(docs/printers-over-the-network.md).
"""

from time import monotonic

# Asleep or idle, every second of the rounds that are ten minutes apart: such a step stays below
# the 2.5 periods that count as seen.
_SELDOM_S = 1100.0
# So many answers in a row without a page make a printer idle.
_IDLE = 3
# ENERGY STAR lets an office printer wait an hour at most before it sleeps by itself: once it is
# known that our asking keeps it awake, it is left alone for longer than that.
LONGEST_DELAY_S = 3600.0
_HARDLY_S = LONGEST_DELAY_S + 300
# Left alone for so long it would have slept if it ever does.
ALONE_S = 3 * LONGEST_DELAY_S
# Beyond the delay that a device states itself.
_MARGIN_S = 60.0


class Patience:
    """Tells at each round whether the device is left alone, from what it said before."""

    def __init__(self) -> None:
        self.keeps_awake = False
        self._wait_s = 0.0
        self._idle = 0
        self._idle_since_s = 0.0
        self._last_s: float | None = None
        self._state: str | None = None
        self._slept_alone = False
        self._pages: int | None = None

    def rests(self) -> bool:
        """Whether the device is left alone in this round."""
        return self._last_s is not None and monotonic() - self._last_s < self._wait_s

    def note(self, state: str | None, pages: int | None, delay_s: float | None = None) -> None:
        """What the device said; `state` None or unknown if it did not answer.

        `delay_s` is after how long it sleeps, where it says so itself.
        """
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
        self._wait_s = self._pause_s(state, delay_s or 0.0)

    def _pause_s(self, state: str | None, delay_s: float) -> float:
        if self.keeps_awake and state in ("ready", "sleep"):
            return _HARDLY_S
        if state == "sleep":
            return _SELDOM_S
        if self._idle < _IDLE:
            return 0.0
        return max(_SELDOM_S, delay_s + _MARGIN_S)
