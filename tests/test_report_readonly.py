"""Report and pages only read: not a byte of the data folder changes, and it may be read-only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sobre_collector.cli import main
from sobre_collector.report.source import open_ledger, place
from sobre_collector.rows import Arrival
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_collector.web.reader import Reader
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin
from test_report_command import data as data  # the same folder of months

STREAM = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def folder(data: Path) -> Iterator[Path]:
    """The data folder with a series, cut just before the file of a forgotten month was removed."""
    series = SqliteSeries(data)
    for device, end in (("pc", 1_790_000_000), ("srv", 1_790_000_000)):
        load = Load(device, 1, end, 60, 600, 600, Origin.MEASURED)
        series.append([Arrival("n", STREAM, load, device == "pc", end)])
    series.close()
    (file,) = data.glob("workstations-*.db")
    month = file.read_bytes()
    series = SqliteSeries(data)
    series.forget(file.name[13:20])
    series.close()
    file.write_bytes(month)
    data.chmod(0o555)
    yield data
    data.chmod(0o755)


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.iterdir())
    }


def test_report_and_pages_change_no_byte(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = content(folder)
    assert any(name.startswith("workstations-") for name in before)
    out = tmp_path_factory.mktemp("out")
    assert main(["report", "--data", str(folder), "--year", "2024", "--out", str(out)]) == 0
    assert (out / "rapport.fr.html").exists()
    reader = Reader(place(None, folder), ())
    fleet = reader.fleet()
    assert fleet.now is not None
    report = reader.report()
    assert report is not None
    assert report.result is not None
    assert content(folder) == before


def test_what_was_just_written_is_read_beside_the_writer(data: Path) -> None:
    with closing(Ledger(data / "ledger.db")) as writer:
        writer.mark_simulated()
        assert (data / "ledger.db-wal").stat().st_size > 0
        reading = open_ledger(data)
        assert reading.simulated
        writer.record_job("days", "2026-11", 1, "")
        assert reading.job_done("days", "2026-11")


def test_who_reads_cannot_write(data: Path) -> None:
    with pytest.raises(StoreError, match="only the collector writes"):
        open_ledger(data).mark_simulated()


def test_a_file_of_an_older_version_is_not_brought_up_to_date_by_a_look(data: Path) -> None:
    with closing(sqlite3.connect(data / "ledger.db")) as db:
        db.execute("PRAGMA user_version=0")
    before = content(data)
    with pytest.raises(StoreError, match="start the collector once"):
        open_ledger(data)
    assert content(data) == before
