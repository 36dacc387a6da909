"""The collector as it runs: one thread of the network, one that writes, and the jobs.

A group of messages is committed at once and answered only then. SIGTERM lets what is here be
committed and answered before the end.
"""

import logging
import os
import signal
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Protocol

from sobre_collector.config import Mqtt
from sobre_collector.inbox import Inbox
from sobre_collector.intake import Intake
from sobre_collector.limits import Limits
from sobre_collector.mqtt import Link
from sobre_collector.sharing import Sharing

log = logging.getLogger(__name__)

# What one commit takes at most, and how long a smaller group waits for company.
GROUP = 2_000
LINGER_S = 0.1
# How often a collector that stands by looks whether it is needed.
ASK_S = 1.0
CRASH_AT = "SOBRE_CRASH_AT"


def never() -> bool:
    """There is nobody to give way to."""
    return False


class Work(Protocol):
    """What goes on beside the intake."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Service:
    """Takes in what the broker brings until `stop`; `jobs` start and end with it.

    `sharing` says how the work is parted with other collectors; None means that there are none.
    """

    def __init__(
        self,
        settings: Mqtt,
        intake: Intake,
        jobs: Work | None = None,
        limits: Limits | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        self._inbox = Inbox(settings.queue_loads)
        self._intake = intake
        self._jobs = jobs
        self._limits = limits
        self._full = False
        self._ended = Event()
        self._sharing = sharing or Sharing()
        self._link = Link(settings, self._received, self._sharing.topics(), self._sharing.connected)
        self._sharing.use(self._link)
        self._writer = Thread(target=self._write, name="writer")

    def run(self, give_way: Callable[[], bool] = never) -> bool:
        """Take in until SIGTERM or SIGINT, then commit and answer what is here.

        So it does as well once `give_way`, asked each second, says so. False if the writer ended by
        itself, which is a fault.
        """
        asked = Event()

        def stop(*_: object) -> None:
            asked.set()
            self._ended.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._writer.start()
            self._link.start()
            if self._jobs is not None:
                self._jobs.start()
            while not self._ended.wait(None if give_way is never else ASK_S):
                if give_way():
                    stop()
        finally:
            self._inbox.close()
            self._writer.join()
            self._link.stop()
            if self._jobs is not None:
                self._jobs.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return asked.is_set()

    def _received(self, topic: str, payload: bytes) -> None:
        if self._sharing.received(topic, payload):
            return
        if self._limits is not None and not self._limits.message(topic, time.monotonic()):
            return
        taken = self._inbox.offer(topic, payload)
        if not taken and not self._full:
            log.warning("more comes than can be stored; agents keep the rest for later")
            self._full = True
        elif self._full and self._inbox.easy:
            log.info("there is room again; %s messages were left", self._inbox.dropped)
            self._full = False

    def _write(self) -> None:
        try:
            while (messages := self._inbox.take(GROUP, LINGER_S)) is not None:
                self._link.publish(self._intake.take(messages))
                self._sharing.announce()
        finally:
            self._ended.set()


def crash_point() -> Callable[[str], None]:
    """Where a test cuts the power: at the step that the environment names, if it names one."""
    wanted = os.environ.get(CRASH_AT)

    def crash(step: str) -> None:
        if step == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash
