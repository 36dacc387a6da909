"""`sobre-agent run`: sample, settle and deliver until stopped."""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sobre_agent import config as agent_config
from sobre_agent import preflight
from sobre_agent.books import Books
from sobre_agent.config import AgentConfig, Allowed
from sobre_agent.history import placed
from sobre_agent.live import Live, Teller
from sobre_agent.lock import held
from sobre_agent.loop import Loop
from sobre_agent.naming import told_elsewhere
from sobre_agent.own import facts
from sobre_agent.schedule import Round
from sobre_agent.silence import Silence
from sobre_agent.sources import Source, sources_of
from sobre_agent.spool import Spool
from sobre_agent.spool_schema import CONTROL, SpoolFile
from sobre_drivers.clock import Clock, SystemClock
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import personal

if TYPE_CHECKING:
    import argparse

LOCK = "agent.lock"
CHECKPOINT_S = 600.0

log = logging.getLogger(__name__)

# Called after each round, with whether loads have closed.
After = Callable[[Round, bool], None]


def arguments(parser: "argparse.ArgumentParser") -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=agent_config.DEFAULT_PATH,
        metavar="FILE",
        help="the agent's configuration (default: %(default)s)",
    )


def run(args: "argparse.Namespace") -> int:
    return sampled(args.config)


def sampled(path: Path | None = None) -> int:
    """Run with this configuration until stopped. Exit code: 0 asked to stop, 1 it failed."""
    path = agent_config.DEFAULT_PATH if path is None else path
    config = agent_config.load(path)
    problems = preflight.problems(config)
    if problems:
        raise ConfigError(*(f"{path}: {problem}" for problem in problems))
    with held(config.spool.folder / LOCK, "an agent with this spool"):
        node = _settled(config)
        sources = sources_of(config, node)
        devices = sum(len(source.driver.describe()) for source in sources)
        spool = Spool(
            config.spool.folder,
            max(config.spool.max_mib, devices),
            lambda span: placed(span, config.zone, config.working_hours),
        )
        with closing(spool):
            try:
                log.info("node %s: %d devices, delivered %s", node, devices, config.delivery.pace)
                return 0 if _work(config, path, node, sources, spool) else 1
            finally:
                for source in sources:
                    source.driver.close()


def _settled(config: AgentConfig) -> str:
    """The name of this node, once its spool is known to be this machine's."""
    folder = config.spool.folder
    with closing(SpoolFile(folder, None)) as file:
        # A name that is written down needs no key.
        key_file = None if config.node else config.organisation_key_file
        node, mark = told_elsewhere(key_file, file.stream)
        left = file.belong_to(mark)
    if left is not None:
        log.warning(
            "%s: copied from another machine; the %d loads (%d J) in it are that one's to deliver, "
            "and are not sent from here: a new stream begins",
            folder,
            left.loads,
            left.energy_j,
        )
        with closing(SpoolFile(folder, None)) as file:
            _, mark = told_elsewhere(None, file.stream)
            file.belong_to(mark)
    return config.node or node


def _work(
    config: AgentConfig,
    path: Path,
    node: str,
    sources: list[Source],
    spool: Spool,
    clock: Clock | None = None,
) -> bool:
    clock = SystemClock() if clock is None else clock
    books = Books(config, sources, spool)
    silence = Silence(config.zone)
    after: list[After] = []
    if config.status_file is not None:
        live = Live(config.status_file, node, config.zone, books, spool)
        after.append(lambda heard, closed: live.show(heard))
    checkpoint_s = clock.now().mono_s + CHECKPOINT_S

    def enter(heard: Round) -> None:
        nonlocal checkpoint_s
        silence.note(heard)
        closed = books.enter(heard)
        if heard.at.mono_s >= checkpoint_s:
            checkpoint_s = heard.at.mono_s + CHECKPOINT_S
            closed = books.checkpoint(heard.at.mono_s) or closed
            save()
            leave(heard.at.wall_s)
            obeying.look()
        for each in after:
            each(heard, closed)

    loop = Loop(sources, clock, enter, lambda: _tell_systemd("WATCHDOG=1"), _watched_s())
    obeying = _Obeying(spool, books, loop)
    _stop_on_signals(loop)
    save, stop = _delivery(config, path, node, obeying, after)
    leave = _Leaving(config, node, spool)
    leave(clock.now().wall_s)
    try:
        _tell_systemd("READY=1")
        asked_to = loop.run()
        books.checkpoint(clock.now().mono_s, clean=True)
        leave(clock.now().wall_s)
    finally:
        stop()
    return asked_to


class _Leaving:
    """Leaves what users may see of this PC where they can read it, if there is such a place."""

    def __init__(self, config: AgentConfig, node: str, spool: Spool) -> None:
        self._config, self._node, self._spool = config, node, spool
        self._path = facts.place(config, os.environ) if config.host.enabled else None
        self._failed = False

    def __call__(self, wall_s: float) -> None:
        if self._path is None:
            return
        try:
            seen = facts.gathered(self._spool, self._node, self._config, wall_s)
            facts.write(self._path, seen)
        except (OSError, StoreError) as error:
            if not self._failed:
                log.warning("%s: %s; users cannot see their own PC", self._path, error)
            self._failed = True
            return
        self._failed = False


class _Obeying:
    """Hands on what the organisation allows, whenever it has changed."""

    def __init__(self, spool: Spool, books: Books, loop: Loop) -> None:
        self.spool, self.books, self.loop = spool, books, loop
        self.allowed = Allowed()
        self.look()

    def look(self) -> None:
        """See what was said last."""
        allowed = Allowed.of(self.spool.noted(CONTROL))
        if allowed != self.allowed:
            log.info("the organisation allows: %s", allowed)
            self.books.allow(allowed)
            self.loop.allow(allowed)
        self.allowed = allowed


def _delivery(
    config: AgentConfig, path: Path, node: str, obeying: _Obeying, after: list[After]
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Start what delivers; how to save its plan, and how to stop it."""
    if config.delivery.pace == "as-closed":
        from sobre_agent.delivery import Delivering

        described = obeying.books.described.values()
        tells_status = not any(personal(each.device_class) for each in described)
        delivering = Delivering(config, node, tells_status, obeying.loop.end)
        after.append(lambda _, closed: delivering.wake() if closed else None)
        if config.mqtt.live:
            teller = Teller(obeying.books, delivering.tell)
            after.append(lambda heard, closed: teller.show(heard))
        return lambda: None, delivering.stop
    from sobre_agent.courier import Courier

    courier = Courier(config, path, obeying.spool)
    # Whoever is paused has nothing to send, and asks whether it still is.
    after.append(lambda heard, closed: courier.look(heard.at, closed or obeying.allowed.paused))
    return courier.save, courier.stop


def _stop_on_signals(loop: Loop) -> None:
    def stop(_: int, __: FrameType | None) -> None:
        loop.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def _tell_systemd(text: str) -> None:
    """Say that we are ready, or alive, to whoever asked for it (sd_notify(3))."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    import socket

    # Nobody may be there to hear it, and that is no reason to stop.
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        # A name that begins with @ is one of Linux's abstract sockets.
        told.sendto(text.encode("ascii"), path.replace("@", "\0", 1) if path[0] == "@" else path)


def _watched_s() -> float | None:
    """How often to say that we are alive: twice as often as systemd asks; None: nobody does."""
    period_us = os.environ.get("WATCHDOG_USEC", "")
    return int(period_us) / 2e6 if period_us.isdigit() else None
