"""One reader of 500 PDUs with 48 outlets each, on one core, delivering to a real collector."""

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import line, pdus
from bench.figures import Figure, Run, Unavailable
from bench.processes import compiled, memory, running, script, spent, until
from services.ports import free_port
from sobre_agent.spool_schema import FILE

TITLE = "A reader of 500 PDUs of 48 outlets"

PDUS, QUICK_PDUS = 500, 100
PERIOD_S = 10.0
# Every outlet's load of ten minutes closes in the window once: it begins so long before a full one.
WINDOW_S, QUICK_WINDOW_S = 180.0, 60.0
LEAD_S, TEN_MINUTES_S = 60.0, 600.0
FLOOR_WINDOW_S = 60.0
SETTLED_S = 30.0
# A round that begins so much later than the one before (s) is late.
LATE_S = 1.5 * PERIOD_S
CONFIG = """
organisation = "ville"
site = "centre-de-calcul"
node = "reader-1"
profiles_folder = "{folder}"
meters_file = "meters.csv"
[mqtt]
host = "127.0.0.1"
port = {port}
[spool]
folder = "{folder}/spool"
[delivery]
pace = "as-closed"
[host]
enabled = false
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a process used in the window, and how the PDUs found it."""

    cpu_s: float
    window_s: float
    resident_mib: float
    threads: int
    rounds: Sequence[int]
    longest_s: Sequence[float]

    @property
    def cpu_s_a_round(self) -> float:
        return self.cpu_s / self.window_s * PERIOD_S


def measure(run: Run) -> list[Figure]:
    if not hasattr(os, "sched_setaffinity"):
        raise Unavailable("processes cannot be held to a core here")
    compiled()
    count = QUICK_PDUS if run.quick else PDUS
    window_s = QUICK_WINDOW_S if run.quick else WINDOW_S
    folder = run.fresh("readers")
    floor = _floor(folder, count, FLOOR_WINDOW_S)
    ours, start_cpu_s, waiting = _ours(folder, count, window_s)
    late = sum(longest_s > LATE_S for longest_s in ours.longest_s)
    beside = "sockets and struct, nothing kept"
    watched = f"{count} PDUs, {count * (pdus.OUTLETS + 1):,} devices"
    return [
        Figure(
            f"{watched}: CPU of a round of 10 s (watched {ours.window_s:,.0f} s)",
            "s",
            [ours.cpu_s_a_round],
            beside,
            [floor.cpu_s_a_round],
            "< 10",
        ),
        Figure("PDUs with a late round", "", [float(late)], aim="0"),
        Figure("longest time between two rounds of a PDU", "s", [max(ours.longest_s)]),
        Figure("loads not confirmed at the end", "", [float(waiting)]),
        Figure("resident", "MiB", [ours.resident_mib], beside, [floor.resident_mib]),
        Figure("threads", "", [float(ours.threads)], beside, [float(floor.threads)]),
        Figure("from the start to the first round of all", "CPU s", [start_cpu_s]),
    ]


def _floor(folder: Path, count: int, window_s: float) -> Watched:
    with _racks(folder, count, "floor") as (port, report, server):
        words = script("bench.floors.modbus_poll")
        words += [str(count), str(port), str(PERIOD_S)]
        with running(words, folder / "floor.log") as process:
            _one_core(process)
            return _watched(process, server, report, window_s)


def _ours(folder: Path, count: int, window_s: float) -> tuple[Watched, float, int]:
    with ExitStack() as stack:
        port, report, server = stack.enter_context(_racks(folder, count, "ours"))
        site = stack.enter_context(line.broker(folder / "broker"))
        stack.enter_context(line.collector(folder, site.port))
        (folder / "bench-pdu.toml").write_text(pdus.PROFILE)
        rows = [f"pdu-{n:03d},bench-pdu,{pdus.address(n)},{port},ten-minutes" for n in range(count)]
        head = "device,profile,host,port,outlet_load"
        (folder / "meters.csv").write_text("\n".join([head, *rows, ""]))
        config = folder / "agent.toml"
        config.write_text(CONFIG.format(folder=folder, port=site.port))
        words = [sys.executable, "-m", "sobre_agent", "run", "--config", str(config)]
        log = folder / "agent.log"
        with running(words, log) as process:
            _one_core(process)
            until(lambda: "devices, delivered" in log.read_text(), "the reader starts")
            time.sleep(SETTLED_S)
            start_cpu_s = spent(process.pid).cpu_s
            if window_s == WINDOW_S:
                time.sleep((TEN_MINUTES_S - LEAD_S - time.time()) % TEN_MINUTES_S)
            made = _watched(process, server, report, window_s)
            waiting = _waiting(folder / "spool" / FILE)
            said = log.read_text()
            if "silent" in said:
                raise RuntimeError(f"the reader could not do its work all the time:\n{said}")
    return made, start_cpu_s, waiting


def _waiting(spool: Path) -> int:
    """Loads that the collector has not confirmed."""
    with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM load").fetchone()[0])


@contextmanager
def _racks(folder: Path, count: int, name: str) -> Iterator[tuple[int, Path, psutil.Process]]:
    """All PDUs in one process: their port, where they report, and the process."""
    port, report, log = free_port(), folder / f"{name}.json", folder / f"{name}-pdus.log"
    words = [*script("bench.pdus"), str(count), str(port), str(report)]
    with running(words, log) as process:
        until(lambda: "listening" in log.read_text(), "the PDUs listen")
        yield port, report, process


def _one_core(process: psutil.Process) -> None:
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {0})


def _watched(
    process: psutil.Process, server: psutil.Process, report: Path, window_s: float
) -> Watched:
    begun, begun_s = spent(process.pid), time.monotonic()
    server.send_signal(signal.SIGUSR1)
    most = process.num_threads()
    while time.monotonic() - begun_s < window_s:
        time.sleep(1.0)
        most = max(most, process.num_threads())
    cpu_s = spent(process.pid).cpu_s - begun.cpu_s
    took_s = time.monotonic() - begun_s
    server.send_signal(signal.SIGUSR2)
    until(lambda: report.exists() and report.read_text("utf-8").endswith("}"), "the PDUs report")
    told = json.loads(report.read_text("utf-8"))
    resident_mib = memory(process.pid).resident_mib
    return Watched(cpu_s, took_s, resident_mib, most, told["rounds"], told["longest_s"])
