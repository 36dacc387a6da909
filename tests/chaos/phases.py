"""The phases: each breaks a line of its own for a while, lets it drain, and counts."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.breaker import Breaker
from chaos.result import Result
from chaos.seen import Seen
from faults.line import Line
from faults.small_disk import small_disk
from services.mosquitto import Broker

AGENT_STEPS = (
    "load-before-commit",
    "load-after-commit",
    "batch-before-commit",
    "batch-after-commit",
    "sent",
    "confirmation-before-commit",
    "confirmation-after-commit",
)
COLLECTOR_STEPS = ("between-files", "before-commit", "after-commit")
DRAINED_WITHIN_S = 30.0
NARROW_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a phase plays: its folder, its chance, and how long it lasts (s)."""

    folder: Path
    chance: random.Random
    seconds: float


def kills(stage: Stage, least: int) -> Result:
    """Kill agents, broker and collector at random, at least so many of them."""

    def act(line: Line, breaker: Breaker) -> None:
        doing = [breaker.kill_agent] * 6 + [breaker.kill_broker] * 2
        doing += [breaker.kill_collector] * 3 + [breaker.kill_all]
        ends_s = time.monotonic() + stage.seconds
        while time.monotonic() < ends_s or breaker.done.total() < least:
            stage.chance.choice(doing)()
            time.sleep(stage.chance.uniform(0.0, 1.5))

    return broken("killed at random", stage, act, agents=4, plain=2)


def steps(stage: Stage) -> Result:
    """Kill inside each step of agent and collector, at whichever time it is reached."""

    def act(line: Line, breaker: Breaker) -> None:
        ends_s = time.monotonic() + stage.seconds
        while True:
            for step in AGENT_STEPS:
                breaker.crash_agent(step)
            for step in COLLECTOR_STEPS:
                breaker.crash_collector(step)
            if time.monotonic() > ends_s:
                return

    return broken("killed inside each step", stage, act, agents=3)


def network(stage: Stage) -> Result:
    """Cut, cut inside a packet, stall, refuse and slow down, on either side of the broker."""

    def act(line: Line, breaker: Breaker) -> None:
        doing = [breaker.cut, breaker.cut_inside, breaker.stall, breaker.refuse, breaker.crawl]
        ends_s = time.monotonic() + stage.seconds
        while time.monotonic() < ends_s:
            stage.chance.choice(doing)()
            time.sleep(stage.chance.uniform(0.0, 1.0))

    return broken("network", stage, act, agents=4)


def narrow_broker(stage: Stage) -> Result:
    """A queue of twenty, a broker that comes back empty, and collectors that are killed."""

    def act(line: Line, breaker: Breaker) -> None:
        doing = [breaker.empty_broker, breaker.kill_collector, breaker.cut]
        ends_s = time.monotonic() + stage.seconds
        while time.monotonic() < ends_s:
            stage.chance.choice(doing)()
            time.sleep(stage.chance.uniform(0.0, 2.0))

    lines = ["max_queued_messages 20", "max_inflight_messages 5"]
    return broken("empty disk, queue of 20", stage, act, agents=4, lines=lines)


def full_disks(stage: Stage) -> Result:
    """Fill the disk of an agent and that of the collector, again and again, and kill in between."""
    with ExitStack() as stack:
        disks = {
            "agent's disk full": stack.enter_context(
                small_disk(stage.folder / "node-0" / "spool", "8m")
            ),
            "collector's disk full": stack.enter_context(
                small_disk(stage.folder / "collector" / "data", "24m")
            ),
        }

        def act(line: Line, breaker: Breaker) -> None:
            ends_s = time.monotonic() + stage.seconds
            while time.monotonic() < ends_s:
                name = stage.chance.choice([*disks])
                disks[name].fill()
                breaker.done[name] += 1
                time.sleep(stage.chance.uniform(0.5, 3.0))
                disks[name].give_room()
                time.sleep(stage.chance.uniform(0.0, 1.0))
                stage.chance.choice([breaker.kill_agent, breaker.kill_collector, breaker.cut])()

        return broken("full disks", stage, act, agents=3)


def broken(
    name: str,
    stage: Stage,
    act: Callable[[Line, Breaker], None],
    agents: int,
    plain: int = 0,
    lines: Sequence[str] = (),
) -> Result:
    """Break a line as `act` does, let it drain, and count."""
    seen, problems = Seen(), []
    with (
        running(stage.folder, lines) as broker,
        Line(
            stage.folder,
            broker,
            agents,
            devices=6,
            tick_s=0.1,
            taken=seen.heard,
            plain=plain,
        ) as line,
    ):
        breaker = Breaker(line, stage.chance)
        line.flows()
        act(line, breaker)
        within_s = NARROW_WITHIN_S if lines else DRAINED_WITHIN_S
        drained_s = line.calm(4 * within_s)
        if drained_s > within_s:
            problems.append(f"{name}: drained in {drained_s:.0f} s, {within_s:.0f} s are aimed at")
        found = line.balance()
    return Result(name, found, seen.repeats, drained_s, breaker.done, tuple(problems))


@contextmanager
def running(folder: Path, lines: Sequence[str]) -> Iterator[Broker]:
    """A broker of the phase's own."""
    broker = Broker.anonymous(folder / "broker", lines)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
