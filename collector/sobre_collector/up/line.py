"""The parts of one machine's line, put together and looked after until someone says stop."""

import fcntl
import json
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sobre_collector.up.accounts import COLLECTOR
from sobre_collector.up.broker import broker_command, free_port
from sobre_collector.up.children import Child, Children
from sobre_collector.up.files import (
    PC,
    READER,
    Layout,
    write_collector,
    write_pc,
    write_reader,
)
from sobre_drivers.errors import ConfigError, SobreError

log = logging.getLogger(__name__)

WEB_PORT = 8787
_OPEN_S = 20.0
# In a source tree the demo's PDU stands beside the packages; an installed wheel has none.
DEMO_PDU_PROGRAM = Path(__file__).parents[3] / "deploy" / "demo" / "rack_pdu.py"


@dataclass(slots=True)
class Line:
    """What runs: its processes, the page's address, and which agents write live figures."""

    layout: Layout
    children: Children = field(default_factory=Children)
    page: str = ""
    nodes: list[str] = field(default_factory=list)
    broker: str = ""

    def start(self, web_port: int, perimeter: Path | None, demo: bool) -> None:
        """Start broker, collector, page and agents, each once the one before it listens."""
        layout = self.layout
        if _listens(web_port):
            raise ConfigError(
                f"port {web_port} is in use; stop what uses it, or choose with --port"
            )
        layout.logs.mkdir(parents=True, exist_ok=True)
        demo = demo and DEMO_PDU_PROGRAM.exists()
        self.nodes = [PC, READER] if demo else [PC]
        port = free_port()
        users = [layout.password(user) for user in (COLLECTOR, *self.nodes)]
        self.broker, command = broker_command(layout.broker, port, users)
        config = write_collector(layout, port, web_port, perimeter)
        self._start("broker", command)
        self._wait_for("broker", port)
        self._start("collector", [*_module("sobre_collector"), "collect", "--config", str(config)])
        agents = {PC: write_pc(layout, port)}
        if demo:
            pdu_port = free_port()
            program = [sys.executable, str(DEMO_PDU_PROGRAM), "--port", str(pdu_port)]
            # Without its counters each start would be a meter that was reset.
            self._start("demo-pdu", [*program, "--state", str(layout.data / "demo-pdu.json")])
            self._wait_for("demo-pdu", pdu_port)
            agents[READER] = write_reader(layout, port, pdu_port)
        for node, path in agents.items():
            self._start(node, [*_module("sobre_agent"), "run", "--config", str(path)])
        statuses = [word for node in self.nodes for word in ("--status", str(layout.status(node)))]
        page = ["serve", "--config", str(config), "--port", str(web_port), *statuses]
        self._start("page", [*_module("sobre_collector"), *page])
        self._wait_for("page", web_port)
        self.page = f"http://127.0.0.1:{web_port}/"

    def figures(self) -> list[dict[str, Any]]:
        """The live figures of each device of each agent, newest known."""
        found = []
        for node in self.nodes:
            try:
                status = json.loads(self.layout.status(node).read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if time.time() - status["time"] < 60:
                found += status["devices"]
        return found

    def _start(self, name: str, command: list[str]) -> None:
        self.children.start(Child(name, command, self.layout.logs / f"{name}.log"))

    def _wait_for(self, name: str, port: int) -> None:
        child = self.children.all[-1]
        until_s = time.monotonic() + _OPEN_S
        while not _listens(port):
            ended = child.process is not None and child.process.poll() is not None
            if ended or time.monotonic() > until_s:
                raise SobreError(
                    f"{name}: does not answer on 127.0.0.1:{port}: {child.last_words()}; "
                    f"see {child.log_path}"
                )
            time.sleep(0.05)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold a data folder: two lines on one store would write over each other."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"{data}: another `sobre up` runs on this folder; stop it, or choose with --data"
            ) from error
        yield


def run(
    line: Line, show: Callable[[list[dict[str, Any]]], None], stopped: Callable[[], bool]
) -> None:
    """Tend the processes and show the figures until `stopped`; SobreError if a part cannot run."""
    while not stopped():
        for child in line.children.tend():
            raise SobreError(f"{child.name}: {child.last_words()}; see {child.log_path}")
        show(line.figures())
        time.sleep(0.5)


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
