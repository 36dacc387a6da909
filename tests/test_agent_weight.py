"""What the sampling process carries all year."""

import os
import subprocess
import sys
from importlib.metadata import version

from sobre_agent.version import VERSION


def test_importing_the_agent_loads_nothing_heavy() -> None:
    script = (
        "import sys, sobre_agent.cli, sobre_agent.commands.run, sobre_agent.courier, "
        "sobre_drivers.host\n"
        "heavy = {'paho', 'ssl', 'asyncio', 'pymodbus', 'hashlib', 'importlib.metadata', 'uuid'}\n"
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
