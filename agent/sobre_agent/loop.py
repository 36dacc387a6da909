"""Asks every source at its own pace and sleeps in between: nothing wakes this process for nothing.

This machine is asked in the main thread. Addresses are asked by others, so that a meter that hangs
delays only those behind the same gateway; all settle in the main thread.
"""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from sobre_agent.askers import Askers
from sobre_agent.config import Allowed
from sobre_agent.schedule import Group, Round, asked, private
from sobre_agent.sources import HERE, Source
from sobre_drivers.clock import Clock

STOP_WITHIN_S = 5.0
# The first turns of all addresses are spread over so long (s), or a shorter pace.
APART_S = 10.0


class Loop:
    """Hands each round to `enter`; runs until `stop`. `beat` is called every `beat_s` at least."""

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        enter: Callable[[Round], None],
        beat: Callable[[], None] = lambda: None,
        beat_s: float | None = None,
    ) -> None:
        self._clock, self._enter = clock, enter
        self._beat, self._beat_s = beat, beat_s
        by_address: dict[str, list[Source]] = {}
        for source in sources:
            by_address.setdefault(source.address, []).append(source)
        here = by_address.pop(HERE, None)
        self._here = None if here is None else Group(here, clock)
        self._elsewhere = [
            Group(group, clock, _apart_s(group, number, len(by_address)))
            for number, group in enumerate(by_address.values())
        ]
        self._inbox: SimpleQueue[Round | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._askers = Askers(self._elsewhere, clock, self._inbox.put, self.end)

    def run(self) -> bool:
        """Ask until stopped, then this machine once more; False if a thread ended on its own."""
        self._askers.start()
        while self.turn(self.wait_s()):
            self._beat()
        asked_to = self._stopping.is_set()
        self._stopping.set()
        self._askers.stop(STOP_WITHIN_S)
        for source in self._here.sources if self._here else ():
            if not (self._here and self._here.allowed.paused and private(source)):
                self._enter(asked(source, self._clock))
        return asked_to

    def allow(self, allowed: Allowed) -> None:
        """Ask as often as the organisation allows, from the next turn of each on."""
        for group in [*self._elsewhere, *([] if self._here is None else [self._here])]:
            group.allowed = allowed

    def stop(self) -> None:
        """End `run`; may be called from any thread and from a signal handler."""
        self._stopping.set()
        self.end()

    def end(self) -> None:
        """Wake the main thread to end, since a thread of this process cannot go on."""
        self._inbox.put(None)

    def wait_s(self) -> float | None:
        """How long (s) there is nothing to do here; None: until a meter says something."""
        if self._here is None:
            return self._beat_s
        wait_s = max(0.0, self._here.due_s() - self._clock.now().mono_s)
        return wait_s if self._beat_s is None else min(wait_s, self._beat_s)

    def turn(self, timeout_s: float | None) -> bool:
        """Ask this machine if it is due, else wait for a meter; False when it is time to end."""
        heard: Round | None
        if self._here is not None and timeout_s == 0.0:
            heard = self._here.ask()
        else:
            try:
                heard = self._inbox.get(timeout=timeout_s)
            except Empty:
                return True
        if heard is None or self._stopping.is_set():
            return False
        self._enter(heard)
        return True


def _apart_s(group: Sequence[Source], number: int, count: int) -> float:
    """When the how-manieth address is first due (s): not all of them at one moment."""
    return min(APART_S, *(source.sample_s for source in group)) * number / count
