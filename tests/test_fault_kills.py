"""Agents, broker and collector killed at random and inside each step: no joule lost, none doubled.

What is compared are the agents' own registers with the store, after calm.
"""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.line import Line, until
from faults.proxy import PUBACK
from services.mosquitto import Broker

STEPS = (
    "load-before-commit",
    "load-after-commit",
    "batch-before-commit",
    "batch-after-commit",
    "sent",
    "confirmation-before-commit",
    "confirmation-after-commit",
)


@pytest.mark.parametrize("seed", [1])
def test_everybody_killed_at_random_loses_and_doubles_nothing(
    tmp_path: Path, broker: Broker, seed: int
) -> None:
    chance = random.Random(seed)
    with Line(tmp_path, broker) as line:
        line.flows()
        for _ in range(7):
            victim = chance.choice(["agent", "broker", "collector"])
            line.more(chance.randrange(5, 40))
            if victim == "agent":
                agent = chance.choice(line.agents)
                agent.kill()
                agent.start()
            elif victim == "broker":
                broker.kill()
                broker.start()
            else:
                line.collector.kill()
                line.collector.__enter__()
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found
    assert found.quarantined_j == 0


def test_agent_killed_inside_each_step_loses_and_doubles_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    """Each step's third time, so that loads are under way by then."""
    with Line(tmp_path, broker, agents=1) as line:
        agent = line.agents[0]
        line.flows()
        for step in STEPS:
            agent.kill()
            agent.start({"SOBRE_CRASH_AT": f"{step}:3"})
            assert agent.ended() == -signal.SIGKILL, f"{step} was not reached"
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found


def test_agent_killed_when_the_broker_acknowledges_loses_and_doubles_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    """The collector is away: the broker's word is all that the agent would have."""
    armed: list[Callable[[], None]] = []

    def heard(kind: int, _: bytes) -> None:
        if kind == PUBACK and armed:
            armed.pop()()

    with Line(tmp_path, broker, agents=1, heard=heard) as line:
        agent = line.agents[0]
        line.flows()
        line.collector.kill()
        for _ in range(2):
            line.more(8)
            pid = agent.pid
            armed.append(lambda: os.kill(pid, signal.SIGKILL))  # noqa: B023
            assert agent.ended() == -signal.SIGKILL
            agent.start()
        until(lambda: line.waiting() > 20, "loads that wait")
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found
