"""The ledger: small and precious, what stays when loads and days are forgotten.

Devices, months, published results, what the jobs have done and how far the conservation check has
come. One SQLite file beside the one collector that runs the jobs.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sobre_collector.indicators.moments import StratumMonth, from_json, to_json
from sobre_collector.rows import Device, Key
from sobre_collector.store import calibrations, chain, rulebook, units
from sobre_collector.store.adjustments import Adjustments
from sobre_collector.store.baselines import Baselines
from sobre_collector.store.decisions import Decisions
from sobre_collector.store.decisions import tables as decision_tables
from sobre_collector.store.results import Result, Results
from sobre_collector.store.schema import Database, Step
from sobre_drivers.errors import StoreError


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was done for a period ("2026-11-24", "2026-11"); `at` in Unix seconds."""

    job: str
    period: str
    at: int
    result: str


@dataclass(frozen=True, slots=True)
class CheckMark:
    """How far a stream was checked: its `seq` and `register_j` (J) there.

    `carried` is what the conservation check keeps of the loads before (JSON of its own).
    """

    seq: int
    register_j: int
    carried: str = "{}"


class Ledger:
    """Every method is one transaction and raises StoreError where the disk refuses."""

    def __init__(self, path: Path, create: bool = True, readonly: bool = False) -> None:
        self._file = Database(path, STEPS, create, readonly)
        self.decisions = Decisions(self._file)
        self.adjustments = Adjustments(self._file)
        self.baselines = Baselines(self._file)
        self.published = Results(self._file)
        self.units = units.Units(self._file)
        self.rulebook = rulebook.Rulebook(self._file)
        self.calibrations = calibrations.Calibrations(self._file)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    @property
    def simulated(self) -> bool:
        """Whether what is in here was made by `sobre simulate`."""
        return bool(self._file.rows("SELECT 1 FROM facts WHERE name = 'simulated'"))

    def mark_simulated(self) -> None:
        """Say that what is in here is simulated; that is never taken back."""
        with self._file.write() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES ('simulated', 'yes')")

    def devices(self) -> dict[Key, Device]:
        """All devices that were ever accepted."""
        rows = self._file.rows(
            "SELECT node, device, class, organisation, site, method, rated_w, uncertainty_ratio,"
            " first_seen, count_j FROM devices"
        )
        return {Key(row[0], row[1]): Device(Key(row[0], row[1]), *row[2:]) for row in rows}

    def put_device(self, device: Device) -> None:
        """Add a device or replace what is known of it."""
        with self._file.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *device.key,
                    device.device_class,
                    device.organisation,
                    device.site,
                    device.method,
                    device.rated_w,
                    device.uncertainty_ratio,
                    device.first_seen,
                    device.count_j,
                ),
            )

    def flag(self, key: Key, text: str, at: int) -> None:
        """Note something that a person should look at; the same text of a device once."""
        with self._file.write() as db:
            db.execute("INSERT OR IGNORE INTO flags VALUES (?, ?, ?, ?)", (*key, text, at))

    def flags(self) -> list[tuple[Key, str, int]]:
        """(device, text, Unix seconds of the first time), oldest first."""
        rows = self._file.rows("SELECT node, device, text, at FROM flags ORDER BY at, rowid")
        return [(Key(node, device), text, at) for node, device, text, at in rows]

    def put_month(self, row: StratumMonth) -> None:
        """Keep a stratum's month, replacing it while the month is open.

        StoreError if the month is closed and the row is not what was kept.
        """
        self.put_months([row])

    def put_months(self, rows: Iterable[StratumMonth]) -> None:
        """Keep many as `put_month` keeps one, in one step."""
        with self._file.write() as db:
            for row in rows:
                stratum = row.stratum
                key = (row.month, stratum.organisation, stratum.site, stratum.device_class)
                content = json.dumps(to_json(row), sort_keys=True)
                kept = db.execute(f"SELECT content FROM months WHERE {_STRATUM}", key).fetchone()
                if kept == (content,):
                    continue
                if db.execute("SELECT 1 FROM closed WHERE month = ?", key[:1]).fetchone():
                    raise StoreError(
                        f"month {row.month}: closed, and {'/'.join(key[1:])} would now be "
                        "different; what was closed stays: record an adjustment instead"
                    )
                db.execute("INSERT OR REPLACE INTO months VALUES (?, ?, ?, ?, ?)", (*key, content))

    def months(self, first: str, last: str) -> list[StratumMonth]:
        """Stratum-months from `first` to `last` ("2026-11", inclusive), by month and stratum.

        Those that were closed before a calibration which holds for them are restated.
        """
        rows = self._file.rows(
            "SELECT content FROM months WHERE month BETWEEN ? AND ?"
            " ORDER BY month, organisation, site, class",
            (first, last),
        )
        found = [from_json(json.loads(content)) for (content,) in rows]
        return self.calibrations.restated(found, self.closed_months())

    def close_month(self, month: str, at: int) -> None:
        """Close a month: what is kept of it changes no more, what comes in for it is late."""
        with self._file.write() as db:
            db.execute("INSERT OR IGNORE INTO closed VALUES (?, ?)", (month, at))

    def closed_months(self) -> set[str]:
        """Months that are closed."""
        return {month for (month,) in self._file.rows("SELECT month FROM closed")}

    def add_late(self, late: Iterable[tuple[str, int]]) -> None:
        """Count loads that came after their month was closed: (month, energy in J) of each."""
        with self._file.write() as db:
            db.executemany(
                "INSERT INTO late VALUES (?, 1, ?) ON CONFLICT (month) DO UPDATE"
                " SET loads = loads + 1, energy_j = energy_j + excluded.energy_j",
                list(late),
            )

    def put_late(self, month: str, loads: int, energy_j: int) -> None:
        """Say how many loads came after their month was closed, and their energy (J)."""
        with self._file.write() as db:
            db.execute("INSERT OR REPLACE INTO late VALUES (?, ?, ?)", (month, loads, energy_j))

    def late(self) -> dict[str, tuple[int, int]]:
        """Number of late loads and their energy (J), by the month they belong to."""
        rows = self._file.rows("SELECT month, loads, energy_j FROM late ORDER BY month")
        return {month: (loads, energy_j) for month, loads, energy_j in rows}

    def add_exceeded(self, exceeded: Iterable[tuple[str, str, int]]) -> None:
        """Count what was left because a node sent too much of it: (node, what, how much)."""
        with self._file.write() as db:
            db.executemany(
                "INSERT INTO exceeded VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                list(exceeded),
            )

    def exceeded(self) -> list[tuple[str, str, int]]:
        """(node, what, how much) was left because a node sent too much, the most first."""
        sql = "SELECT node, what, count FROM exceeded ORDER BY count DESC, node, what"
        return [(node, what, count) for node, what, count in self._file.rows(sql)]

    def job_done(self, job: str, period: str) -> bool:
        """Whether a job was recorded as done for this period."""
        sql = "SELECT 1 FROM jobs WHERE job = ? AND period = ?"
        return bool(self._file.rows(sql, (job, period)))

    def record_job(self, job: str, period: str, at: int, result: str) -> None:
        """Note that a job was done for a period; doing it again replaces the note."""
        with self._file.write() as db:
            db.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?)", (job, period, at, result))

    def jobs(self) -> list[Job]:
        """All jobs done, oldest first."""
        return [Job(*row) for row in self._file.rows("SELECT * FROM jobs ORDER BY at, job, period")]

    def check_marks(self) -> dict[tuple[Key, str], CheckMark]:
        """How far each (device, stream) was checked."""
        rows = self._file.rows("SELECT node, device, stream, seq, register_j, carried FROM checks")
        return {(Key(row[0], row[1]), row[2]): CheckMark(*row[3:]) for row in rows}

    def put_check(self, key: Key, stream: str, mark: CheckMark) -> None:
        """Keep how far one stream was checked."""
        self.put_checks([(key, stream, mark)])

    def put_checks(self, marks: Iterable[tuple[Key, str, CheckMark]]) -> None:
        """Keep how far many streams were checked, in one step."""
        rows = [(*key, stream, m.seq, m.register_j, m.carried) for key, stream, m in marks]
        with self._file.write() as db:
            db.executemany("INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?, ?, ?)", rows)

    def put_result(self, indicator_id: str, content_json: str) -> Result:
        """Freeze what was published; it can be added to, never changed."""
        return self.published.put(indicator_id, content_json)

    def results(self) -> list[Result]:
        """All that was published, oldest first; StoreError if the chain is broken anywhere."""
        return self.published.all()


