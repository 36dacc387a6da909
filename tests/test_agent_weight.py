"""What the sampling process carries all year."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from sobre_agent.version import VERSION
from sobre_drivers.pc import host


def test_importing_the_agent_loads_nothing_heavy() -> None:
    script = (
        "import sys, sobre_agent.cli, sobre_agent.commands.run, sobre_agent.courier, "
        "sobre_drivers.pc.host\n"
        "heavy = {'paho', 'ssl', 'asyncio', 'pymodbus', 'hashlib', 'importlib.metadata', 'uuid'}\n"
        "heavy |= {'psutil', 'socket', 'subprocess'} if sys.platform == 'linux' else set()\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert done.stdout.strip() == ""


def test_version_is_that_of_the_package() -> None:
    assert version("sobre") == VERSION


@pytest.mark.skipif(sys.platform != "linux", reason="psutil itself is asked there")
def test_processor_times_are_those_of_psutil() -> None:
    before, ours, after = psutil.cpu_times(), host.cpu_times(), psutil.cpu_times()
    for name in host.CpuTimes._fields:
        assert getattr(before, name) <= getattr(ours, name) <= getattr(after, name), name


@pytest.mark.skipif(sys.platform != "linux", reason="psutil itself is asked there")
@pytest.mark.parametrize(
    "line",
    ["", "cpu0 1 2 3 4 5 6 7\n", "cpu  1 2 3\n", "cpu  1 2 3 x 5 6 7\n"],
    ids=["empty", "one-processor", "short", "no-number"],
)
def test_processor_times_that_cannot_be_read_are_an_error(tmp_path: Path, line: str) -> None:
    (tmp_path / "stat").write_text(line)
    with pytest.raises(OSError, match="no processor times"):
        host.cpu_times(tmp_path)
    (tmp_path / "stat").write_text("cpu  100 200 300 400 500 600 700 800 900 0\n")
    times = host.cpu_times(tmp_path)
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    assert times.user + times.softirq == pytest.approx(800 * tick_s)
