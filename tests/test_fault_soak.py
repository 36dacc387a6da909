"""24 hours of an agent and of its collector in moments: memory, files and threads stay level."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import psutil

from collecting import Collector
from faults.balance import balance
from faults.line import SIMULATED, TESTS, configured
from services.mosquitto import Broker

HOURS = 24
DEVICES = 10
# What the second half of the day may weigh more than the first (MiB): nothing but noise.
NOISE_MIB = 0.7
# SQLite's page cache fills with the store, up to 2 MiB a file.
CACHES_MIB = 6.0


def test_a_day_leaves_memory_files_and_threads_as_they_were(tmp_path: Path, broker: Broker) -> None:
    config = configured(tmp_path / "reader", "reader", broker.port, SIMULATED)
    spool = tmp_path / "reader" / "spool"
    with Collector(tmp_path / "collector", broker.port) as collector:
        collector.connected()
        taking = psutil.Process(collector.process.pid)
        words = [sys.executable, "-m", "faults.soak", str(config), str(HOURS), str(DEVICES)]
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        agent = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert agent.stdin is not None
        assert agent.stdout is not None
        hours, collector_rss, collector_files = [], [], []
        try:
            for _ in range(HOURS):
                hours.append(json.loads(agent.stdout.readline()))
                collector_rss.append(taking.memory_info().rss)
                collector_files.append(taking.num_fds())
                agent.stdin.write("\n")
                agent.stdin.flush()
            assert agent.wait(30) == 0
        finally:
            agent.kill()
            agent.wait()
            agent.stdin.close()
            agent.stdout.close()
        assert collector.stop() == 0
    found = balance(collector.data, [("reader", spool)])
    assert found.exact, found
    assert found.loads >= (HOURS * 60 - 2) * DEVICES
    # The first hours warm up: modules, caches, the broker's connection.
    assert slope_mib([hour["rss"] for hour in hours[4:]]) < NOISE_MIB
    assert slope_mib(collector_rss[4:]) < CACHES_MIB
    files = [hour["files"] for hour in hours[4:]]
    assert max(files) - min(files) <= 2
    assert len({hour["threads"] for hour in hours[4:]}) == 1
    assert max(collector_files[4:]) - min(collector_files[4:]) <= 2


def slope_mib(sizes: list[int]) -> float:
    """By how much the second half is heavier than the first (MiB), by their medians."""
    half = len(sizes) // 2
    return (statistics.median(sizes[half:]) - statistics.median(sizes[:half])) / 2**20
