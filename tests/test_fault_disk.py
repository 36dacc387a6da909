"""A disk that fills up under an agent, and one under the collector, while everything runs."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from faults.line import Agent, Line, until
from faults.small_disk import NoDiskError, SmallDisk, small_disk
from services.mosquitto import Broker


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(small_disk(tmp_path / request.param, "8m"))
        except NoDiskError as error:
            pytest.skip(str(error))
        yield made


@pytest.mark.parametrize("disk", ["node-0/spool"], indirect=True)
def test_disk_full_under_an_agent_is_said_and_loses_nothing(
    tmp_path: Path, broker: Broker, disk: SmallDisk
) -> None:
    """Loads wait in memory meanwhile, and nobody else waits for them."""
    with Line(tmp_path, broker) as line:
        line.flows()
        agent, other = line.agents
        line.collector.kill()
        # What the agent gives back of its ballast is taken as well.
        until(lambda: refused(disk, agent), "that its disk takes no more")
        before = other.made()
        until(lambda: other.made() > before + 40, "that the others go on")
        assert agent.alive
        disk.give_room()
        line.collector.__enter__()
        until(lambda: "takes loads again" in agent.log(), "said that it is over")
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found


@pytest.mark.parametrize("disk", ["collector/data"], indirect=True)
def test_disk_full_under_the_collector_is_said_and_confirms_nothing_that_is_not_stored(
    tmp_path: Path, broker: Broker, disk: SmallDisk
) -> None:
    with Line(tmp_path, broker, devices=10, tick_s=0.01) as line:
        line.flows()
        disk.fill()
        until(lambda: "nothing can be stored" in line.collector.log(), "said")
        waiting = line.waiting()
        until(lambda: line.waiting() > waiting + 200, "loads that wait")
        assert line.collector.process.poll() is None
        disk.give_room()
        until(lambda: "storing works again" in line.collector.log(), "said that it is over")
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found
    assert found.quarantined_j == 0


def refused(disk: SmallDisk, agent: Agent) -> bool:
    """Keep the disk full; whether the agent has said so."""
    disk.fill()
    return "loads wait in memory" in agent.log()
