"""What the pages show, read from the data folder without ever writing to it.

Answers are kept for a moment, so that many visitors cost no more than one.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from sobre_collector.config import CollectorConfig
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.report.model import Conserved, Report
from sobre_collector.report.source import LEDGER, Place, conserved, made, open_ledger, unstated
from sobre_collector.rows import MADE_UP
from sobre_collector.store.choose import open_series
from sobre_collector.web import now as looking
from sobre_collector.web.status import Status, read

KEPT_NOW_S = 10
KEPT_PERIMETER_S = 60
KEPT_REPORT_S = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fleet:
    """One look at the store, and what the last conservation check found."""

    now: looking.Now | None
    conserved: Conserved | None
    simulated: bool
    zone: ZoneInfo


class Reader:
    """The data folder's content; safe for use from several threads."""

    def __init__(self, where: Place, statuses: Sequence[Path]) -> None:
        self._where = where
        self._statuses = tuple(statuses)
        self._fleet = _Kept(KEPT_NOW_S, self._look)
        self._perimeter = _Kept(KEPT_PERIMETER_S, self._state)
        self._report = _Kept(KEPT_REPORT_S, self._make)

    def own(self) -> list[Status]:
        """What the agents of this machine wrote; StoreError never, an unreadable file says so."""
        return [status for path in self._statuses if (status := read(path)) is not None]

    def fleet(self) -> Fleet:
        """The fleet as it is; StoreError if the store cannot be read."""
        return self._fleet.get()

    def report(self) -> Report | None:
        """The report of the last year known; None while there is no ledger.

        ConfigError for a wrong perimeter, StoreError if the ledger cannot be read.
        """
        return self._report.get()

    def _exists(self) -> bool:
        return (self._where.data / LEDGER).exists()

    def _state(self) -> Perimeter:
        if self._where.perimeter.exists():
            return load_perimeter(self._where.perimeter)
        return unstated(datetime.now(UTC).year)

    def _look(self) -> Fleet:
        stated = self._perimeter.get()
        zone, at_least = stated.timezone, stated.publish_at_least
        if not self._exists():
            return Fleet(None, None, False, zone)
        at = int(time.time())
        ledger = open_ledger(self._where.data)
        try:
            devices, simulated = ledger.devices(), ledger.simulated
            account = conserved(ledger.jobs(), devices.values(), at_least)
        finally:
            ledger.close()
        config = self._where.config or CollectorConfig(data=self._where.data)
        if config.influx.url is None and not (config.data / "series.db").exists():
            return Fleet(None, account, simulated, zone)
        # What was made up reports nothing now, and so is not silent either.
        devices = {key: one for key, one in devices.items() if one.method != MADE_UP}
        # Opened anew each time: a month's file that was forgotten must not be held open here.
        series = open_series(config, zone, "pages", create=False, readonly=True)
        try:
            found = looking.look(
                at,
                devices,
                series.loads(at - looking.RECENT_S, at),
                series.marks(),
                sum(1 for _ in series.quarantined()),
                at_least,
            )
        finally:
            series.close()
        return Fleet(found, account, simulated, zone)

    def _make(self) -> Report | None:
        if not self._exists():
            return None
        now = datetime.now(UTC)
        ledger = open_ledger(self._where.data)
        try:
            return made(ledger, self._perimeter.get(), None, now)
        finally:
            ledger.close()


class _Kept(Generic[T]):
    """An answer that is made anew when it is older than `kept_s`."""

    def __init__(self, kept_s: float, make: Callable[[], T]) -> None:
        self._kept_s = kept_s
        self._make = make
        self._lock = Lock()
        self._found: tuple[float, T] | None = None

    def get(self) -> T:
        with self._lock:
            if self._found is None or time.monotonic() - self._found[0] > self._kept_s:
                self._found = time.monotonic(), self._make()
            return self._found[1]
