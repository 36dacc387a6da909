"""The scheduler: it only wakes the house often; what is due, the ledger knows."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event, Lock

from apscheduler.schedulers.background import BackgroundScheduler

from sobre_collector.config import Keep
from sobre_collector.conservation import check_in_words
from sobre_collector.duties import Check, House, duties, run_duty
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.rebuild import DAYS, rebuild_days
from sobre_collector.rulings import carry_out, readmit_known
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import nowhere
from sobre_drivers.clock import Clock
from sobre_drivers.errors import SobreError

log = logging.getLogger(__name__)
# The scheduler tells of every waking: two lines a minute that nobody needs.
logging.getLogger("apscheduler").setLevel(logging.WARNING)

WAKE_S = 60
# Somebody waits for a decision to be carried out.
DECIDE_S = 5
DECISIONS = "decisions"
# Days are built at most for this part of the time, so that a large fleet's present day, which every
# minute touches, is not built all day long.
BUSY_RATIO = 0.1


class Jobs:
    """The jobs of one collector, woken every minute in a thread of their own until `stop`.

    A job that fails is told once in the log, tried again at each waking, and stops no other.
    """

    def __init__(
        self,
        series: Series,
        ledger: Ledger,
        perimeter: Perimeter,
        clock: Clock,
        *,
        keep: Keep | None = None,
        check: Check | None = check_in_words,
        ledger_file: Path | None = None,
        backups: Path | None = None,
        paused: Callable[[], AbstractContextManager[object]] = nullcontext,
        crash: Callable[[str], None] = nowhere,
        announce: Callable[[], None] | None = None,
    ) -> None:
        self._announce = announce
        self._house = House(
            series,
            ledger,
            perimeter,
            keep or Keep(),
            check,
            ledger_file,
            backups,
            paused,
            crash,
        )
        self._clock = clock
        self._lock = Lock()
        self._stopping = Event()
        self._rest_until_s = float("-inf")
        self._failing: dict[str, str] = {}
        self._scheduler: BackgroundScheduler | None = None

    def start(self) -> None:
        """Wake at once, then every minute."""
        # UTC, since an interval in local time would stand still in the hour that a clock repeats.
        self._stopping.clear()
        scheduler = BackgroundScheduler(timezone="UTC")
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        at_once = datetime.now(UTC)
        scheduler.add_job(
            self.wake, "interval", seconds=WAKE_S, id="wake", next_run_time=at_once, **options
        )
        scheduler.add_job(self.decide, "interval", seconds=DECIDE_S, id="decide", **options)
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> None:
        """Let the job or the day that is being built finish, and wake no more."""
        self._stopping.set()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
            self._scheduler = None

    def wake(self) -> None:
        """Do what is due now."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            house, instant = self._house, self._clock.now()
            now = int(instant.wall_s)
            self._try(DECISIONS, partial(carry_out, self._house, now))
            if instant.mono_s >= self._rest_until_s:
                self._try(DAYS, partial(self._rebuild, now))
            self._try("ledger", partial(self._all_due, now))
            if self._announce is not None:
                # The others may have met a device before they were told of it.
                self._try("readmission", partial(readmit_known, house.series, house.ledger))
                self._announce()
        finally:
            self._lock.release()

    def decide(self) -> None:
        """Carry out what people decided, if nothing else is being done."""
        if self._house.ledger.decisions.pending() and self._lock.acquire(blocking=False):
            try:
                now = int(self._clock.now().wall_s)
                self._try(DECISIONS, partial(carry_out, self._house, now))
            finally:
                self._lock.release()

    @property
    def failing(self) -> dict[str, str]:
        """What does not work at present, and why."""
        return dict(self._failing)

    def _rebuild(self, now: int) -> None:
        begun_s = self._clock.now().mono_s
        house = self._house
        rebuild_days(house.series, house.ledger, house.perimeter, now, self._stopping.is_set)
        ended_s = self._clock.now().mono_s
        self._rest_until_s = ended_s + (ended_s - begun_s) / BUSY_RATIO

    def _all_due(self, now: int) -> None:
        for duty in duties(self._house, now):
            if self._stopping.is_set():
                return
            self._try(f"{duty.job} {duty.period}", partial(run_duty, self._house, duty, now))

    def _try(self, name: str, run: Callable[[], object]) -> None:
        try:
            run()
        except SobreError as error:
            if self._failing.get(name) != str(error):
                log.error("%s does not work: %s", name, error)
            self._failing[name] = str(error)
        else:
            if self._failing.pop(name, None) is not None:
                log.info("%s works again", name)


def run_due(
    series: Series,
    ledger: Ledger,
    perimeter: Perimeter,
    now: int,
    *,
    keep: Keep | None = None,
    check: Check | None = check_in_words,
    ledger_file: Path | None = None,
    backups: Path | None = None,
) -> list[tuple[str, str, str]]:
    """Do all that is due at `now` (Unix seconds), here and now: (job, period, what it did).

    The first that fails raises; what was done before it stays done.
    """
    house = House(series, ledger, perimeter, keep or Keep(), check, ledger_file, backups)
    carry_out(house, now)
    rebuilt = rebuild_days(series, ledger, perimeter, now)
    found = [(DAYS, "", f"{rebuilt} days")]
    for duty in duties(house, now):
        found.append((duty.job, duty.period, run_duty(house, duty, now)))
    return found
