"""`sobre migrate` as a process: killed and started again, refused where it must, exit codes."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from migrated import DAY_S, OUTLET, PC, T0, A, Cut, arrival, contents, fill, load
from sobre_collector.cli import main
from sobre_collector.commands.collect import Lease
from sobre_collector.store.influx.points import load_line, series_key
from sobre_collector.store.sqlite import SqliteSeries
from stores import PARIS, InfluxStore, Site

pytest_plugins = ("store_fixtures",)

KILLED = -9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one of everything in its store."""
    fill(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def config(
    data: Path, influxdb: Site, influx_store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Settings that name the data folder and an empty InfluxDB."""
    if influxdb.token is not None:
        monkeypatch.setenv("SOBRE_INFLUX_READ_TOKEN", influxdb.token)
        monkeypatch.setenv("SOBRE_INFLUX_WRITE_TOKEN", influxdb.token)
    version = "1" if influxdb.token is None else "2"
    path = data.parent / "collector.toml"
    path.write_text(
        f'data = "data"\n[influx]\nurl = "{influxdb.url}"\nversion = "{version}"\n'
        f'org = "{influxdb.org}"\nprefix = "{influx_store.prefix}"\n',
        "utf-8",
    )
    return path


def sobre(*words: object, crash: str = "") -> subprocess.CompletedProcess[str]:
    """`sobre migrate …` as a process that dies at a step, if one is named."""
    return subprocess.run(
        [sys.executable, "-m", "sobre_collector", "migrate", *map(str, words)],
        env={**os.environ, "SOBRE_CRASH_AT": crash},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.influx
def test_killed_again_and_again_it_ends_with_the_same_store(
    data: Path, config: Path, tmp_path: Path
) -> None:
    before = contents(data)
    there = ("--from", "sqlite", "--to", "influx", "--config", config)
    for step in ("batch", "written-3", "kept-5", "proved"):
        assert sobre(*there, crash=step).returncode == KILLED
    whole = sobre(*there)
    assert (whole.returncode, whole.stderr) == (0, "")
    assert "is the same on both sides" in whole.stdout
    back = ("--from", "influx", "--to", f"sqlite:{tmp_path / 'to'}", "--config", config)
    for step in ("written-2", "kept-6", "workstations-2026-12"):
        assert sobre(*back, crash=step).returncode == KILLED
    moved = sobre(*back)
    assert (moved.returncode, moved.stderr) == (0, "")
    assert "was proved before it was cut" in moved.stdout
    assert contents(tmp_path / "to") == before == contents(data)
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == [
        "collector.lock",
        *before,
    ]
    # The same again would be another migration, onto a store that is whole.
    assert "already" in sobre(*back).stderr


@pytest.mark.influx
def test_what_differs_is_told_and_ends_with_1(
    data: Path, config: Path, influx_store: InfluxStore
) -> None:
    there = ("--from", "sqlite", "--to", "influx", "--config", config)
    assert sobre(*there, crash="proved").returncode == KILLED
    changed = load(OUTLET, 20, T0 + 3_600 * 20, 3_600)._replace(pages=1)
    line = load_line(series_key(*OUTLET, A), changed)
    influx_store.database.write(f"{influx_store.prefix}_loads", line)
    found = sobre(*there)
    assert found.returncode == 1
    (told,) = [line for line in found.stdout.splitlines() if line.startswith("  infra")]
    assert told.startswith(f"  infrastructure: loads reader pdu-a3/outlet-07 {A}: source 113 (")
    assert "is not to be used: empty it, and start again" in found.stdout


@pytest.mark.influx
def test_store_that_a_collector_uses_is_not_copied(data: Path, config: Path) -> None:
    with Lease(data) as lease:
        assert lease.take()
        refused = sobre("--from", "sqlite", "--to", "influx", "--config", config)
    assert refused.returncode == 1
    assert f"{data}: a collector runs on this folder; stop it first" in refused.stderr


@pytest.mark.influx
def test_influxdb_to_which_another_collector_writes_is_not_copied(
    config: Path, influx_store: InfluxStore, tmp_path: Path
) -> None:
    with closing(influx_store.open(by="far-away")) as series:
        series.append([arrival(OUTLET, load(OUTLET, 1, T0, 60))])
    back = ("--from", "influx", "--to", f"sqlite:{tmp_path / 'to'}", "--config", config)
    refused = sobre(*back)
    assert refused.returncode == 1
    assert "far-away: wrote to this store" in refused.stderr
    assert not list((tmp_path / "to").glob("*.db"))


@pytest.mark.influx
def test_influxdb_in_which_an_append_was_cut_is_not_copied(
    config: Path, influx_store: InfluxStore, tmp_path: Path
) -> None:
    state = f"{influx_store.prefix}_state"
    influx_store.database.write(state, "writer,by=far-away at=1i,begun=2i,done=1i,waits=0i 0")
    refused = sobre("--from", "influx", "--to", f"sqlite:{tmp_path / 'to'}", "--config", config)
    assert refused.returncode == 1
    assert "far-away: was cut while it stored" in refused.stderr


def test_dry_run_counts_and_writes_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--from", f"sqlite:{data}", "--to", f"sqlite:{tmp_path / 'to'}", "--dry-run"]
    assert main(["migrate", *words]) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    # 119 hours but five and a void one, three of the feeder, and a stranger's.
    assert ["infrastructure", "117", "3", "3"] in told
    assert ["2026-12", "14", "1", "0"] in told
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(
            ["--from", "sqlite:nowhere", "--to", "sqlite:x"], "has no series.db", id="absent"
        ),
        pytest.param(["--from", "sqlite", "--to", "sqlite:x"], "which folder?", id="which"),
        pytest.param(["--from", "mysql", "--to", "sqlite:x"], "'mysql': no store", id="kind"),
        pytest.param(["--from", "sqlite:", "--to", "sqlite:x"], "no store", id="no-folder"),
        pytest.param(["--from", "influx", "--to", "sqlite:x"], "no influx.url", id="no-url"),
        pytest.param(["--from", "sqlite:x", "--to", "sqlite:../x/x"], "the same", id="same"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path / "x")
    words = [word.replace("sqlite:x", f"sqlite:{tmp_path}/x/x") for word in words]
    assert main(["migrate", *words]) == 2
    assert told in capsys.readouterr().err
    assert list((tmp_path / "x").iterdir()) == []


def test_folder_that_holds_a_store_is_no_target(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "to").mkdir()
    SqliteSeries(tmp_path / "to", zone=PARIS).close()
    words = ["--from", f"sqlite:{data}", "--to", f"sqlite:{tmp_path / 'to'}"]
    assert main(["migrate", *words]) == 2
    assert "holds series.db already; name a folder without a store" in capsys.readouterr().err


def test_file_of_a_collector_that_came_between_is_not_overwritten(
    data: Path, tmp_path: Path
) -> None:
    words = ("--from", f"sqlite:{data}", "--to", f"sqlite:{tmp_path / 'to'}")
    assert sobre(*words, crash="moving").returncode == KILLED
    with closing(SqliteSeries(tmp_path / "to", zone=PARIS)) as series:
        series.append([arrival(OUTLET, load(OUTLET, 1, T0, 60))])
    refused = sobre(*words)
    assert refused.returncode == 2
    assert "was made while the migration was cut" in refused.stderr
    with closing(SqliteSeries(tmp_path / "to", zone=PARIS)) as series:
        assert len(list(series.loads(0, 2**40))) == 1


def test_what_a_cut_append_left_is_not_copied(data: Path, tmp_path: Path) -> None:
    def crash(step: str) -> None:
        if step == "between-files":
            raise Cut

    with closing(SqliteSeries(data, zone=PARIS, crash=crash)) as series, pytest.raises(Cut):
        series.append([arrival(PC, load(PC, 17, T0 + 17 * DAY_S, DAY_S), A, "future")])
    assert sobre("--from", f"sqlite:{data}", "--to", f"sqlite:{tmp_path / 'to'}").returncode == 0
    with closing(SqliteSeries(tmp_path / "to", zone=PARIS)) as series:
        assert "future" not in {row.reason for row in series.quarantined()}
