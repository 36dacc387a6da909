"""Does one thing after another to a line, and counts what it did."""

import random
import time
from collections import Counter

from collecting import Collector
from faults.line import Line, until
from faults.proxy import CHUNK, Proxy

# Longer than two of the agents' keep-alives (2 s).
STALL_S = 5.0


class Breaker:
    """What can be done to a line; `done` counts it."""

    def __init__(self, line: Line, chance: random.Random) -> None:
        self._line, self._chance = line, chance
        self.done: Counter[str] = Counter()

    def kill_agent(self) -> None:
        agent = self._chance.choice(self._line.agents)
        agent.kill()
        self._wait(0.3)
        agent.start()
        self.done["agent killed"] += 1

    def kill_broker(self) -> None:
        self._line.broker.kill()
        self._wait(1.0)
        self._line.broker.start()
        self.done["broker killed"] += 1

    def empty_broker(self) -> None:
        broker = self._line.broker
        broker.kill()
        for file in broker.folder.glob("*.db*"):
            file.unlink()
        broker.start()
        self.done["broker emptied"] += 1

    def kill_collector(self) -> None:
        self._line.collector.kill()
        self._wait(1.0)
        self._line.collector.__enter__()
        self.done["collector killed"] += 1

    def kill_all(self) -> None:
        """A power cut in the whole house."""
        line = self._line
        line.broker.kill()
        line.collector.kill()
        for agent in line.agents:
            agent.kill()
        for agent in line.agents:
            agent.start()
        line.collector.__enter__()
        line.broker.start()
        self.done["agent killed"] += len(line.agents)
        self.done["broker killed"] += 1
        self.done["collector killed"] += 1

    def crash_agent(self, step: str) -> None:
        """Let an agent end inside a step, at whichever time of the next few."""
        agent = self._chance.choice([agent for agent in self._line.agents if agent.is_busy])
        agent.kill()
        agent.start({"SOBRE_CRASH_AT": f"{step}:{self._chance.randrange(1, 12)}"})
        until(lambda: not agent.alive, f"{step} in an agent", 60.0)
        agent.start()
        self.done[f"agent at {step}"] += 1

    def crash_collector(self, step: str) -> None:
        """Let the collector end inside a step of its next commit."""
        line = self._line
        line.collector.kill()
        with Collector(line.collector.config.parent, line.far.port, crash_at=step) as crashing:
            until(lambda: crashing.process.poll() is not None, f"{step} in the collector", 60.0)
        line.collector.__enter__()
        self.done[f"collector at {step}"] += 1

    def cut(self) -> None:
        self._proxy().cut()
        self.done["connections cut"] += 1

    def cut_inside(self) -> None:
        self._proxy().cut_after(self._chance.randrange(1, 4_000))
        self.done["cut inside a packet"] += 1

    def stall(self) -> None:
        proxy = self._proxy()
        proxy.stalled = True
        self._wait(STALL_S)
        if self._chance.random() < 0.5:
            proxy.cut()
        proxy.stalled = False
        self.done["half-open"] += 1

    def refuse(self) -> None:
        proxy = self._proxy()
        proxy.refusing = True
        proxy.cut()
        self._wait(2.0)
        proxy.refusing = False
        self.done["refused"] += 1

    def crawl(self) -> None:
        proxy = self._proxy()
        proxy.delay_s, proxy.piece_bytes = 0.02, self._chance.choice([50, 500])
        self._wait(3.0)
        proxy.delay_s, proxy.piece_bytes = 0.0, CHUNK
        self.done["slow"] += 1

    def _proxy(self) -> Proxy:
        return self._chance.choice([self._line.near, self._line.near, self._line.far])

    def _wait(self, most_s: float) -> None:
        time.sleep(self._chance.uniform(0.0, most_s))
