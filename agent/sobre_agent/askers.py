"""Asks what is elsewhere, with as many threads as there are answers awaited at a time.

Most meters answer at once, so two threads ask hundreds of addresses; one that hangs keeps the
thread that asked it, and another takes over.
"""

import heapq
import math
import threading
from collections.abc import Callable, Sequence

from sobre_agent.schedule import Group, Round
from sobre_drivers.clock import Clock

# So many stay for the next that is due; the others end.
IDLE_KEPT = 4


class Askers:
    """Hands each round of the groups to `hear`; calls `broke` if one of its threads ended."""

    def __init__(
        self,
        groups: Sequence[Group],
        clock: Clock,
        hear: Callable[[Round], None],
        broke: Callable[[], None],
    ) -> None:
        self._groups, self._clock = groups, clock
        self._hear, self._broke = hear, broke
        # Groups that nobody asks now, by when they are due.
        self._due = [(group.due_s(), number) for number, group in enumerate(groups)]
        heapq.heapify(self._due)
        self._changed = threading.Condition()
        self._idle = 0
        # Until when one of the idle waits for the next that is due; the others wait for a word.
        self._watched_until_s = math.inf
        self._stopping = False
        self._threads: set[threading.Thread] = set()

    def start(self) -> None:
        """Begin to ask."""
        if self._groups:
            with self._changed:
                self._add()

    def stop(self, within_s: float) -> None:
        """Ask no more; whoever still waits for an answer is left to itself after that time (s)."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(within_s / len(threads))

    def _add(self) -> None:
        thread = threading.Thread(target=self._work, daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work(self) -> None:
        well = False
        try:
            with self._changed:
                while (number := self._next()) is not None:
                    self._changed.release()
                    try:
                        self._hear(self._groups[number].ask())
                    finally:
                        self._changed.acquire()
                    heapq.heappush(self._due, (self._groups[number].due_s(), number))
                self._threads.discard(threading.current_thread())
            well = True
        finally:
            if not well:
                self._broke()

    def _next(self) -> int | None:
        """Wait for the next group that is due, and see that another waits for the one after it.

        None: there is nothing more to do for this thread.
        """
        while not self._stopping:
            now_s, due_s = self._clock.now().mono_s, math.inf
            if self._due:
                due_s = self._due[0][0]
                if due_s <= now_s:
                    _, number = heapq.heappop(self._due)
                    if self._idle:
                        self._changed.notify()
                    else:
                        self._add()
                    return number
            if due_s < self._watched_until_s:
                self._watch(due_s, due_s - now_s)
            elif self._idle >= IDLE_KEPT:
                return None
            else:
                self._wait(None)
        return None

    def _watch(self, due_s: float, left_s: float) -> None:
        self._watched_until_s = due_s
        try:
            self._wait(left_s)
        finally:
            if self._watched_until_s == due_s:
                self._watched_until_s = math.inf

    def _wait(self, left_s: float | None) -> None:
        self._idle += 1
        try:
            self._changed.wait(left_s)
        finally:
            self._idle -= 1
