"""A migration that is cut goes on, one that went wrong is found, and nothing is overwritten."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

import sobre_collector.migrate.move
from migrated import (
    DAY_S,
    FEEDER,
    OUTLET,
    PC,
    T0,
    A,
    B,
    Cut,
    arrival,
    contents,
    cut_at,
    fill,
    load,
    to_influx,
    to_sqlite,
)
from sobre_collector.migrate.influx_target import InfluxTarget
from sobre_collector.migrate.sqlite import SqliteTarget
from sobre_collector.rows import Outcome, StoredLoad
from sobre_collector.store.influx.points import LOAD, load_line, load_time, series_key
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.errors import ConfigError, StoreError
from sobre_drivers.load import Load
from stores import PARIS, InfluxStore

pytest_plugins = ("store_fixtures",)
pytestmark = pytest.mark.influx


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with one of everything."""
    fill(tmp_path / "from")
    return tmp_path / "from"


STEPS = ["batch", "written-4", "kept-8", "facts", "proved"]


@pytest.mark.parametrize("step", STEPS)
def test_migration_to_influxdb_goes_on_where_it_was_cut(
    folder: Path,
    influx_store: InfluxStore,
    tmp_path: Path,
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sobre_collector.migrate.move, "BATCH", 7)
    with pytest.raises(Cut):
        # In the middle of a window.
        to_influx(folder, influx_store, cut_at(step, 2 if step == "batch" else 1))
    assert to_influx(folder, influx_store).differing == []
    assert to_sqlite(influx_store, tmp_path / "to").differing == []
    assert contents(tmp_path / "to") == contents(folder)


@pytest.mark.parametrize("step", [*STEPS, "moving", "workstations-2026-12", "series"])
def test_migration_to_sqlite_goes_on_where_it_was_cut(
    folder: Path, influx_store: InfluxStore, tmp_path: Path, step: str
) -> None:
    to_influx(folder, influx_store)
    with pytest.raises(Cut):
        to_sqlite(influx_store, tmp_path / "to", cut_at(step))
    if step in STEPS:
        assert not list((tmp_path / "to").glob("*.db"))
        assert to_sqlite(influx_store, tmp_path / "to").differing == []
    else:
        assert (tmp_path / "to" / "series.db").exists() == (step == "series")
        assert SqliteTarget(tmp_path / "to").moved
    assert contents(tmp_path / "to") == contents(folder)
    assert not (tmp_path / "to" / "migrating").exists()


def test_file_that_another_program_has_open_is_not_moved_without_its_log(
    folder: Path, influx_store: InfluxStore, tmp_path: Path
) -> None:
    to_influx(folder, influx_store)
    file = tmp_path / "to" / "migrating" / "series.db"
    opened: list[sqlite3.Connection] = []

    def look(step: str) -> None:
        if step == "proved":
            opened.append(sqlite3.connect(file))
            opened[0].execute("SELECT count(*) FROM loads").fetchone()

    with pytest.raises(StoreError, match="another program has it open"):
        to_sqlite(influx_store, tmp_path / "to", look)
    opened[0].close()
    assert SqliteTarget(tmp_path / "to").moved
    assert contents(tmp_path / "to") == contents(folder)


