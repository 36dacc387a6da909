"""A PC's agent over hundreds of days in moments: `python -m faults.long_run FOLDER TURNS LOOKS`.

The product's loop, host driver, books and spool under a clock that the loop itself turns: each turn
is a minute. `LOOKS` times it says, as a line of JSON, what it weighs and how many files it holds.
"""

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psutil

from sobre_agent.books import Books
from sobre_agent.config import AgentConfig
from sobre_agent.history import placed
from sobre_agent.loop import Loop
from sobre_agent.own import facts
from sobre_agent.schedule import Round
from sobre_agent.silence import Silence
from sobre_agent.sources import Source
from sobre_agent.spool import Spool
from sobre_drivers.pc.host import DESKTOP, Host
from sobre_drivers.sample import Instant

BEGINS_S = 1_790_000_000.0
SAMPLE_S, CHECKPOINT_TURNS, LEAVE_TURNS = 60.0, 10, 500
LOAD_RATIO = 0.2


class Turned:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.run_s = 0.0

    def now(self) -> Instant:
        return Instant(BEGINS_S + self.run_s, self.run_s, self.run_s)

    def cpu_times(self) -> SimpleNamespace:
        busy_s = self.run_s * LOAD_RATIO
        return SimpleNamespace(user=busy_s, system=0.0, idle=self.run_s - busy_s)


def main(folder: Path, turns: int, looks: int) -> None:
    config, clock, me = AgentConfig("o", "s", "pc-1"), Turned(), psutil.Process(os.getpid())
    clock.run_s = SAMPLE_S
    # No screen, no sensor: this machine's own would be another test.
    host = Host(
        "pc-1",
        device_class=DESKTOP,
        root=folder / "sys",
        clock=clock,
        cpu_times=clock.cpu_times,
        processor_name="",
    )
    source = Source(host.name, host, SAMPLE_S, "day")
    turned = 0

    def enter(heard: Round) -> None:
        nonlocal turned
        turned += 1
        silence.note(heard)
        books.enter(heard)
        if turned % CHECKPOINT_TURNS == 0:
            books.checkpoint(heard.at.mono_s)
        if turned % LEAVE_TURNS == 0:
            told = facts.gathered(spool, "pc-1", config, heard.at.wall_s)
            facts.write(folder / facts.FILE, told)

    spool = Spool(folder / "spool", 64, lambda s: placed(s, config.zone, config.working_hours))
    with closing(spool):
        books, silence = Books(config, [source], spool), Silence(config.zone)
        loop = Loop([source], clock, enter)
        for _ in range(looks):
            for _ in range(turns // looks):
                clock.run_s += loop.wait_s() or 0.0
                loop.turn(0.0)
            said = {
                "turns": turned,
                "rss": me.memory_info().rss,
                "files": me.num_fds(),
                "threads": me.num_threads(),
                "energy_j": books.total_j("pc-1"),
                "run_s": clock.run_s - SAMPLE_S,
            }
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
