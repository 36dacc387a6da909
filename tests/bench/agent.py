"""What a running agent occupies and uses, beside Python programs that do the least of it."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import line
from bench.figures import Figure, Run
from bench.processes import TESTS, Memory, Spent, compiled, memory, running, script, spent, until
from services.ports import free_port

TITLE = "The agent: memory, processor time, wake-ups"

DAY_S = 86_400
# Importing, opening the spool and the first sample are over by then.
SETTLED_S = 20.0
HERE = """
organisation = "ville"
site = "mairie"
node = "{name}-1"
[spool]
folder = "{folder}/spool"
"""
CONNECTED = """
[mqtt]
host = "127.0.0.1"
port = {port}
tls = "on"
ca_file = "{tls.authority}"
certificate_file = "{tls.certificate}"
key_file = "{tls.key}"
[delivery]
pace = "as-closed"
"""
SERVER = """
[host]
device_class = "server"
load = "minute"
"""
METER = """
[host]
enabled = false
[[meters]]
device = "pdu-a3"
profile = "{profile}"
host = "127.0.0.1"
port = {port}
"""
PROFILE = "sobre-demo-pdu"
PDU = TESTS.parent / "deploy" / "demo" / "rack_pdu.py"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a process used to start, then in the window, and what it occupied at its end."""

    start: Spent
    window: Spent
    memory: Memory
    window_s: float

    @property
    def cpu_s_a_day(self) -> float:
        return self.window.cpu_s / self.window_s * DAY_S

    @property
    def wakeups_a_second(self) -> float:
        return self.window.wakeups / self.window_s


def measure(run: Run) -> list[Figure]:
    folder = run.fresh("agent")
    compiled()
    with _programs(folder) as programs:
        time.sleep(SETTLED_S)
        start = {name: spent(process.pid) for name, process in programs.items()}
        begun_s = time.monotonic()
        time.sleep(run.window_s)
        window_s = time.monotonic() - begun_s
        found = {
            name: Watched(
                start[name],
                _difference(start[name], spent(process.pid)),
                memory(process.pid),
                window_s,
            )
            for name, process in programs.items()
        }
        for name in ("server", "reader"):
            said = (folder / f"{name}.log").read_text()
            if "delivery waits" in said or "silent" in said:
                raise RuntimeError(f"the {name} could not do its work all the time:\n{said}")
    return _figures(found, run.window_s)


@contextmanager
def _programs(folder: Path) -> Iterator[dict[str, psutil.Process]]:
    """All at once, so that each meets the same machine; they sleep nearly all the time."""
    port = free_port()
    tls, listener = line.secured(folder, port)
    with ExitStack() as stack:
        site = stack.enter_context(line.broker(folder / "broker", listener))
        stack.enter_context(line.collector(folder, site.port))
        pdu_port = free_port()
        pdu = [sys.executable, str(PDU), "--port", str(pdu_port)]
        stack.enter_context(running(pdu, folder / "pdu.log"))
        until(lambda: "listening" in (folder / "pdu.log").read_text(), "the PDU listens")
        connected = CONNECTED.format(port=port, tls=tls)
        meter = METER.format(profile=PROFILE, port=pdu_port)
        files = [str(path) for path in (tls.authority, tls.certificate, tls.key)]
        words = {
            "pc": _agent(folder / "pc", ""),
            "server": _agent(folder / "server", connected + SERVER),
            "reader": _agent(folder / "reader", connected + meter),
            "bare": script("bench.floors.bare"),
            "sampler": script("bench.floors.sampler"),
            "tls": [*script("bench.floors.tls_client"), str(port), *files],
        }
        programs = {
            name: stack.enter_context(running(each, folder / f"{name}.log"))
            for name, each in words.items()
        }
        until(lambda: "connected" in (folder / "tls.log").read_text(), "the floor connects")
        yield programs


def _agent(folder: Path, more: str) -> list[str]:
    folder.mkdir()
    config = folder / "agent.toml"
    config.write_text(HERE.format(name=folder.name, folder=folder) + more)
    return [sys.executable, "-m", "sobre_agent", "run", "--config", str(config)]


def sampling_agent(folder: Path) -> list[str]:
    """The words that start a PC's agent with the settings that a workstation has by default."""
    return _agent(folder, "")


def _difference(before: Spent, after: Spent) -> Spent:
    return Spent(after.cpu_s - before.cpu_s, after.wakeups - before.wakeups)


def _figures(found: dict[str, Watched], window_s: float) -> list[Figure]:
    pc, server, reader = found["pc"], found["server"], found["reader"]
    bare, sampler, tls = found["bare"], found["sampler"], found["tls"]
    bare_name = "Python + psutil, sqlite3, logging, tomllib"
    tls_name = "Python + paho + TLS, connected"
    watched = f"watched {window_s:,.0f} s"
    rows = (
        (
            "PC, resident",
            "MiB",
            pc.memory.resident_mib,
            bare_name,
            bare.memory.resident_mib,
            "≤ 18",
        ),
        (
            "PC, of which shared with nobody",
            "MiB",
            pc.memory.own_mib,
            bare_name,
            bare.memory.own_mib,
            "",
        ),
        (
            f"PC, sampling each minute ({watched})",
            "CPU s a day",
            pc.cpu_s_a_day,
            "psutil.cpu_times() each minute",
            sampler.cpu_s_a_day,
            "≤ 3",
        ),
        (
            "PC, from the start to the first sample",
            "CPU s",
            pc.start.cpu_s,
            "psutil.cpu_times() each minute",
            sampler.start.cpu_s,
            "",
        ),
        (
            f"PC, wake-ups ({watched})",
            "1/s",
            pc.wakeups_a_second,
            "psutil.cpu_times() each minute",
            sampler.wakeups_a_second,
            "≤ 0.05",
        ),
        (
            "server, resident",
            "MiB",
            server.memory.resident_mib,
            tls_name,
            tls.memory.resident_mib,
            "≤ 26",
        ),
        (
            "server, a sample and a load each minute",
            "CPU s a day",
            server.cpu_s_a_day,
            tls_name,
            tls.cpu_s_a_day,
            "",
        ),
        ("server, wake-ups", "1/s", server.wakeups_a_second, tls_name, tls.wakeups_a_second, ""),
        (
            "reader of a PDU, resident",
            "MiB",
            reader.memory.resident_mib,
            tls_name,
            tls.memory.resident_mib,
            "≤ 26 and drivers",
        ),
        (
            "reader of a PDU, 8 outlets each 10 s",
            "CPU s a day",
            reader.cpu_s_a_day,
            tls_name,
            tls.cpu_s_a_day,
            "",
        ),
    )
    return [Figure(w, u, [v], b, [bv], aim) for w, u, v, b, bv, aim in rows]
