"""Half a million turns of a PC's agent: memory and files stay level, and no joule is lost."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from faults.line import TESTS
from sobre_drivers.pc.host import DESKTOP, model_of
from sobre_drivers.pc.pc_model import utilised_w

TURNS, LOOKS = 500_000, 25
# What the second half of the year may weigh more than the first (MiB): nothing but noise.
NOISE_MIB = 0.3
LOAD_RATIO = 0.2


@pytest.mark.skipif(sys.platform != "linux", reason="file handles are counted in /proc")
def test_half_a_million_turns_leave_memory_and_files_as_they_were() -> None:
    # Memory if there is some: it is no disk that is tried here, and 50,000 commits wear one.
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="sobre-turns-", dir=memory if memory.is_dir() else None)
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    words = [sys.executable, "-m", "faults.long_run", folder, str(TURNS), str(LOOKS)]
    try:
        done = subprocess.run(
            words,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert (len(seen), seen[-1]["turns"]) == (LOOKS, TURNS)
    # The first turns fill caches: of modules, of local days, of SQLite's pages.
    later = seen[LOOKS // 5 :]
    sizes, half = [each["rss"] for each in later], len(later) // 2
    grown = statistics.median(sizes[half:]) - statistics.median(sizes[:half])
    assert grown / 2**20 < NOISE_MIB
    assert len({each["files"] for each in later}) == 1
    assert len({each["threads"] for each in later}) == 1
    power_w = utilised_w(model_of(DESKTOP), LOAD_RATIO)
    for each in seen:
        # Loads are whole joules: what is below one is carried on, or still open.
        assert each["energy_j"] == pytest.approx(power_w * each["run_s"], abs=2.0)
