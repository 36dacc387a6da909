"""Sends a PC's loads once a day or an hour, by a process that lives for seconds."""

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from sobre_agent.config import AgentConfig
from sobre_agent.entropy import Draw, Entropy
from sobre_agent.naming import Child, ended, started
from sobre_agent.pace import DRAWN_OVER_S, Plan
from sobre_agent.spool import Spool
from sobre_drivers.errors import StoreError
from sobre_drivers.sample import Instant

STOP_WITHIN_S = 10.0
NOTE = "delivery_plan"

log = logging.getLogger(__name__)


class Courier:
    """Looked at after each round.

    Its plan survives a restart: a PC that runs two hours a day would never reach its moment.
    """

    def __init__(
        self, config: AgentConfig, path: Path, spool: Spool, rng: Draw | None = None
    ) -> None:
        self._config, self._path, self._spool = config, path, spool
        self._rng = Entropy() if rng is None else rng
        noted = spool.noted(NOTE)
        self._plan = Plan() if noted is None else Plan(**json.loads(noted))
        self._looked: Instant | None = None
        self._loads_wait = spool.counts().waiting > 0
        self._closed_meanwhile = False
        self._process: Child | None = None

    def look(self, at: Instant, closed: bool) -> None:
        """Plan, start or finish a delivery; `closed` if loads have closed since the last look."""
        if self._looked is not None:
            self._plan = self._plan.run(at.mono_s - self._looked.mono_s)
        self._looked = at
        self._loads_wait = self._loads_wait or closed
        self._closed_meanwhile = self._closed_meanwhile or closed
        period = self._period(at)
        if self._process is not None:
            self._finish(period)
        elif self._loads_wait:
            pace = self._config.delivery.pace
            self._plan = self._plan.wanted(period, DRAWN_OVER_S[pace], self._rng)
            if self._plan.due:
                self._start()

    def save(self) -> None:
        """Note the plan; a disk that refuses costs a moment drawn anew, no load."""
        try:
            self._spool.note(**{NOTE: json.dumps(self._plan.saved())})
        except StoreError as error:
            log.debug("%s", error)

    def stop(self) -> None:
        """End a delivery that is under way; what was not confirmed stays."""
        if self._process is not None:
            self._process.terminate()
            if ended(self._process, STOP_WITHIN_S) is None:
                self._process.kill()
                ended(self._process, STOP_WITHIN_S)
        self.save()

    def _start(self) -> None:
        self._closed_meanwhile = False
        words = [sys.executable, "-m", "sobre_agent.delivery", str(self._path)]
        try:
            self._process = started(words)
        except OSError as error:
            self._failed(f"{words[0]}: {error.strerror}")

    def _finish(self, period: str) -> None:
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return
        self._process = None
        if code == 0:
            self._plan = self._plan.done(period)
            self._loads_wait = self._closed_meanwhile
            log.info("all loads are delivered")
        else:
            self._failed("some loads are still here")

    def _failed(self, problem: str) -> None:
        delivery = self._config.delivery
        if not self._plan.failures:
            log.warning("delivery did not come through: %s; it is tried again", problem)
        self._plan = self._plan.failed(self._rng, delivery.confirm_timeout_s, delivery.retry_max_s)

    def _period(self, at: Instant) -> str:
        local = datetime.fromtimestamp(at.wall_s, tz=UTC).astimezone(self._config.zone)
        return local.strftime(
            "%Y-%m-%d" if self._config.delivery.pace == "daily" else "%Y-%m-%dT%H"
        )
