"""The event loop behind SNMP: one thread for all targets, however many they are.

A target that hangs holds up nobody but the thread that waits for it.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as NotDone
from typing import Any, Protocol, TypeVar

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.snmp.access import Credentials

T = TypeVar("T")

# Beyond a target's own patience: the loop answers for it.
_SLACK_S = 5.0


class Engine(Protocol):
    """What speaks SNMP for one set of credentials."""

    def close_dispatcher(self) -> None: ...


class Exchange:
    """The event loop that all SNMP targets of a process share; it ends with its last user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._engines: dict[Credentials, Engine] = {}

    def enter(self) -> None:
        """One user more; the first starts the loop."""
        with self._lock:
            self._users += 1
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="snmp", daemon=True
                )
                self._thread.start()

    def leave(self) -> None:
        """One user less; the last ends the loop."""
        with self._lock:
            self._users -= 1
            if self._users or self._loop is None or self._thread is None:
                return
            loop, thread = self._loop, self._thread
            self._loop, self._thread = None, None
            asyncio.run_coroutine_threadsafe(self._finish(), loop).result(_SLACK_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_SLACK_S)
            loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """What a coroutine of the loop returns; MeterError if it takes longer than it may."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s + _SLACK_S)
        except NotDone as error:
            future.cancel()
            raise MeterError(
                f"no answer within {timeout_s:g} s; check address and network"
            ) from error

    def engine(self, who: Credentials, make: Callable[[], Engine]) -> Engine:
        """The SNMP engine of these credentials: the same user name may be another's elsewhere."""
        if who not in self._engines:
            self._engines[who] = make()
        return self._engines[who]

    async def _finish(self) -> None:
        for engine in self._engines.values():
            engine.close_dispatcher()
        self._engines.clear()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()
