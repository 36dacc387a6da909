"""Tables of the ledger that are only added to, each row carrying the hash of all before it.

Whoever changes a row has to change all that follow, and with them what was published from them.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from sobre_collector.store.schema import Database
from sobre_drivers.errors import StoreError

CHAINS = ("adjustments", "baselines")
# These came with later steps of the ledger: `rulebook.tables`, `calibrations.tables`.
LATER = ("thresholds", "exclusions", "calibrations")


@dataclass(frozen=True, slots=True)
class Link:
    """A row: its number from 1, when it was added (Unix seconds), its JSON, and its hash."""

    number: int
    at: int
    content: str
    sha256: str


class Chain:
    """One chained table; `named` says of a row's content what a message calls it."""

    def __init__(self, file: Database, table: str, named: Callable[[str], str]) -> None:
        if table not in CHAINS + LATER:
            raise ValueError(f"{table}: no chained table; known: {', '.join(CHAINS + LATER)}")
        self._file, self._table, self._named = file, table, named

    def links(self) -> list[Link]:
        """All rows, oldest first; StoreError names the first that is not what was added."""
        sql = f"SELECT number, at, content, sha256 FROM {self._table} ORDER BY number"
        found = [Link(*row) for row in self._file.rows(sql)]
        before = ""
        for expected, link in enumerate(found, start=1):
            if link.number != expected:
                raise StoreError(
                    f"{self._file.path}: {self._table} {expected} is not there any more; restore "
                    "the ledger's back-up"
                )
            if link.sha256 != chained(before, link.number, link.at, link.content):
                raise StoreError(
                    f"{self._file.path}: {self._table} {link.number}{self._name(link.content)} is "
                    "not what was added; restore the ledger's back-up, never edit a row"
                )
            before = link.sha256
        return found

    def append(self, made: Callable[[list[Link]], str], at: int) -> Link:
        """Add what `made` makes of the rows there are; what it raises leaves all as it was."""
        with self._file.write() as db:
            there = self.links()
            content = made(there)
            number = len(there) + 1
            hashed = chained(there[-1].sha256 if there else "", number, at, content)
            sql = f"INSERT INTO {self._table} VALUES (?, ?, ?, ?)"
            db.execute(sql, (number, at, content, hashed))
        return Link(number, at, content, hashed)

    def _name(self, content: str) -> str:
        try:
            return f" ({self._named(content)})"
        except (ValueError, KeyError, TypeError):
            # What was altered need not be readable any more.
            return ""


def chained(before: str, number: int, at: int, content: str) -> str:
    """The hash of a row after the row whose hash is `before` ("" for the first)."""
    # As a JSON list, so that no text can pass for the end of one part and the start of the next.
    return sha256(json.dumps([before, number, at, content]).encode()).hexdigest()


def tables(db: sqlite3.Connection) -> None:
    """The ledger's step that brings the chains, and the inputs that results were made from."""
    for table in CHAINS:
        db.execute(
            f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
            " content TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT"
        )
    db.execute("CREATE TABLE inputs (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT")
    for table in (*CHAINS, "inputs"):
        for event in ("update", "delete"):
            db.execute(
                f"CREATE TRIGGER {table}_{event} BEFORE {event} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are only added to'); END"
            )
