"""What the sampling process carries all year."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from uuid import RFC_4122, UUID

import psutil
import pytest

from sobre_agent.entropy import uuid4
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


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is asked through more")
@pytest.mark.parametrize(
    ("words", "options"),
    [(["run", "--config"], False), (["run", "--con"], True)],
    ids=["as-services-say-it", "abbreviated"],
)
def test_what_samples_carries_nothing_that_only_a_start_needs(
    tmp_path: Path, words: list[str], options: bool
) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        f'organisation = "o"\nsite = "s"\nnode = "pc-1"\n[spool]\nfolder = "{tmp_path / "spool"}"\n'
    )
    # Asked to stop as soon as it can be: it still reads this machine once, and saves.
    script = (
        "import atexit, os, signal, sys\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "handled = signal.signal\n"
        "def asked(number, handler):\n"
        "    handled(number, handler)\n"
        "    if number == signal.SIGINT:\n"
        "        os.kill(os.getpid(), number)\n"
        "signal.signal = asked\n"
        "from sobre_agent.cli import main\n"
        f"sys.exit(main({[*words, str(config)]!r}))"
    )
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONTZPATH"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=kept
    )
    loaded = set(done.stdout.split())
    assert "sobre_drivers.pc.host" in loaded
    assert ("argparse" in loaded) is options
    never = {
        "uuid",
        "hashlib",
        "ssl",
        "paho",
        "psutil",
        "subprocess",
        "difflib",
        "random",
        "socket",
    }
    assert not loaded & never
    if not options:
        assert not loaded & {"gettext", "importlib.util"}
        assert not [name for name in loaded if name.startswith("_sysconfigdata")]


@pytest.mark.parametrize("_", range(20))
def test_a_stream_is_a_random_uuid(_: int) -> None:
    text = uuid4()
    assert str(UUID(text)) == text
    assert (UUID(text).version, UUID(text).variant) == (4, RFC_4122)
    assert uuid4() != text


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
