"""A machine that slept: the agent sees it by the kernel's own clocks, and invents no energy."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sobre_agent.spool import Spool
from test_agent_run import configured, running, sampled, stopped, until

ASLEEP_S = 7200

# The agent's own samples under the kernel's clocks, as they stand in this time namespace.
WOKEN = """
import sys
from pathlib import Path
from contextlib import closing
from sobre_agent import config
from sobre_agent.books import Books
from sobre_agent.schedule import asked
from sobre_agent.sources import sources_of
from sobre_agent.spool import Spool
from sobre_drivers.clock import SystemClock
from sobre_drivers.sample import Instant

class Woken(SystemClock):
    # Time namespaces have no wall clock of their own: it went on while the machine slept.
    def now(self):
        at = super().now()
        return Instant(at.wall_s + float(sys.argv[2]), at.mono_s, at.boot_s)

settings = config.load(Path(sys.argv[1]))
sources = sources_of(settings, "pc-1")
with closing(Spool(settings.spool.folder)) as spool:
    books = Books(settings, sources, spool)
    books.enter(asked(sources[0], Woken()))
    books.checkpoint(0.0, clean=True)
"""


def state(folder: Path) -> dict[str, int]:
    """Seconds by state and µJ of all that is settled or still open."""
    with closing(Spool(folder / "spool")) as spool:
        saved = spool.meet("pc-1", "", b"").state
        rows = spool.rows("SELECT state_s, energy_j FROM load")
    assert saved is not None
    found = dict(saved["open"]["state_s"])
    found["uj"] = saved["open"]["energy_uj"] + saved["open"]["carry_uj"]
    for states, energy_j in rows:
        found["uj"] += energy_j * 1_000_000
        for name, seconds in json.loads(states).items():
            found[name] = found.get(name, 0) + seconds
    return found


@pytest.mark.parametrize("asleep_s", [0, ASLEEP_S], ids=["awake", "asleep"])
def test_time_asleep_is_neither_measured_nor_invented(tmp_path: Path, asleep_s: int) -> None:
    namespace = ["unshare", "--time", "--boottime", str(asleep_s)] if asleep_s else []
    try:
        tried = subprocess.run([*namespace, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if tried.returncode:
        pytest.skip(f"no time namespace may be made here: {tried.stderr.decode().strip()}")
    config = configured(tmp_path)
    with running(config) as process:
        until(sampled(tmp_path, 0))
        assert stopped(process) == 0
    before = state(tmp_path)
    words = [*namespace, sys.executable, "-c", WOKEN, str(config), str(asleep_s)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "the clock was set" not in done.stderr
    after = state(tmp_path)
    assert after.get("sleep", 0) == pytest.approx(asleep_s, abs=3)
    # A PC that sleeps draws a few watts; as if it had been awake it would be tens.
    assert after["uj"] - before["uj"] <= (asleep_s * 6 + 10 * 200) * 1_000_000