_STRATUM = "month = ? AND organisation = ? AND site = ? AND class = ?"


def _first_version(db: sqlite3.Connection) -> None:
    for statement in (
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
        "CREATE TABLE devices (node TEXT, device TEXT, class TEXT NOT NULL,"
        " organisation TEXT NOT NULL, site TEXT NOT NULL, method TEXT NOT NULL,"
        " rated_w REAL NOT NULL, uncertainty_ratio REAL, first_seen INTEGER NOT NULL,"
        " PRIMARY KEY (node, device)) STRICT",
        "CREATE TABLE flags (node TEXT, device TEXT, text TEXT, at INTEGER NOT NULL,"
        " PRIMARY KEY (node, device, text)) STRICT",
        "CREATE TABLE months (month TEXT, organisation TEXT, site TEXT, class TEXT,"
        " content TEXT NOT NULL, PRIMARY KEY (month, organisation, site, class)) STRICT",
        "CREATE TABLE closed (month TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT",
        "CREATE TABLE late (month TEXT PRIMARY KEY, loads INTEGER NOT NULL,"
        " energy_j INTEGER NOT NULL) STRICT",
        "CREATE TABLE jobs (job TEXT, period TEXT, at INTEGER NOT NULL, result TEXT NOT NULL,"
        " PRIMARY KEY (job, period)) STRICT",
        "CREATE TABLE checks (node TEXT, device TEXT, stream TEXT, seq INTEGER NOT NULL,"
        " register_j INTEGER NOT NULL, carried TEXT NOT NULL,"
        " PRIMARY KEY (node, device, stream)) STRICT",
        "CREATE TABLE results (number INTEGER PRIMARY KEY, indicator_id TEXT NOT NULL,"
        " content_json TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT",
        "CREATE TRIGGER results_stay BEFORE UPDATE ON results"
        " BEGIN SELECT RAISE(ABORT, 'results are never changed'); END",
        "CREATE TRIGGER results_last BEFORE DELETE ON results"
        " BEGIN SELECT RAISE(ABORT, 'results are never removed'); END",
    ):
        db.execute(statement)


def _second_version(db: sqlite3.Connection) -> None:
    decision_tables(db)
    db.execute(
        "CREATE TABLE exceeded (node TEXT, what TEXT, count INTEGER NOT NULL,"
        " PRIMARY KEY (node, what)) STRICT"
    )


def _third_version(db: sqlite3.Connection) -> None:
    db.execute("ALTER TABLE devices ADD COLUMN count_j INTEGER")


STEPS: tuple[Step, ...] = (
    *(_first_version, _second_version, _third_version, chain.tables),
    *(units.tables, rulebook.tables, calibrations.tables),
)
