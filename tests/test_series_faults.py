"""The series when power, disk or another program gets in the way, and when a month is forgotten."""

import ctypes
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from sobre_collector.rows import Arrival, DayRow, Key, Outcome, StoredLoad
from sobre_collector.store.sqlite import STEPS, SqliteSeries
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin

# 24 November 2026, 00:00 in Paris.
T0 = 1_795_474_800
# 1 December 2026, 00:00 in Paris, where November ends.
DECEMBER = 1_796_079_600
A = str(UUID(int=1))
PDU, PC = Key("reader", "pdu-a3"), Key("7f3c9e21d4", "7f3c9e21d4")


def load(seq: int, key: Key = PDU, end: int | None = None) -> Load:
    return Load(key.device, seq, end or T0 + 60 * seq, 60, 5, 5 * seq, Origin.MEASURED)


def arrivals(*seqs: int, keys: tuple[Key, ...] = (PC, PDU)) -> list[Arrival]:
    return [
        Arrival(key.node, A, load(seq, key), key == PC, T0 + 9_999) for seq in seqs for key in keys
    ]


def everything(series: SqliteSeries) -> list[StoredLoad]:
    return list(series.loads(0, 2**40))


class PowerCutError(Exception):
    """The machine is gone."""


def cut_at(wanted: str) -> Callable[[str], None]:
    def crash(step: str) -> None:
        if step == wanted:
            raise PowerCutError

    return crash


@pytest.mark.parametrize("step", ["between-files", "before-commit", "after-commit"])
def test_append_that_was_cut_is_healed_by_sending_again(tmp_path: Path, step: str) -> None:
    first = SqliteSeries(tmp_path, crash=cut_at(step))
    with pytest.raises(PowerCutError):
        first.append(arrivals(1, 2))
    first.close()
    with closing(SqliteSeries(tmp_path)) as again:
        again.append(arrivals(1, 2))
        stored = [s.load for s in everything(again)]
        assert stored == [load(n, key) for key in (PC, PDU) for n in (1, 2)]
        assert [(mark.seq, mark.holes) for mark in again.marks()] == [(2, ()), (2, ())]
        assert list(again.quarantined()) == []
        assert {touch.key for touch in again.touched()} == {PC, PDU}


def test_append_that_failed_leaves_nothing_in_memory(tmp_path: Path) -> None:
    steps = ["before-commit"]
    with closing(SqliteSeries(tmp_path, crash=lambda step: cut_at(steps[0])(step))) as series:
        with pytest.raises(PowerCutError):
            series.append(arrivals(1, keys=(PDU,)))
        assert list(series.marks()) == []
        steps[0] = ""
        assert series.append(arrivals(1, keys=(PDU,))) == Outcome(stored=1)
        assert len(everything(series)) == 1


def test_other_content_after_a_cut_between_files_is_a_fork(tmp_path: Path) -> None:
    first = SqliteSeries(tmp_path, crash=cut_at("between-files"))
    with pytest.raises(PowerCutError):
        first.append(arrivals(1, keys=(PC,)))
    first.close()
    forged = [a._replace(load=a.load._replace(energy_j=4)) for a in arrivals(1, keys=(PC,))]
    with closing(SqliteSeries(tmp_path)) as again:
        assert again.append(forged) == Outcome(quarantined=1)
        assert [s.load.energy_j for s in everything(again)] == [5]
        assert [q.reason for q in again.quarantined()] == ["fork"]


def test_what_a_cut_append_set_aside_may_count_when_it_comes_again(tmp_path: Path) -> None:
    first = SqliteSeries(tmp_path, crash=cut_at("between-files"))
    with pytest.raises(PowerCutError):
        first.append([a._replace(reason="future") for a in arrivals(1, keys=(PC,))])
    first.close()
    with closing(SqliteSeries(tmp_path)) as again:
        assert again.readmit(PC, "future", personal=True) == 0
        assert again.append(arrivals(1, keys=(PC,))) == Outcome(stored=1)
        assert list(again.quarantined()) == []


def month_bytes(folder: Path, month: str) -> list[Path]:
    return sorted(folder.glob(f"workstations-{month}*"))


def day(text: str) -> DayRow:
    return DayRow(PC, True, text, 86_400, 80_000, 0, 5, 0, 0, 0)


def test_forgotten_month_leaves_no_trace_in_its_files(tmp_path: Path) -> None:
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1, 2))
        series.append([Arrival(PC.node, A, load(3, PC), True, T0, "future")])
        series.append([Arrival(PC.node, A, load(4, PC, DECEMBER), True, T0)])
        series.append([Arrival(PC.node, A, load(5, PC, DECEMBER + 60), True, T0)])
        series.quarantine(PC.node, b"\xff" + PC.device.encode(), "not UTF-8", T0)
        series.put_days([day("2026-11-24"), day("2026-12-01")], [])
        assert any(PC.device.encode() in path.read_bytes() for path in tmp_path.iterdir())
        series.forget("2026-11")
        assert month_bytes(tmp_path, "2026-11") == []
        assert [(s.node, s.load.seq) for s in everything(series)] == [
            (PC.node, 5),
            (PDU.node, 1),
            (PDU.node, 2),
        ]
        assert [row.day for row in series.days("2026-01-01", "2026-12-31")] == ["2026-12-01"]
        assert list(series.quarantined()) == []


