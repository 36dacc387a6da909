"""A day of a reader's agent in moments: `python -m faults.soak CONFIG HOURS DEVICES`.

The product's loop of books, spool and delivery under a simulated clock. After every simulated hour
it says, as a line of JSON, how much memory it occupies and how many files it holds open.
"""

import json
import os
import sys
from contextlib import closing
from pathlib import Path

import psutil

from faults.busy_agent import Steady, Ticks
from faults.line import until
from sobre_agent import config as agent_config
from sobre_agent.books import Books
from sobre_agent.delivery import Delivering
from sobre_agent.schedule import asked
from sobre_agent.sources import Source
from sobre_agent.spool import Spool

SAMPLE_S = 10
HOUR_S = 3_600
# Whole minutes, long ago enough that no load is of the future.
BEGINS = 1_790_000_000 // 60 * 60


def main(path: Path, hours: int, devices: int) -> None:
    config = agent_config.load(path)
    clock, me = Ticks(BEGINS), psutil.Process(os.getpid())
    driver = Steady(config.node, devices, clock)
    source = Source(driver.name, driver, SAMPLE_S, "minute")
    with closing(Spool(config.spool.folder)) as spool:
        books = Books(config, [source], spool)
        delivering = Delivering(config, config.node, False, lambda: None)
        try:
            for _ in range(hours):
                for step in range(0, HOUR_S, SAMPLE_S):
                    if books.enter(asked(source, clock)):
                        delivering.wake()
                    if step % 600 == 0:
                        books.checkpoint(clock.at_s)
                    clock.at_s += SAMPLE_S
                waiting = spool.counts().waiting
                said = {
                    "rss": me.memory_info().rss,
                    "files": me.num_fds(),
                    "threads": me.num_threads(),
                    "waiting": waiting,
                }
                print(json.dumps(said), flush=True)
                sys.stdin.readline()
            books.checkpoint(clock.at_s, clean=True)
            delivering.wake()
            until(lambda: spool.counts().waiting == 0, "an empty spool")
        finally:
            delivering.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
