"""The same for an hour: processor time of what wakes once a minute needs many minutes."""

from dataclasses import replace

from bench import agents
from bench.figures import Figure, Run

TITLE = "The agent beside other agents, for an hour"
HOUR_S = 3600.0


def measure(run: Run) -> list[Figure]:
    return agents.measure(replace(run, window_s=max(HOUR_S, run.window_s)))