def test_what_was_copied_before_is_not_copied_again(
    folder: Path, influx_store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = len(written(monkeypatch, lambda: to_influx(folder, influx_store.fresh())))
    with pytest.raises(Cut):
        to_influx(folder, influx_store, cut_at("kept-4"))
    rest = written(monkeypatch, lambda: to_influx(folder, influx_store))
    assert 0 < len(rest) < whole


def written(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> list[int]:
    """How many loads each call to the target brought."""
    sizes: list[int] = []
    put = InfluxTarget.put_loads

    def counted(target: InfluxTarget, place: str, loads: Sequence[StoredLoad]) -> None:
        sizes.append(len(loads))
        put(target, place, loads)

    with monkeypatch.context() as patch:
        patch.setattr(InfluxTarget, "put_loads", counted)
        work()
    return sizes


def test_no_more_than_a_batch_is_in_memory(
    folder: Path, influx_store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sobre_collector.migrate.move, "BATCH", 7)
    assert max(written(monkeypatch, lambda: to_influx(folder, influx_store))) == 7


ALTERED: dict[str, Callable[[Load], Load]] = {
    "energy": lambda one: one._replace(energy_j=one.energy_j + 1),
    "states": lambda one: one._replace(state_s={"on": 1}),
}


@pytest.mark.parametrize("change", ALTERED)
def test_load_that_was_altered_in_the_target_is_found(
    folder: Path, influx_store: InfluxStore, change: str
) -> None:
    target = f"{influx_store.prefix}_loads"
    one = load(OUTLET, 20, T0 + 3_600 * 20, 3_600)

    def alter(step: str) -> None:
        if step == "copied":
            line = load_line(series_key(*OUTLET, A), ALTERED[change](one))
            influx_store.database.write(target, line)

    proof = to_influx(folder, influx_store, alter)
    (found,) = proof.differing
    assert found.startswith("infrastructure: loads reader pdu-a3/outlet-07 ")
    with pytest.raises(StoreError, match="unfinished"):
        influx_store.open().rule([])
    # It stays a part of this migration, and is not a store.
    assert to_influx(folder, influx_store).differing == [found]


@pytest.mark.parametrize("what", ["load", "added", "day", "aside", "mark"])
def test_whatever_is_lost_or_added_in_the_target_is_found(
    folder: Path, influx_store: InfluxStore, what: str
) -> None:
    prefix, database = influx_store.prefix, influx_store.database
    one = load(OUTLET, 20, T0 + 3_600 * 20, 3_600)
    key = series_key(*OUTLET, A)

    def alter(step: str) -> None:
        if step != "copied":
            return
        if what == "load":
            at = load_time(one)
            tags = {"device": OUTLET.device, "node": OUTLET.node, "stream": A}
            database.delete(f"{prefix}_loads", LOAD, tags, at, at)
        elif what == "added":
            line = load_line(key, one._replace(seq=7, end=T0 + 3_600 * 7))
            database.write(f"{prefix}_loads", line)
        elif what == "day":
            database.delete(f"{prefix}_2026-11", "day", {"node": PC.node}, 0, 2**62)
        elif what == "aside":
            database.delete(f"{prefix}_state", "quarantine", {"node": OUTLET.node}, 0, 2**62)
        else:
            database.delete(f"{prefix}_state", "mark", {"node": FEEDER.node}, 0, 2**62)

    proof = to_influx(folder, influx_store, alter)
    assert proof.differing
    expected = {"added": "load", "aside": "quarantine"}.get(what, what)
    assert all(expected in line for line in proof.differing)


def test_target_that_holds_another_store_is_refused(
    folder: Path, influx_store: InfluxStore, tmp_path: Path
) -> None:
    with closing(influx_store.open()) as series:
        series.append([arrival(OUTLET, load(OUTLET, 1, T0, 60))])
    with pytest.raises(ConfigError, match="holds a store already"):
        to_influx(folder, influx_store)
    with pytest.raises(ConfigError, match=r"series\.db already"):
        to_sqlite(influx_store, folder)


def test_load_that_is_older_than_influxdb_keeps_is_named_and_nothing_is_finished(
    folder: Path, influx_store: InfluxStore
) -> None:
    with closing(SqliteSeries(folder, zone=PARIS)) as series:
        series.append([arrival(FEEDER, load(FEEDER, 1, 10**9, 60), B)])
    name = f"{influx_store.prefix}_loads"
    influx_store.database.drop(name)
    influx_store.database.create(name, 3_000 * DAY_S)
    with pytest.raises(StoreError, match=r"^reader pdu-a3 no\. 1: .*keep loads for longer"):
        to_influx(folder, influx_store)
    with closing(influx_store.open()) as series, pytest.raises(StoreError, match="is unfinished"):
        list(series.loads(0, 2**40))


def test_rest_of_another_migration_is_refused(
    folder: Path, influx_store: InfluxStore, tmp_path: Path
) -> None:
    with pytest.raises(Cut):
        to_influx(folder, influx_store, cut_at("kept-3"))
    with closing(SqliteSeries(folder, zone=PARIS)) as series:
        series.append([arrival(OUTLET, load(OUTLET, 120, T0 + 3_600 * 120, 3_600))])
    with pytest.raises(ConfigError, match="the source has moved"):
        to_influx(folder, influx_store)


def test_collector_that_wrote_to_half_a_store_is_found(
    folder: Path, influx_store: InfluxStore
) -> None:
    with pytest.raises(Cut):
        to_influx(folder, influx_store, cut_at("kept-3"))
    influx_store.database.write(
        f"{influx_store.prefix}_state", "writer,by=collector at=1i,begun=1i,done=1i,waits=0i 0"
    )
    with pytest.raises(ConfigError, match="collector wrote to it before it was whole"):
        to_influx(folder, influx_store)


@pytest.mark.parametrize("step", ["batch", "kept-3", "proved"])
def test_nobody_uses_half_a_store(folder: Path, influx_store: InfluxStore, step: str) -> None:
    with pytest.raises(Cut):
        to_influx(folder, influx_store, cut_at(step))
    new = arrival(OUTLET, load(OUTLET, 120, T0 + 3_600 * 120, 3_600))
    with closing(influx_store.open()) as series:
        for use in (
            lambda: series.append([new]),
            lambda: list(series.loads(0, 2**40)),
            lambda: list(series.days("2026-11-01", "2026-11-30")),
            lambda: list(series.quarantined()),
            lambda: series.forget("2026-11"),
        ):
            with pytest.raises(StoreError, match="is unfinished"):
                use()
    assert to_influx(folder, influx_store).differing == []
    with closing(influx_store.open()) as series:
        assert len(list(series.days("2026-11-01", "2026-11-30"))) == 3
        assert series.append([new]) == Outcome(stored=1)


def test_source_that_moves_meanwhile_is_found(folder: Path, influx_store: InfluxStore) -> None:
    def meanwhile(step: str) -> None:
        if step == "kept-3":
            with closing(SqliteSeries(folder, zone=PARIS)) as series:
                series.append([arrival(OUTLET, load(OUTLET, 120, T0 + 3_600 * 120, 3_600))])

    with pytest.raises(StoreError, match="moved while it was copied"):
        to_influx(folder, influx_store, meanwhile)