def test_forgotten_month_is_not_made_again(tmp_path: Path) -> None:
    received = DECEMBER + 40 * 86_400
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1, 3))
        series.forget("2026-11")
        repeat, late = (Arrival(PC.node, A, load(seq, PC), True, received) for seq in (1, 2))
        assert series.append([repeat]) == Outcome(repeated=1)
        aside = late._replace(reason="late")
        assert series.append([late]) == Outcome(quarantined=1, late=(aside,))
        assert series.append([late]) == Outcome(repeated=1)
        series.put_days([day("2026-11-24")], series.touched())
        assert month_bytes(tmp_path, "2026-11") == []
        assert series.readmit(PC, "late", personal=True) == 0
        assert [(q.reason, q.load and q.load.seq) for q in series.quarantined()] == [("late", 2)]
    with closing(SqliteSeries(tmp_path)) as again:
        assert again.append([repeat]) == Outcome(repeated=1)
        assert month_bytes(tmp_path, "2026-11") == []


def test_month_whose_forgetting_was_cut_is_forgotten_at_the_next_start(tmp_path: Path) -> None:
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1))
        kept = {path: path.read_bytes() for path in month_bytes(tmp_path, "2026-11")}
        series.forget("2026-11")
    for path, data in kept.items():
        path.write_bytes(data)
    with closing(SqliteSeries(tmp_path)):
        assert month_bytes(tmp_path, "2026-11") == []


@pytest.mark.parametrize("month", ["", "2026-13", "../series", "2026-11/x"])
def test_only_a_month_can_be_forgotten(tmp_path: Path, month: str) -> None:
    with closing(SqliteSeries(tmp_path)) as series, pytest.raises(StoreError, match="2026-11"):
        series.forget(month)


def test_month_of_a_load_is_that_of_its_end_in_local_time(tmp_path: Path) -> None:
    with closing(SqliteSeries(tmp_path)) as series:
        ends = (DECEMBER, DECEMBER + 1)
        series.append(
            [Arrival(PC.node, A, load(n, PC, e), True, T0) for n, e in enumerate(ends, 1)]
        )
        series.forget("2026-11")
        assert [s.load.end for s in everything(series)] == [DECEMBER + 1]


def test_file_of_a_newer_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1))
    db = sqlite3.connect(tmp_path / "series.db")
    db.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    db.close()
    before = (tmp_path / "series.db").read_bytes()
    with pytest.raises(StoreError, match="newer Sobre"):
        SqliteSeries(tmp_path)
    assert (tmp_path / "series.db").read_bytes() == before


def test_what_another_process_wrote_is_seen(tmp_path: Path) -> None:
    with closing(SqliteSeries(tmp_path)) as one, closing(SqliteSeries(tmp_path)) as other:
        assert one.append(arrivals(1, 4)) == Outcome(stored=4)
        assert other.append(arrivals(1, 2, 4)) == Outcome(stored=2, repeated=4)
        assert one.append(arrivals(2, 3)) == Outcome(stored=2, repeated=2)
        assert [mark.holes for mark in other.marks()] == [(), ()]


class SmallDisk(NamedTuple):
    """A folder that holds little until `give_room` is called."""

    folder: Path
    fill: Callable[[], None]
    give_room: Callable[[], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A file system of one megabyte; who may not mount one has files bounded instead."""
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None)
    if libc.mount(b"sobre-test", os.fsencode(folder), b"tmpfs", 0, b"size=1m") != 0:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE)
        yield SmallDisk(folder, partial(limit, (300_000, before[1])), partial(limit, before))
        limit(before)
        return
    ballast = folder / "ballast"

    def fill() -> None:
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    yield SmallDisk(folder, fill, ballast.unlink)
    # MNT_DETACH: what is still open does not keep it.
    libc.umount2(os.fsencode(folder), 2)


def test_full_disk_is_told_and_works_again_when_there_is_room(small_disk: SmallDisk) -> None:
    groups = [arrivals(*range(first, first + 100)) for first in range(1, 20_000, 100)]
    with closing(SqliteSeries(small_disk.folder)) as series:
        small_disk.fill()
        taken, told = 0, ""
        try:
            for group in groups:
                series.append(group)
                taken += 1
        except StoreError as error:
            told = str(error)
        assert "make room" in told
        small_disk.give_room()
        sent = groups[: taken + 5]
        for group in sent:
            assert series.append(group).quarantined == 0
        assert [s.load.seq for s in everything(series)] == [*range(1, 100 * len(sent) + 1)] * 2
        assert [mark.holes for mark in series.marks()] == [(), ()]


def test_full_database_is_told_and_works_again(tmp_path: Path) -> None:
    """The same without a mount: the number of pages is bounded instead."""
    with closing(SqliteSeries(tmp_path)) as series:
        series.append(arrivals(1))
        (pages,) = series._series.rows("PRAGMA page_count")[0]
        series._series.rows(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(StoreError, match="make room"):
            series.append(arrivals(*range(2, 2_000)))
        assert [mark.seq for mark in series.marks()] == [1, 1]
        series._series.rows("PRAGMA max_page_count=100000")
        assert series.append(arrivals(*range(2, 2_000))).quarantined == 0
        assert [s.load.seq for s in everything(series)] == [*range(1, 2_000)] * 2
