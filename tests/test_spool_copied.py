"""A spool that was copied to another PC, with and without that PC's own identity."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest

from collecting import Collector, Node
from intake_house import born
from services.mosquitto import Broker
from sobre_agent.open_load import Span
from sobre_agent.spool import Spool
from sobre_agent.spool_schema import Left, SpoolFile
from sobre_collector.conservation import check
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Origin

NOW = 1_790_000_000
WITHIN_S = 60


def appended(folder: Path, *energies_j: int) -> Spool:
    with closing(Spool(folder)) as spool:
        known = spool.meet("pc-1", "model", b"")
        spans = [
            Span("pc-1", NOW + 60 * (known.seq + n), 60, energy_j, Origin.MEASURED)
            for n, energy_j in enumerate(energies_j)
        ]
        spool.append(spans, {"pc-1": {"n": 1}})
        return spool


def moved(folder: Path, mark: str) -> Left | None:
    with closing(SpoolFile(folder, None)) as file:
        return file.belong_to(mark)


def test_a_spool_on_its_own_machine_goes_on(tmp_path: Path) -> None:
    before = appended(tmp_path, 5, 7)
    assert [moved(tmp_path, mark) for mark in ("a", "a", "", "a")] == [None] * 4
    with closing(Spool(tmp_path)) as spool:
        assert spool.stream == before.stream
        assert spool.meet("pc-1", "model", b"").register_j == 12


def test_a_copied_spool_begins_anew_and_sends_nothing_of_the_other(tmp_path: Path) -> None:
    before = appended(tmp_path, 5, 7)
    assert moved(tmp_path, "a") is None
    assert moved(tmp_path, "b") == Left(2, 12)
    with closing(Spool(tmp_path)) as spool:
        assert spool.stream != before.stream
        assert spool.counts().waiting == 0
        known = spool.meet("pc-1", "model", b"")
        assert (known.seq, known.register_j, known.state) == (0, 0, None)
        assert spool.history("2000-01-01", "2100-01-01") == []


def unshared(tmp_path: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """A script on a machine with another id; skips where mounts are not ours to make."""
    other = tmp_path / "machine-id"
    other.write_text("0123456789abcdef0123456789abcdef\n")
    mount = f"mount --bind {other} /etc/machine-id"
    try:
        tried = subprocess.run(
            ["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if tried.returncode:
        pytest.skip("no namespace may be made here, or this machine has no id")
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount} && {script}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )


def test_a_running_agent_knows_its_machine(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[mqtt]\nport = 1\n[spool]\nfolder = "{tmp_path}/spool"\n[host]\nsample_s = 1\n'
    )
    # It stops by itself once it has said that it runs.
    run = (
        f"{sys.executable} -m sobre_agent run --config {config} 2>&1 | "
        'while read line; do echo "$line"; case "$line" in *devices*) kill $(cat '
        f"{tmp_path}/spool/agent.lock);; esac; done"
    )
    streams = []
    for _ in range(2):
        done = subprocess.run(["sh", "-c", run], capture_output=True, text=True, timeout=WITHIN_S)
        assert "copied" not in done.stdout, done.stdout
        streams.append(appended(tmp_path / "spool", 5).stream)
    assert streams[0] == streams[1]
    done = unshared(tmp_path, run)
    assert "copied from another machine; the 2 loads (10 J)" in done.stdout
    assert "a new stream begins" in done.stdout
    again = unshared(tmp_path, run)
    assert "devices" in again.stdout
    assert "copied" not in again.stdout
    assert appended(tmp_path / "spool", 5).stream != streams[0]


def deliver(folder: Path, broker: Broker) -> int:
    config = folder.with_suffix(".toml")
    config.write_text(
        'organisation = "ville"\nsite = "mairie"\nnode = "pc-1"\n'
        f'[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\n[spool]\nfolder = "{folder}"\n'
    )
    words = [sys.executable, "-m", "sobre_agent.delivery", str(config)]
    return subprocess.run(words, check=False, timeout=WITHIN_S, capture_output=True).returncode


def test_clones_that_share_even_the_machines_id_count_once_and_are_seen(
    tmp_path: Path, broker: Broker
) -> None:
    """Two PCs from one disk image: each goes on with the same numbers, and both deliver."""
    appended(tmp_path / "one", 10, 20)
    copytree(tmp_path / "one", tmp_path / "two")
    appended(tmp_path / "one", 100, 100)
    appended(tmp_path / "two", 777, 100, 5000)
    with Collector(tmp_path / "house", broker.port) as collector, Node(broker, "other") as node:
        collector.connected()
        node.publish([born("pc-1", "pc-1", "server", rated_w=1000.0)], retain=True, taken=True)
        for name in ("one", "two"):
            assert deliver(tmp_path / name, broker) == 0
            with closing(Spool(tmp_path / name)) as spool:
                assert spool.counts().waiting == 0
        collector.stop()
    data = tmp_path / "house" / "data"
    with closing(SqliteSeries(data)) as series, closing(Ledger(data / "ledger.db")) as ledger:
        stored = {s.load.seq: s.load.energy_j for s in series.loads(0, 2**40)}
        aside = {q.load.seq: q.reason for q in series.quarantined() if q.load is not None}
        balance = check(series, ledger)
    # What both had before they parted is the same load, twice; what came since is a fork.
    assert {seq: stored[seq] for seq in (1, 2, 3, 4)} == {1: 10, 2: 20, 3: 100, 4: 100}
    assert aside[3] == aside[4] == "fork"
    assert balance.doubled_j == 0
