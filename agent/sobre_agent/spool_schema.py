"""The spool's file: tables made by numbered steps, its bounds, and what it keeps for a full disk.

A file of a newer version is left as it is.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sobre_agent import entropy
from sobre_drivers.errors import ConfigError, StoreError

FILE = "spool.db"
# A note: the collector's clock, for how long this machine had run then, and how far ahead its own
# clock was (s).
REFERENCE = "reference"
# A note: what the organisation allows.
CONTROL = "control"
BALLAST = "ballast"
# On a full disk SQLite cannot even delete: this much is then given back to it.
BALLAST_BYTES = 1024 * 1024
BUSY_TIMEOUT_S = 20.0

T = TypeVar("T")

# "Sobr" in ASCII: tells our file from another program's.
APPLICATION_ID = 0x536F6272

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device (
    device TEXT PRIMARY KEY,
    seq INTEGER NOT NULL DEFAULT 0,
    register_j INTEGER NOT NULL DEFAULT 0,
    state TEXT,
    method TEXT NOT NULL DEFAULT '',
    birth BLOB
) WITHOUT ROWID;
CREATE TABLE load (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    seq INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    span_s INTEGER NOT NULL,
    energy_j INTEGER NOT NULL,
    register_j INTEGER NOT NULL,
    origin TEXT NOT NULL,
    state_s TEXT,
    power_max_w INTEGER,
    pages INTEGER,
    replaces INTEGER NOT NULL DEFAULT 1,
    alone INTEGER NOT NULL DEFAULT 0,
    batch INTEGER
);
CREATE INDEX load_by_batch ON load (batch);
CREATE TABLE batch (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    payload BLOB NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE aside (
    device TEXT NOT NULL,
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (device, seq)
) WITHOUT ROWID;
CREATE TABLE day (
    day TEXT NOT NULL,
    device TEXT NOT NULL,
    energy_j INTEGER NOT NULL,
    night_j INTEGER NOT NULL,
    method TEXT NOT NULL,
    PRIMARY KEY (day, device)
) WITHOUT ROWID;
"""

STEPS = (_FIRST,)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables to this version; a spool that is born now gets its stream.

    Raises ConfigError, and changes nothing, if the file is another program's or a newer version's.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or version or tables):
        raise ConfigError(f"{path}: is another program's; name another folder for the spool")
    if version > len(STEPS):
        raise ConfigError(
            f"{path}: written by a newer version (schema {version}, this one knows {len(STEPS)}); "
            "install that version again, or name another folder for the spool"
        )
    if version == len(STEPS):
        return
    script = [f"PRAGMA application_id = {APPLICATION_ID};"]
    script += STEPS[version:]
    script.append(f"PRAGMA user_version = {len(STEPS)};")
    connection.executescript("BEGIN IMMEDIATE;" + "".join(script))
    if not version:
        _begin_stream(connection)
    connection.execute("COMMIT")


