"""A PC's agent beside other agents: all at once, for as long, each at its usual pace."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.agent import SETTLED_S, Watched, sampling_agent
from bench.figures import Figure, Run, Unavailable
from bench.peers import PEERS
from bench.polls import polled
from bench.processes import Spent, Tally, compiled, memory, running, spent

TITLE = "The agent beside other agents"
OURS = "sobre"
# Go's and Python's programs are still growing when they have just started.
WARM_S = SETTLED_S + 20.0
# How often one sees which threads live: codecarbon begins one each 15 s.
LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class _Field:
    """All that run at once, why the others do not, and what went wrong with asking them."""

    programs: dict[str, psutil.Process] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, list[str]] = field(default_factory=dict)


def measure(run: Run) -> list[Figure]:
    compiled()
    with _running(run.fresh("agents")) as here:
        time.sleep(WARM_S)
        start = {name: spent(process.pid) for name, process in here.programs.items()}
        for failed in here.failed.values():
            # Until they listen.
            failed.clear()
        tallies = {name: Tally(process.pid) for name, process in here.programs.items()}
        begun_s = time.monotonic()
        while (window_s := time.monotonic() - begun_s) < run.window_s:
            time.sleep(min(LOOK_S, run.window_s - window_s))
            for tally in tallies.values():
                tally.look()
        found = {}
        for name, process in here.programs.items():
            cpu_s = spent(process.pid).cpu_s - start[name].cpu_s
            used = Spent(cpu_s, tallies[name].total)
            found[name] = Watched(start[name], used, memory(process.pid), window_s)
        for name, failed in here.failed.items():
            if failed:
                raise RuntimeError(f"{name} did not answer {len(failed)} times: {failed[0]}")
    return figures(found, here.absent, run.window_s)


def figures(
    found: Mapping[str, Watched], absent: Mapping[str, str], window_s: float
) -> list[Figure]:
    """A row for each quantity and peer; one that could not be had stands there with its reason."""
    ours = found[OURS]
    over = f"over {window_s:,.0f} s"
    quantities: tuple[tuple[str, str, Callable[[Watched], float], str], ...] = (
        ("memory, proportional (PSS)", "MiB", lambda seen: seen.memory.proportional_mib, ""),
        ("memory, resident (RSS)", "MiB", lambda seen: seen.memory.resident_mib, "≤ 18"),
        (f"processor, {over}", "CPU s a day", lambda seen: seen.cpu_s_a_day, "≤ 3"),
        (f"wake-ups, {over}", "1/s", lambda seen: seen.wakeups_a_second, "≤ 0.05"),
    )
    made = []
    for what, unit, value, aim in quantities:
        for peer in PEERS:
            theirs = [value(found[peer.name])] if peer.name in found else []
            why = absent.get(peer.name, "")
            made.append(Figure(what, unit, [value(ours)], peer.shown, theirs, aim, why))
    return made


@contextmanager
def _running(folder: Path) -> Iterator[_Field]:
    here = _Field()
    with ExitStack() as stack:
        for peer in PEERS:
            own = folder / peer.name
            own.mkdir()
            try:
                started = peer.prepared(own)
            except Unavailable as error:
                here.absent[peer.name] = f"not to be had here: {error}"
                continue
            log = own / "log"
            process = running(started.words, log, started.environ)
            here.programs[peer.name] = stack.enter_context(process)
            if started.poll is not None:
                asked = polled(started.poll, started.poll_s)
                here.failed[peer.name] = stack.enter_context(asked)
        words = sampling_agent(folder / "pc")
        here.programs[OURS] = stack.enter_context(running(words, folder / "pc.log"))
        yield here
