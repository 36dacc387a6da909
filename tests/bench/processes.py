"""Processes that are watched from outside: started, measured through /proc, and ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.figures import Unavailable

TESTS = Path(__file__).resolve().parents[1]
STOP_WITHIN_S = 15.0
KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process has used since it began: processor time (s), and how often it was woken."""

    cpu_s: float
    wakeups: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process (MiB); `own_mib` is what no other process shares.

    `proportional_mib` (PSS) counts of what n processes share an n-th part.
    """

    resident_mib: float
    own_mib: float
    proportional_mib: float


def script(name: str) -> list[str]:
    """The words that start a program of `bench.floors`, or another module."""
    return [sys.executable, "-m", name]


@contextmanager
def running(
    words: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[psutil.Process]:
    """A process, ended when the block ends; RuntimeError with its log if it ends before.

    `environ` is a foreign program's; ours find this package by their own.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=environment() if environ is None else environ,
        )
    try:
        yield psutil.Process(process.pid)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(words[1:4])} ended by itself:\n{log.read_text()}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended by itself: what it used, and what it said."""

    cpu_s: float
    wall_s: float
    output: bytes


def finished(words: Sequence[str], within_s: float = 300.0) -> Finished:
    """Run a program to its end; RuntimeError if it fails or takes too long."""
    before, begun_s = os.times(), time.monotonic()
    try:
        done = subprocess.run(
            words, capture_output=True, env=environment(), timeout=within_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{' '.join(words[1:4])}: not done in {within_s:.0f} s") from error
    wall_s, after = time.monotonic() - begun_s, os.times()
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[1:4])}: {done.stderr.decode(errors='replace')}")
    # Nothing else of ours is waited for meanwhile.
    used_s = after.children_user - before.children_user
    used_s += after.children_system - before.children_system
    return Finished(used_s, wall_s, done.stdout)


def spent(pid: int) -> Spent:
    """What all threads of a process have used, to the nanosecond; Unavailable without /proc."""
    if not psutil.pid_exists(pid):
        raise RuntimeError(f"process {pid} ended by itself")
    try:
        # Linux' clock of another process (clock_getcpuclockid(3)) knows its ended threads as well.
        cpu_s = time.clock_gettime(~pid << 3 | 2)
        return Spent(cpu_s, sum(wakeups(pid).values()))
    except OSError as error:
        raise Unavailable(f"/proc tells nothing of process {pid} ({error.strerror})") from error


def wakeups(pid: int) -> dict[int, int]:
    """How often each thread that lives was woken. OSError."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end between two looks.
        with suppress(FileNotFoundError, ProcessLookupError):
            found[int(task.name)] = _field(task / "status", "voluntary_ctxt_switches")
    return found


class Tally:
    """Wake-ups of a process whose threads come and go: looked at now and then, so at least these.

    What a thread did after the last look at it is lost, but for the one time that it ended.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen = self._first = wakeups(pid)
        self._gone = 0

    def look(self) -> None:
        """See who lives now."""
        living = wakeups(self._pid)
        ended = {tid: count for tid, count in self._seen.items() if tid not in living}
        self._gone += sum(count - self._first.get(tid, 0) + 1 for tid, count in ended.items())
        self._seen = living

    @property
    def total(self) -> int:
        """Wake-ups between the beginning and the last look."""
        first = self._first
        return self._gone + sum(n - first.get(tid, 0) for tid, n in self._seen.items())


def memory(pid: int) -> Memory:
    """What a process occupies now; Unavailable without /proc."""
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    try:
        own = _field(rollup, "Private_Clean") + _field(rollup, "Private_Dirty")
        resident, proportional = _field(rollup, "Rss"), _field(rollup, "Pss")
        return Memory(resident / KIB_PER_MIB, own / KIB_PER_MIB, proportional / KIB_PER_MIB)
    except OSError as error:
        raise Unavailable(f"/proc tells nothing of process {pid} ({error.strerror})") from error


def until(met: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Wait for something; RuntimeError if it does not come."""
    deadline_s = time.monotonic() + within_s
    while not met():
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"not in {within_s:.0f} s: {what}")
        time.sleep(0.02)


def _field(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise Unavailable(f"{path}: says nothing of {name}")


def environment() -> dict[str, str]:
    """What our programs find this package by, and none that keeps Python from caching bytecode."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(TESTS)}


def compiled() -> None:
    """Have our bytecode on disk, as an installed package has: compiling costs an agent 4 MiB."""
    sources = [TESTS.parent / name for name in ("agent", "drivers", "collector", "tests/bench")]
    finished([sys.executable, "-m", "compileall", "-q", *map(str, sources)])