def _begin_stream(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO meta VALUES ('stream', ?)", (entropy.uuid4(),))


@dataclass(frozen=True, slots=True)
class Known:
    """What the spool remembers of a device: its last number, running total (J) and account."""

    seq: int
    register_j: int
    state: dict[str, Any] | None
    method: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Loads that wait, batches that were sent and wait for an answer, loads kept aside."""

    waiting: int
    unconfirmed: int
    aside: int


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What a device used on a local day (J), and of it outside working hours; how measured."""

    day: str
    device: str
    energy_j: int
    night_j: int
    method: str


@dataclass(frozen=True, slots=True)
class Left:
    """What a copied spool held of the machine from which it came: loads not confirmed, and J."""

    loads: int
    energy_j: int


class SpoolFile:
    """The file in `folder`, at most `max_mib` MiB large; None: whoever opened it so adds no loads.

    Raises ConfigError for a file that is not ours or of a newer version, StoreError where the disk
    refuses.
    """

    def __init__(self, folder: Path, max_mib: int | None) -> None:
        self.path = folder / FILE
        self._ballast = folder / BALLAST
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._open(max_mib)
            except sqlite3.Error as error:
                # Even opening takes some room.
                if not self._lighter(error):
                    raise
                self._open(max_mib)
        except (sqlite3.Error, OSError) as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Close the file; what was not committed never happened."""
        with suppress(sqlite3.Error):
            self._db.close()

    def rows(self, sql: str, *arguments: object) -> list[Any]:
        """All rows of a query; StoreError if the disk does not give them."""
        try:
            return self._db.execute(sql, arguments).fetchall()
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def write(self, work: Callable[[sqlite3.Connection], T], essential: bool = False) -> T:
        """Do work in one transaction. `essential` work gets the ballast when the disk is full."""
        try:
            return self._transaction(work)
        except sqlite3.Error as error:
            if not (essential and self._lighter(error)):
                raise self._refused(error) from error
        try:
            return self._transaction(work)
        except sqlite3.Error as error:
            raise self._refused(error) from error

    def used_pages(self) -> int:
        """Pages that hold something: the file itself never shrinks."""
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        return int(pages - free)

    def full(self) -> bool:
        """Whether only the room is left without which a full spool could never drain."""
        return self._pages_for_loads is not None and self.used_pages() > self._pages_for_loads

    @property
    def stream(self) -> str:
        """The stream that was born with this spool."""
        return str(self.rows("SELECT value FROM meta WHERE key = 'stream'")[0][0])

    def belong_to(self, machine: str) -> Left | None:
        """Begin a new stream, and a new history, if this spool comes from another machine.

        What waits in it is the other's to deliver: sent from here too it would count twice.
        `machine` is a mark made with `stream`, "" where there is none; None: all is as it should.
        """
        if not machine:
            return None
        noted = self.rows("SELECT value FROM meta WHERE key = 'machine'")
        if noted == [(machine,)]:
            return None

        def work(db: sqlite3.Connection) -> Left | None:
            db.execute("INSERT OR IGNORE INTO meta VALUES ('machine', ?)", (machine,))
            if not noted:
                return None
            (left,) = db.execute("SELECT count(*), coalesce(sum(energy_j), 0) FROM load")
            for table in ("load", "batch", "aside", "day", "device", "meta"):
                db.execute(f"DELETE FROM {table}")
            _begin_stream(db)
            return Left(*left)

        return self.write(work, essential=True)

    def make_ballast(self) -> None:
        """Lay the reserve aside again, if it was given back and there is room."""
        if self._ballast.exists():
            return
        try:
            self._ballast.write_bytes(b"\0" * BALLAST_BYTES)
        except OSError:
            with suppress(OSError):
                self._ballast.unlink()

    def _open(self, max_mib: int | None) -> None:
        self._db = sqlite3.connect(self.path, BUSY_TIMEOUT_S, isolation_level=None)
        self._pages_for_loads: int | None = None
        try:
            migrate(self._db, self.path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            # Pages: a log that grows to the default of 4 MiB would outgrow the ballast.
            self._db.execute("PRAGMA wal_autocheckpoint = 64")
            # KiB: the default of 2 MiB is an eighth of what the agent may weigh.
            self._db.execute("PRAGMA cache_size = -256")
            if max_mib is not None:
                (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
                pages = max_mib * 1024 * 1024 // page_bytes
                self._db.execute(f"PRAGMA max_page_count = {pages}")
                # The rest is kept for the batches in flight.
                self._pages_for_loads = pages - min(pages // 4, 1024)
        except BaseException:
            self._db.close()
            raise
        self.make_ballast()

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            made = work(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            # SQLite has already rolled back after some errors, a full disk among them.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return made

    def _lighter(self, error: sqlite3.Error) -> bool:
        """Whether the ballast was given back, because the disk is full."""
        # The low byte is the kind; an I/O error is what a full disk says to the WAL's index.
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if kind not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
            return False
        try:
            self._ballast.unlink()
        except OSError:
            return False
        return True

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.path}: {error}; make room and see that its folder belongs to the agent"
        )
