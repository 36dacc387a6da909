"""The accounts of all devices and the spool behind them: samples in, numbered loads on disk."""

import logging
from collections.abc import Iterable
from contextlib import suppress

from sobre_agent.account import Account
from sobre_agent.config import AgentConfig, Allowed
from sobre_agent.cutters import Cutter, cutter_for
from sobre_agent.elapsed import Reference, believed
from sobre_agent.open_load import GRAINS, Span, merged
from sobre_agent.schedule import Round
from sobre_agent.sources import Source, birth_of
from sobre_agent.spool import REFERENCE, Spool
from sobre_drivers.calendar import local_day
from sobre_drivers.clock import COUNTS_SLEEP
from sobre_drivers.errors import StoreError
from sobre_drivers.sample import UJ_PER_J, Described, Instant, Sample

# A disk that refused is asked again after this time (s).
DISK_RETRY_S = 60.0
# More spans than this (and so many a device) are merged while they wait in memory.
MOST_PENDING = 2000
MOST_PENDING_PER_DEVICE = 8

log = logging.getLogger(__name__)


class Books:
    """What every device used. Whatever the disk refuses waits in memory until it takes it."""

    def __init__(self, config: AgentConfig, sources: Iterable[Source], spool: Spool) -> None:
        self._spool = spool
        self._accounts: dict[str, Account] = {}
        self.described: dict[str, Described] = {}
        self._pending: list[Span] = []
        self._refused_s: float | None = None
        self._config = config
        self._allowed = Allowed()
        self._sources: dict[str, Source] = {}
        self._settled_j: dict[str, int] = {}
        for source in sources:
            self._meet(source)
        spool.forget_births(self._accounts)
        self._zone = config.zone
        self._tolerance_s = config.delivery.clock_tolerance_s
        # What a process before this one noted may be of another start of this machine.
        self._noted = spool.noted(REFERENCE)
        self._reference: Reference | None = None
        self._clock_known = True
        self._most = max(MOST_PENDING, MOST_PENDING_PER_DEVICE * len(self._accounts))
        self._merge_at = self._most

    def enter(self, heard: Round) -> bool:
        """Settle what a source said; whether loads were closed and are on disk."""
        closed = False
        at, known = self._stamp(heard.at)
        for reading in heard.readings:
            if reading.device not in self._accounts:
                # A screen was plugged in: what a source measures may grow while it runs.
                with suppress(StoreError):
                    self._meet(heard.source)
            account = self._accounts.get(reading.device)
            if account is None:
                continue
            spans = account.take(Sample(at, reading), known)
            for finding in account.findings():
                log.warning("%s: %s", reading.device, finding)
            self._pending += spans
            closed = closed or bool(spans)
        waited = self._refused_s is None or heard.at.mono_s - self._refused_s >= DISK_RETRY_S
        return self._settle(heard.at.mono_s) if self._pending and (closed or waited) else False

    def allow(self, allowed: Allowed) -> None:
        """Cut loads as the organisation allows, from the next one on."""
        self._allowed = allowed
        for device, account in self._accounts.items():
            account.pace(*self._pace(self._sources[device], device, allowed))

    def checkpoint(self, now_s: float, clean: bool = False) -> bool:
        """Save all accounts, and the loads that wait; `clean` if nothing is sampled after it."""
        self._look_up()
        return self._settle(now_s, clean, checkpoint=True)

    def open_j(self, device: str) -> int:
        """Energy (J) of the load that is still open, and of those the disk has not taken."""
        open_uj = int(self._accounts[device].saved()["open"]["energy_uj"])
        return open_uj // UJ_PER_J + sum(s.energy_j for s in self._pending if s.device == device)

    def total_j(self, device: str) -> int:
        """The running total (J) of a device, with what no load tells of yet."""
        return self._settled_j[device] + self.open_j(device)

    def _meet(self, source: Source) -> None:
        """Open an account for each device of a source that has none."""
        for each in source.driver.describe():
            if each.device in self._accounts:
                continue
            known = self._spool.meet(each.device, each.method, birth_of(each, self._config))
            cutter, sample_s = self._pace(source, each.device, self._allowed)
            self._accounts[each.device] = Account(each, cutter, sample_s, known.state)
            self._settled_j[each.device] = known.register_j
            self._sources[each.device] = source
            self.described[each.device] = each

    def _pace(self, source: Source, device: str, allowed: Allowed) -> tuple[Cutter, float]:
        config = self._config
        load = allowed.longer(source.load_of(device))
        cutter = cutter_for(load, config.zone, config.working_hours)
        return cutter, source.sample_s * allowed.slower

    def _stamp(self, at: Instant) -> tuple[Instant, bool]:
        """The instant as we believe it, and whether its wall clock is known."""
        stamped = believed(at, self._reference, self._tolerance_s)
        known = stamped is not None
        if known != self._clock_known:
            self._clock_known = known
            if not known:
                log.error("the clock says %.0f s since 1970; loads wait until it is set", at.wall_s)
        return (at, False) if stamped is None else (stamped, True)

    def _look_up(self) -> None:
        """See what the collector's clock said in its last confirmation."""
        noted = self._spool.noted(REFERENCE)
        if COUNTS_SLEEP and noted is not None and noted != self._noted:
            self._noted = noted
            wall_s, boot_s, _ = map(float, noted.split())
            self._reference = Reference(wall_s, boot_s)

    def _settle(self, now_s: float, clean: bool = False, *, checkpoint: bool = False) -> bool:
        # A load and its device's account go together, or a crash between them would count twice.
        # The accounts of other devices have time until the next checkpoint.
        saved = self._accounts if checkpoint else {span.device for span in self._pending}
        states = {device: self._accounts[device].saved(clean) for device in saved}
        try:
            if self._pending:
                self._spool.append(self._pending, states)
            else:
                self._spool.checkpoint(states)
        except StoreError as error:
            if self._refused_s is None:
                log.error("loads wait in memory: %s", error)
            self._refused_s = now_s
            self._merge()
            return False
        if self._refused_s is not None:
            log.info("the spool takes loads again; %d had waited", len(self._pending))
            self._refused_s = None
        for span in self._pending:
            self._settled_j[span.device] += span.energy_j
        self._pending.clear()
        self._merge_at = self._most
        return True

    def _merge(self) -> None:
        """Have fewer and longer spans wait in memory, once they are many."""
        if len(self._pending) < self._merge_at:
            return
        for grain in GRAINS:
            self._pending = merged(self._pending, grain, self._day)
            if len(self._pending) <= self._most // 2:
                break
        # Spans with holes between them stay; looking at them each round would help nobody.
        self._merge_at = max(self._most, 2 * len(self._pending))

    def _day(self, second: int) -> str:
        return local_day(second, self._zone).isoformat()
