"""An agent whose minutes pass in a moment: `python -m faults.busy_agent CONFIG DEVICES TICK_S`.

Everything but the clock and the meters is the product's: its configuration, books, accounts, spool
and delivery. Each tick is a minute of simulated time for all devices, so that many loads close and
travel in little time. SIGUSR1: sample no more, save, and go on delivering.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

from sobre_agent import config as agent_config
from sobre_agent.books import Books
from sobre_agent.delivery import Delivering
from sobre_agent.lock import held
from sobre_agent.schedule import asked
from sobre_agent.sources import Source
from sobre_agent.spool import Spool
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J, Described, Instant, Reading

MINUTE_S = 60
# So long ago (s) simulated time begins, that no load is of the future before the end.
BEGINS_BEFORE_S = 20 * 86_400
FIRST, READY = "first.json", "ready"
# What this process's meters show beyond the others: no two machines draw the same.
MORE_MW = "BUSY_AGENT_MORE_MW"
LONGEST_GAP_MINUTES = 8


class Ticks:
    """A clock that a loop turns."""

    def __init__(self, at_s: float) -> None:
        self.at_s = at_s

    def now(self) -> Instant:
        return Instant(self.at_s, self.at_s, self.at_s)


class Steady:
    """Meters whose registers follow from the time alone: what they counted, anybody can say."""

    name = "steady"

    def __init__(self, node: str, count: int, clock: Ticks, more_mw: int = 0) -> None:
        self._clock, self._begins_s, self._more_mw = clock, clock.at_s, more_mw
        # A person's device lies in another file of the store than the infrastructure's.
        classes = {f"{node}-{n}": "server" for n in range(1, count)}
        self._classes = {node: "workstation.desktop", **classes}

    def describe(self) -> Sequence[Described]:
        return [
            Described(device, own_class, 500.0, "register", Origin.MEASURED)
            for device, own_class in self._classes.items()
        ]

    def read(self) -> Sequence[Reading]:
        found = []
        for number, device in enumerate(self._classes):
            # 100.7 W, 107.7 W…: seconds do not make whole joules, and the rest must be carried.
            power_mw = 100_700 + 7_000 * number
            more_uj = int(self._clock.at_s - self._begins_s) * self._more_mw * 1_000
            found.append(Reading(device, int(self._clock.at_s) * power_mw * 1_000 + more_uj))
        return found

    def close(self) -> None:
        return


def main(path: Path, devices: int, tick_s: float) -> int:
    config = agent_config.load(path)
    folder = config.spool.folder
    settle, stop = threading.Event(), threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: settle.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    (folder.parent / READY).write_text(str(os.getpid()))
    with held(folder / "agent.lock", "an agent"), closing(Spool(folder)) as spool:
        states = [json.loads(state) for (state,) in spool.rows("SELECT state FROM device") if state]
        began = not states
        base_s = int(time.time()) // MINUTE_S * MINUTE_S - BEGINS_BEFORE_S
        last_s = max((state["last"]["at"]["wall_s"] for state in states), default=base_s)
        gap_s = (
            Random(len(states) and max(s["last"]["at"]["wall_s"] for s in states)).randrange(
                1, LONGEST_GAP_MINUTES
            )
            * MINUTE_S
        )
        clock = Ticks(last_s + gap_s)
        driver = Steady(config.node, devices, clock, int(os.environ.get(MORE_MW, "0")))
        source = Source(driver.name, driver, MINUTE_S, "minute")
        books = Books(config, [source], spool)
        delivering = Delivering(config, config.node, False, stop.set)
        try:
            if began:
                first = {r.device: r.register_uj for r in driver.read()}
                (folder.parent / FIRST).write_text(json.dumps(first))
                books.enter(asked(source, clock))
                books.checkpoint(clock.at_s)
            while not stop.wait(tick_s):
                if settle.is_set():
                    while not books.checkpoint(clock.at_s, clean=True):
                        stop.wait(tick_s)
                    delivering.wake()
                    stop.wait()
                    break
                clock.at_s += MINUTE_S
                if books.enter(asked(source, clock)):
                    delivering.wake()
        finally:
            delivering.stop()
    return 0


def counted_uj(state: dict[str, object], first_uj: int) -> int:
    """What a device's register counted (µJ) since the first sample, by its saved account."""
    register = state["register"]
    assert isinstance(register, dict)
    return int(register["anchor"]["value_uj"]) - first_uj


def booked_uj(state: dict[str, object], register_j: int) -> int:
    """What was settled of it and what is still open (µJ)."""
    rest = state["open"]
    assert isinstance(rest, dict)
    return register_j * UJ_PER_J + int(rest["energy_uj"]) + int(rest["carry_uj"])


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
