"""SQLite files that are migrated by numbered steps, and whose errors are ours.

Step n of a table brings a file from version n − 1 to n (`PRAGMA user_version`). A file of a newer
version is refused before anything is written to it.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from sobre_drivers.errors import StoreError

Step = Callable[[sqlite3.Connection], None]

# Long enough for a back-up or another process's commit to finish.
BUSY_TIMEOUT_S = 30


class Database:
    """One SQLite file (WAL, synchronous=FULL), safe for use from several threads.

    With `readonly` nothing is created, migrated or written, so that a folder that may only be read
    will do. Every method raises StoreError where SQLite or the disk refuses.
    """

    def __init__(
        self, path: Path, steps: Sequence[Step], create: bool = True, readonly: bool = False
    ) -> None:
        self.path = path
        self.readonly = readonly
        self.lock = RLock()
        if (readonly or not create) and not path.exists():
            raise StoreError(f"{path}: does not exist; start the collector once, or name another")
        with self.translated():
            if path.exists():
                self._refuse_newer(len(steps))
            if readonly:
                self._refuse_older(len(steps))
                return
            self._db = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            try:
                self._migrate(steps)
            except BaseException:
                self._db.close()
                raise

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: durable when the block ends, undone if it raises."""
        if self.readonly:
            raise StoreError(f"{self.path}: opened for reading; only the collector writes to it")
        with self.lock, self.translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows that a query answers."""
        with self.lock, self.translated():
            if self.readonly:
                with closing(self.reader()) as db:
                    return db.execute(sql, values).fetchall()
            return self._db.execute(sql, values).fetchall()

    def reader(self) -> sqlite3.Connection:
        """A read-only connection of one's own, for long reads that must not hold the writer up."""
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        # Without a WAL nobody writes, and SQLite would make one for a mere look.
        if self.readonly and not self.path.with_name(f"{self.path.name}-wal").exists():
            uri += "&immutable=1"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what SQLite raises into StoreError, with what to do about it."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}; {_remedy(error)}") from error

    def close(self) -> None:
        """Give the file back."""
        if self.readonly:
            return
        with self.lock, self.translated():
            self._db.close()

    def _migrate(self, steps: Sequence[Step]) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        while (version := self._version(self._db)) < len(steps):
            self._db.execute("BEGIN IMMEDIATE")
            # Another process may have taken this step while we waited for the lock.
            if self._version(self._db) == version:
                steps[version](self._db)
                self._db.execute(f"PRAGMA user_version={version + 1}")
            self._db.execute("COMMIT")

    def _refuse_newer(self, known: int) -> None:
        # Read-only: the last read-write connection to close would fold the WAL into the file.
        with closing(self.reader()) as db:
            version = self._version(db)
        if version > known:
            raise StoreError(
                f"{self.path}: version {version}, and this program knows {known}; "
                "it was written by a newer Sobre: install that one again"
            )

    def _refuse_older(self, known: int) -> None:
        with closing(self.reader()) as db:
            version = self._version(db)
        if version < known:
            raise StoreError(
                f"{self.path}: version {version}, and this program reads {known}; "
                "start the collector once, which brings it up to date"
            )

    @staticmethod
    def _version(db: sqlite3.Connection) -> int:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def _remedy(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR"):
        return "make room on this disk, or look at its health"
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return "restore its back-up"
    if name in ("SQLITE_CANTOPEN", "SQLITE_READONLY"):
        return "let the collector's user write to its folder"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another program has been writing to it for long; try again when it is done"
    return "see the log for what was being done"
