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
from faults.clocks import NoClockError, WallClock, slept, wrong
from faults.line import Agent, Line, configured, until
from services.mosquitto import Broker

HOUR_S = 3_600
DAY_S = 86_400
# What a desktop may draw at most (W).
GREATEST_W = 800
DUE = f'SELECT 1 FROM load WHERE "end" < {int(time.time()) + 400}'


def sampled(agent: Agent) -> Callable[[], bool]:
    """Whether a sample has been taken since this was called, by the agent's own status file."""
    path = agent.folder / "status.json"
    before = path.stat().st_mtime_ns if path.exists() else 0
    return lambda: path.exists() and path.stat().st_mtime_ns > before


def pc(folder: Path, node: str, port: int, clock: WallClock) -> Agent:
    """An agent that measures this machine, as a person would start it."""
    config = configured(folder, node, port)
    config.write_text(f'status_file = "{folder}/status.json"\n{config.read_text()}')
    words = ["faults.wrong_clock", str(clock.file), "run", "--config", str(config)]
    return Agent(folder, node, port, words, config)


def test_wall_clock_that_jumps_under_a_running_agent_invents_and_loses_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    clock = WallClock(tmp_path / "clock")
    agent = pc(tmp_path / "pc", "pc", broker.port, clock)
    with Collector(tmp_path / "collector", broker.port) as collector:
        collector.connected()
        began_s = time.monotonic()
        agent.start()
        try:
            until(sampled(agent), "a sample")
            jumps = [-HOUR_S, 400 * DAY_S, 40 * DAY_S - time.time(), 0]
            for ahead_s in jumps:
                clock.set(ahead_s)
                until(sampled(agent), f"a sample at {ahead_s:+} s")
                if ahead_s == 400 * DAY_S:
                    until(sampled(agent), "a sample with such a clock on either side")
            assert agent.stop() == 0
            ran_s = time.monotonic() - began_s
            assert agent.log().count("the clock was set by") >= len(jumps) - 1
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
    assert beyond_j < found.generated_j == found.stored_j + beyond_j
    assert found.generated_j <= GREATEST_W * ran_s


def test_agents_whose_clocks_are_wrong_from_the_start_lose_and_double_nothing(
    tmp_path: Path, broker: Broker
) -> None:
    """Clocks of which nobody can say that they are wrong: each is taken at its word."""
    try:
        clocks = [wrong(said) for said in ("-1h", "+400d")]
    except NoClockError as error:
        pytest.skip(str(error))
    with Line(tmp_path, broker, agents=len(clocks)) as line:
        for agent, environment in zip(line.agents, clocks, strict=True):
            agent.kill()
            agent.start(environment)
        line.more(200)
        for agent, environment in zip(line.agents, clocks, strict=True):
            agent.kill()
            agent.start(environment)
        assert line.calm() < 30
        found = line.balance()
    assert found.exact, found


def test_pc_that_slept_for_two_hours_invents_nothing(tmp_path: Path) -> None:
    """Its boot clock ran on, its monotonic clock stood still, and the wall clock knows the hour."""
    clock = WallClock(tmp_path / "clock")
    agent = pc(tmp_path / "pc", "pc", 1, clock)
    try:
        words = slept(2 * HOUR_S)
    except NoClockError as error:
        pytest.skip(str(error))
    try:
        agent.start()
        until(sampled(agent), "a sample")
        until(sampled(agent), "another sample")
        assert agent.stop() == 0
        clock.set(2 * HOUR_S)
        agent.start(before=words)
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
