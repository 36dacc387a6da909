"""A clock that a test turns and meters that go by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sobre_agent.config import AgentConfig
from sobre_agent.cutters import LoadLength
from sobre_agent.loop import Loop
from sobre_agent.schedule import Group
from sobre_agent.sources import Source
from sobre_drivers.load import Origin
from sobre_drivers.sample import Described, Instant, Reading

START = 1_790_000_000.0
CONFIG = AgentConfig("ville", "mairie", node="pc-1")


@dataclass
class Turned:
    """A clock that the test turns."""

    at_s: float = START

    def now(self) -> Instant:
        return Instant(self.at_s, self.at_s - START + 1000, self.at_s - START + 1000)


@dataclass
class Steady:
    """A meter whose register rises by `power_w` each second of a clock; `says` may raise."""

    name: str
    clock: Turned
    power_w: int = 100
    says: Callable[[], None] = lambda: None
    asked: int = 0
    register: bool = True

    def describe(self) -> Sequence[Described]:
        method = "register" if self.register else "power"
        return [Described(self.name, "server", 1000.0, method, Origin.MEASURED)]

    def read(self) -> Sequence[Reading]:
        self.asked += 1
        self.says()
        if not self.register:
            return [Reading(self.name, power_w=float(self.power_w))]
        register_uj = int((self.clock.at_s - START) * self.power_w * 1_000_000)
        return [Reading(self.name, register_uj=register_uj)]

    def close(self) -> None: ...


def source(
    driver: Steady, sample_s: float = 10, load: LoadLength = "minute", at: str = ""
) -> Source:
    return Source(driver.name, driver, sample_s, load, at)


def ask_until(group: Group, clock: Turned, end_s: float) -> None:
    while (due_s := START - 1000 + group.due_s()) <= end_s:
        clock.at_s = due_s
        group.ask()


def turned(loop: Loop, clock: Turned, until_s: float) -> int:
    """Turn the loop without waiting; how often it woke."""
    turns = 0
    while clock.at_s < until_s:
        clock.at_s += loop.wait_s() or 0.0
        assert loop.turn(0.0)
        turns += 1
    return turns
