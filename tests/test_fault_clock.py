"""Wall clocks that are an hour late, 400 days early or of 1970, and a machine that has slept."""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from collecting import Collector
from faults.balance import balance
from faults.clocks import NoClockError, WallClock, slept
from faults.line import Agent, Line, until
from services.mosquitto import Broker

HOUR_S = 3_600
WRONG = ["-1h", "+400d", "1970-02-01 12:00:00"]
# What a desktop may draw at most (W).
GREATEST_W = 800
DUE = f'SELECT 1 FROM load WHERE "end" < {int(time.time()) + 400}'


def wall_clock(folder: Path, said: str = "+0") -> WallClock:
    try:
        return WallClock(folder, said)
    except NoClockError as error:
        pytest.skip(str(error))


def sampled(agent: Agent) -> Callable[[], bool]:
    """Whether a sample has been taken since this was called, by the agent's own status file."""
    path = agent.folder / "status.json"
    before = path.stat().st_mtime_ns if path.exists() else 0
    return lambda: path.exists() and path.stat().st_mtime_ns > before


def pc(folder: Path, node: str, port: int) -> Agent:
    agent = Agent(folder, node, port)
    text = agent.config.read_text()
    agent.config.write_text(f'status_file = "{folder}/status.json"\n{text}')
    return agent


def test_wall_clock_that_jumps_under_a_running_agent_invents_and_loses_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    clock = wall_clock(tmp_path)
    agent = pc(tmp_path / "pc", "pc", broker.port)
    with Collector(tmp_path / "collector", broker.port) as collector:
        collector.connected()
        began_s = time.monotonic()
        agent.start(clock.environment)
        try:
            until(sampled(agent), "a sample")
            for said in [*WRONG, "+0"]:
                clock.set(said)
                until(sampled(agent), f"a sample at {said}")
                until(sampled(agent), f"another sample at {said}")
            assert agent.stop() == 0
            ran_s = time.monotonic() - began_s
            assert agent.log().count("the clock was set by") >= len(WRONG)
            agent.start()
            until(sampled(agent), "that it runs again")
            until(lambda: not agent.rows(DUE), "that all is confirmed that may travel")
            assert agent.stop() == 0
        finally:
            agent.kill()
        assert collector.stop() == 0
    found = balance(collector.data, [(agent.node, agent.spool)])
    assert (found.lost_j, found.doubled_j) == (0, 0)
    # What was stamped 400 days ahead either waits until then, or may not count and is shown.
    beyond_j = found.quarantined_j + found.waiting_j
    assert 0 < beyond_j < found.generated_j == found.stored_j + beyond_j
    assert found.generated_j <= GREATEST_W * ran_s


def test_agents_whose_clocks_are_wrong_from_the_start_lose_and_double_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    clocks = [wall_clock(tmp_path / f"clock-{n}", said) for n, said in enumerate(WRONG)]
    with Line(tmp_path, broker, agents=len(WRONG)) as line:
        for agent, clock in zip(line.agents, clocks, strict=True):
            agent.kill()
            agent.start(clock.environment)
        line.more(200)
        for agent, clock in zip(line.agents, clocks, strict=True):
            agent.kill()
            agent.start(clock.environment)
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found


def test_pc_that_slept_for_two_hours_invents_nothing(tmp_path: Path) -> None:
    """Its boot clock ran on, its monotonic clock stood still, and the wall clock knows the hour."""
    clock = wall_clock(tmp_path)
    agent = pc(tmp_path / "pc", "pc", 1)
    try:
        words = slept(2 * HOUR_S)
    except NoClockError as error:
        pytest.skip(str(error))
    try:
        agent.start()
        until(sampled(agent), "a sample")
        until(sampled(agent), "another sample")
        assert agent.stop() == 0
        clock.set(f"+{2 * HOUR_S}")
        agent.start(clock.environment, before=words)
        until(sampled(agent), "a sample after the sleep")
        until(sampled(agent), "another sample")
        assert agent.stop() == 0
    finally:
        agent.kill()
    asleep_s, energy_j, span_s = states(agent.spool)
    assert asleep_s == pytest.approx(2 * HOUR_S, abs=2)
    # A PC asleep draws some watts; seconds awake draw no more than it can.
    assert energy_j < 10 * 2 * HOUR_S + GREATEST_W * (span_s - asleep_s)
    assert span_s - asleep_s < 60


def states(spool: Path) -> tuple[int, int, int]:
    """Seconds asleep, energy (J) and all seconds of what is closed and what is still open."""
    asleep_s = energy_j = span_s = 0
    with closing(sqlite3.connect(spool / "spool.db")) as db:
        for text, load_j, load_s in db.execute("SELECT state_s, energy_j, span_s FROM load"):
            asleep_s += json.loads(text or "{}").get("sleep", 0)
            energy_j += load_j
            span_s += load_s
        ((text,),) = db.execute("SELECT state FROM device").fetchall()
    rest = json.loads(text)["open"]
    asleep_s += rest["state_s"].get("sleep", 0)
    energy_j += rest["energy_uj"] // 10**6
    return asleep_s, energy_j, span_s + sum(rest["state_s"].values())
