"""A whole line in one folder: broker, collector, and agents behind a network that can fail."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any

from collecting import Collector
from faults.balance import Balance, balance
from faults.busy_agent import READY
from faults.proxy import Heard, Proxy, nothing
from services.mosquitto import Broker

TESTS = Path(__file__).resolve().parents[1]
STOP_WITHIN_S = 20.0


def until(met: Callable[[], bool], what: str, within_s: float = 30.0) -> float:
    """Wait for something, but not for ever; how long it took (s)."""
    began_s = time.monotonic()
    while not met():
        assert time.monotonic() - began_s < within_s, f"not in {within_s:g} s: {what}"
        time.sleep(0.02)
    return time.monotonic() - began_s


# Beyond every difference of clocks: simulated time is not taken for a wrong clock.
SIMULATED = "clock_tolerance_s = 1e12\n"


def configured(folder: Path, node: str, port: int, more: str = "") -> Path:
    """An agent's file: resend after 1 s, 5 s at most; `more` is said of its delivery."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "agent.toml"
    path.write_text(
        f'organisation = "ville"\nsite = "mairie"\nnode = "{node}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nkeepalive_s = 2\n'
        f'[spool]\nfolder = "{folder}/spool"\n'
        '[host]\nsample_s = 1\nload = "minute"\n'
        f'[delivery]\npace = "as-closed"\nconfirm_timeout_s = 1.0\nretry_max_s = 5.0\n{more}'
    )
    return path


class Agent:
    """An agent's process, that can be killed and started again on the same spool."""

    def __init__(
        self,
        folder: Path,
        node: str,
        port: int,
        words: Sequence[str] = (),
        config: Path | None = None,
    ) -> None:
        self.node, self.folder = node, folder
        self.spool = folder / "spool"
        self.is_busy = bool(words) and config is None
        self.config = config or configured(folder, node, port, SIMULATED if words else "")
        self._words = [*words] or ["sobre_agent", "run", "--config", str(self.config)]
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def busy(cls, folder: Path, node: str, port: int, devices: int, tick_s: float) -> "Agent":
        """One whose simulated minutes last `tick_s`."""
        config = folder / "agent.toml"
        words = ["faults.busy_agent", str(config), str(devices), str(tick_s)]
        return cls(folder, node, port, words)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs, or was never started."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(
        self, environment: Mapping[str, str] | None = None, before: Sequence[str] = ()
    ) -> None:
        """Start it, with more in its environment, or as the argument of another command."""
        kept = {n: v for n, v in os.environ.items() if n != "SOBRE_CRASH_AT"}
        path = os.pathsep.join(filter(None, [str(TESTS), kept.get("PYTHONPATH")]))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-m", *self._words],
                env={**kept, "PYTHONPATH": path, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """As a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ended(self, within_s: float = STOP_WITHIN_S) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(within_s)

    def settle(self) -> None:
        """Sample no more, and go on delivering. Only a busy one can."""
        process = self._process
        assert process is not None
        ready = self.folder / READY
        until(lambda: ready.exists() and ready.read_text() == str(process.pid), "ready")
        process.send_signal(signal.SIGUSR1)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self.ended()

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def settled(self) -> bool:
        """Whether its accounts are saved for good."""
        return all(json.loads(state or "{}").get("clean") for (state,) in self.rows(_STATES))

    def waiting(self) -> int:
        """Loads that are not confirmed yet."""
        return sum(count for (count,) in self.rows("SELECT count(*) FROM load"))

    def made(self) -> int:
        """Loads that it ever made."""
        return sum(seq for (seq,) in self.rows("SELECT seq FROM device"))

    def rows(self, sql: str) -> list[Any]:
        """What its spool answers; nothing while there is none."""
        try:
            with closing(sqlite3.connect(self.spool / "spool.db", timeout=20)) as db:
                return db.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []


class Line:
    """Agents → their network → broker → the collector's network → collector; use it as a context.

    The collector runs until `collector.kill()`, and again after `collector.__enter__()`. `heard`
    and `taken` are told what the broker sends to agents and to the collector; `plain` agents
    measure this machine as it is.
    """

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        agents: int = 2,
        devices: int = 4,
        tick_s: float = 0.05,
        heard: Heard = nothing,
        taken: Heard = nothing,
        plain: int = 0,
    ) -> None:
        self.folder, self.broker = folder, broker
        self.near, self.far = Proxy(broker.port, heard), Proxy(broker.port, taken)
        self.collector = Collector(folder / "collector", self.far.port)
        self.agents = [
            Agent.busy(folder / f"node-{n}", f"node-{n}", self.near.port, devices, tick_s)
            for n in range(agents)
        ]
        self.agents += [
            Agent(folder / f"plain-{n}", f"plain-{n}", self.near.port) for n in range(plain)
        ]
        self._stack = ExitStack()

    def __enter__(self) -> "Line":
        for proxy in (self.near, self.far):
            self._stack.enter_context(proxy)
        self._stack.enter_context(self.collector)
        for agent in self.agents:
            self._stack.callback(agent.kill)
            agent.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._stack.close()

    def made(self) -> int:
        """Loads that the agents ever made."""
        return sum(agent.made() for agent in self.agents)

    def waiting(self) -> int:
        """Loads that wait in the agents' spools."""
        return sum(agent.waiting() for agent in self.agents)

    def more(self, count: int, within_s: float = 30.0) -> None:
        """Wait until so many more loads were made."""
        wanted = self.made() + count
        until(lambda: self.made() >= wanted, f"{count} more loads", within_s)

    def flows(self) -> None:
        """Wait until loads are confirmed."""
        until(lambda: self.made() - self.waiting() > 0, "a confirmed load")

    def calm(self, within_s: float = 30.0) -> float:
        """Everything works again and nothing new is made: how long (s) the spools need to drain."""
        self.near.heal()
        self.far.heal()
        if self.broker.pid is None:
            self.broker.start()
        if self.collector.process.poll() is not None:
            self.collector.__enter__()
        for agent in self.agents:
            if not agent.alive:
                assert agent.code in (None, -signal.SIGKILL), agent.log()
                agent.start()
        busy = [agent for agent in self.agents if agent.is_busy]
        until(lambda: all(agent.made() for agent in busy), "an agent that has begun")
        began_s = time.monotonic()
        for agent in busy:
            agent.settle()
        until(lambda: all(agent.settled() for agent in busy), "settled accounts")
        until(lambda: self.waiting() == 0, "empty spools", within_s)
        return time.monotonic() - began_s

    def balance(self) -> Balance:
        """Stop everything, and count."""
        for agent in self.agents:
            assert agent.stop() == 0, agent.log()
            # A plain one may have closed a load in its last moment.
            while agent.waiting():
                agent.start()
                until(lambda: agent.waiting() == 0, "empty spools")  # noqa: B023
                agent.kill()
        assert self.collector.stop() == 0
        return balance(self.collector.data, [(agent.node, agent.spool) for agent in self.agents])


_STATES = "SELECT state FROM device"
