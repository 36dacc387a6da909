"""A side of a migration on SQLite's files.

A target is built in a folder of its own below the data folder and moved to its place when it was
proved, `series.db` last: no collector ever finds half a store.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sobre_collector.migrate.side import FOR_EVER, Counts, Facts, Position
from sobre_collector.rows import Arrival, DayRow, Quarantined, Refused, StoredLoad
from sobre_collector.store.expiry import keep_late
from sobre_collector.store.file import SeriesFile
from sobre_collector.store.mark import Mark
from sobre_collector.store.personal import MONTH, Months
from sobre_collector.store.sorting import Ident
from sobre_collector.store.sqlite import STEPS, SqliteSeries, nowhere
from sobre_collector.store.streams import Streams
from sobre_drivers.errors import ConfigError, StoreError

UNFINISHED = "migrating"
_PROGRESS = "progress.json"
_AT_ONCE = 5_000


def heal(folder: Path, zone: ZoneInfo) -> None:
    """Let a store undo what a cut append or a cut forgetting left, as its next append would."""
    with closing(SqliteSeries(folder, create=False, zone=zone)) as series:
        series.rule([])


class SqliteSource:
    """The files of one folder, as they lie there."""

    def __init__(self, folder: Path, create: bool = False) -> None:
        self.name = str(folder)
        self._series = SeriesFile(folder / "series.db", STEPS, create)
        self._months = Months(folder)
        self._streams = Streams(self._series)

    def places(self) -> list[str]:
        """`series.db`, then the months that were not forgotten."""
        forgotten = self._forgotten()
        return [FOR_EVER, *(name for name in self._months.names() if name not in forgotten)]

    def counts(self, place: str) -> Counts:
        """How much is there."""
        tables = ("loads", "days", "quarantine")
        return Counts(*(self._one(place, f"SELECT count(*) FROM {table}") for table in tables))

    def next_end(self, place: str, since: int) -> int | None:
        """The end of the first load that ended at or after a Unix second."""
        found: int | None = self._one(place, "SELECT min(end) FROM loads WHERE end >= ?", since)
        return found

    def loads(self, place: str, since: int, before: int) -> Iterator[StoredLoad]:
        """Loads that ended in [since, before), by device."""
        # Those that ended in it are some of those that overlap it, from a second earlier on.
        for stored in self._file(place).loads(since - 1, before, None):
            if since <= stored.load.end < before:
                yield stored

    def next_day(self, place: str, since: str) -> str | None:
        """The first day from an ISO date on."""
        found: str | None = self._one(place, "SELECT min(day) FROM days WHERE day >= ?", since)
        return found

    def days(self, place: str, first: str, last: str) -> Iterator[DayRow]:
        """Days from `first` to `last`."""
        return self._file(place).days(first, last, None, place != FOR_EVER)

    def aside(self, place: str) -> Iterator[Quarantined]:
        """What may not count, oldest first."""
        return self._file(place).quarantined()

    def marks(self) -> Iterator[tuple[Ident, Mark]]:
        """How far each stream has come, and what must be rebuilt."""
        self._streams.refresh()
        yield from self._streams.marks.items()

    def facts(self) -> Facts:
        """What outlives the rows."""
        late = self._series.rows("SELECT month, loads, energy_j FROM late")
        # Everything older that its stream has seen is gone: nothing else takes loads out.
        dropped = self.next_end(FOR_EVER, 0)
        if dropped is None:
            dropped = max((mark.end for _, mark in self.marks() if not mark.personal), default=0)
        return Facts(frozenset(self._forgotten()), {month: (n, j) for month, n, j in late}, dropped)

    def close(self) -> None:
        """Give the files back."""
        self._months.close()
        self._series.close()

    def _file(self, place: str) -> SeriesFile:
        return self._months.file(place) if place else self._series

    def _one(self, place: str, sql: str, *values: object) -> Any:
        return self._file(place).rows(sql, values)[0][0]

    def _forgotten(self) -> set[str]:
        return {month for (month,) in self._series.rows("SELECT month FROM forgotten")}


class SqliteTarget(SqliteSource):
    """Files below a data folder that become its series at the end.

    `moved` says that a migration to this folder was proved and cut while its files went to their
    place, which is done now.
    """

    def __init__(self, folder: Path) -> None:
        self._home = folder
        self._below = folder / UNFINISHED
        found = self._progress()
        self.moved = found is not None and found.get("proved") is True
        if self.moved:
            self._move_all()
            return
        _refuse_others(folder)
        try:
            self._below.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self._below, error) from error
        super().__init__(self._below, create=True)
        self.name = str(folder)

    def begun(self) -> tuple[str, Position] | None:
        """The source's fingerprint and what comes next."""
        found = self._progress()
        return None if found is None else (str(found["source"]), Position(*found["next"]))

    def keep(self, fingerprint: str, position: Position) -> None:
        """Remember what comes next."""
        self._write({"source": fingerprint, "next": position})

    def put_loads(self, place: str, loads: Sequence[StoredLoad]) -> None:
        """Store loads; those that are there already stay."""
        file = self._file(place)
        with file.write() as db:
            file.insert(db, [Arrival(*stored, place != FOR_EVER, 0) for stored in loads])

    def put_days(self, place: str, days: Sequence[DayRow]) -> None:
        """Store days."""
        file = self._file(place)
        with file.write() as db:
            file.put_days(db, days)

    def put_aside(self, place: str, rows: Sequence[Quarantined]) -> None:
        """Store what may not count, in its order; what is there already stays."""
        file, personal = self._file(place), place != FOR_EVER
        for is_load, part in groupby(rows, lambda row: row.load is not None):
            if not is_load:
                file.refuse([Refused(r.node, r.payload or b"", r.reason, r.received) for r in part])
                continue
            with file.write() as db:
                file.set_aside(
                    db,
                    [
                        Arrival(row.node, row.stream, row.load, personal, row.received, row.reason)
                        for row in part
                        if row.load is not None and row.stream is not None
                    ],
                )

    def put_marks(self, marks: Iterable[tuple[Ident, Mark]]) -> None:
        """Write how far each stream has come."""
        whole = iter(marks)
        while part := dict(islice(whole, _AT_ONCE)):
            with self._series.write() as db:
                self._streams.put(db, part)
            self._streams.keep(part)

    def put_facts(self, facts: Facts) -> None:
        """Write what outlives the rows."""
        with self._series.write() as db:
            forgotten = [(month,) for month in sorted(facts.forgotten)]
            db.executemany("INSERT OR IGNORE INTO forgotten VALUES (?)", forgotten)
            # Added to what is there: what a cut migration wrote must not count twice.
            db.execute("DELETE FROM late")
            keep_late(db, facts.late)

    def finish(self, crash: Callable[[str], None] = nowhere) -> None:
        """Move the files to where a collector looks for them."""
        self.close()
        self._write({"proved": True})
        crash("moving")
        self._move_all(crash)

    def _move_all(self, crash: Callable[[str], None] = nowhere) -> None:
        months = sorted(self._below.glob("workstations-*.db"))
        left = [path for path in (*months, self._below / "series.db") if path.exists()]
        for path in left:
            _refuse_to_move(path, self._home / path.name)
        try:
            for path in left:
                path.replace(self._home / path.name)
                _sync(self._home)
                crash(path.stem)
            for rest in self._below.iterdir():
                rest.unlink()
            self._below.rmdir()
        except OSError as error:
            raise _unwritable(self._home, error) from error

    def _progress(self) -> dict[str, Any] | None:
        path = self._below / _PROGRESS
        try:
            found: dict[str, Any] = json.loads(path.read_text("utf-8"))
            if found.get("proved") is not True:
                str(found["source"]), Position(*found["next"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{path}: cannot be read ({error}); remove {self._below}, and start again"
            ) from error
        return found

    def _write(self, progress: dict[str, object]) -> None:
        part = self._below / f"{_PROGRESS}.part"
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(progress, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._below / _PROGRESS)
            _sync(self._below)
        except OSError as error:
            raise _unwritable(part, error) from error


def _refuse_to_move(path: Path, home: Path) -> None:
    if home.exists():
        raise ConfigError(
            f"{home}: was made while the migration was cut; move it away, and start the migration "
            "again"
        )
    wal = path.with_name(f"{path.name}-wal")
    if wal.exists() and wal.stat().st_size:
        raise StoreError(
            f"{path}: another program has it open, and a part of it is in {wal.name}; end that "
            "program, and start the migration again"
        )


def _refuse_others(folder: Path) -> None:
    found = sorted(folder.glob("workstations-*.db"))
    others = [path.name for path in found if MONTH.fullmatch(path.stem[13:])]
    if (folder / "series.db").exists():
        others.append("series.db")
    if others:
        raise ConfigError(
            f"{folder}: holds {', '.join(others)} already; name a folder without a store"
        )


def _sync(folder: Path) -> None:
    """Make a rename in a folder durable."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: {error.strerror}; let this account write there, and make room")
