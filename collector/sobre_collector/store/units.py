"""Months of single devices of the infrastructure, beside the strata that they belong to.

Printers' hours, a room's feeders and what runs out of hours are told by device; such devices are
nobody's, so their months stay for ever.
"""

import json
import sqlite3
from collections.abc import Iterable

from sobre_collector.indicators.unit_month import UnitMonth, from_json, to_json
from sobre_collector.rows import Key
from sobre_collector.store.schema import Database
from sobre_drivers.errors import StoreError
from sobre_drivers.load import personal


class Units:
    """Device-months in the ledger's file: replaced while their month is open, then left alone."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def put(self, month: str, rows: Iterable[UnitMonth]) -> None:
        """Keep all devices of a month; one that is not among them any more goes.

        StoreError if the month is closed and this is not what was kept.
        """
        kept = {
            (row.node, row.device): (row.device_class, json.dumps(to_json(row), sort_keys=True))
            for row in rows
            if not _personal(row)
        }
        with self._file.write() as db:
            there = {
                (node, device): (device_class, content)
                for node, device, device_class, content in db.execute(
                    "SELECT node, device, class, content FROM units WHERE month = ?", (month,)
                )
            }
            if there == kept:
                return
            if db.execute("SELECT 1 FROM closed WHERE month = ?", (month,)).fetchone():
                raise StoreError(
                    f"month {month}: closed, and its single devices would now be different; what "
                    "was closed stays"
                )
            db.execute("DELETE FROM units WHERE month = ?", (month,))
            db.executemany(
                "INSERT INTO units VALUES (?, ?, ?, ?, ?)",
                [(month, *key, *rest) for key, rest in sorted(kept.items())],
            )

    def of_class(self, device_class: str, first: str, last: str) -> list[UnitMonth]:
        """Months of a class from `first` to `last` ("2026-11", inclusive), by month and device."""
        sql = f"{_SELECT} WHERE month BETWEEN ? AND ? AND class = ? {_ORDER}"
        return _rows(self._file.rows(sql, (first, last, device_class)))

    def contents(self, device_class: str) -> tuple[tuple[str, str], ...]:
        """(month, JSON) of a whole class, unread: most of it is of years that nobody asks for."""
        sql = f"SELECT month, content FROM units WHERE class = ? {_ORDER}"
        return tuple((str(m), str(c)) for m, c in self._file.rows(sql, (device_class,)))

    def contents_of(self, keys: Iterable[Key]) -> tuple[tuple[str, str], ...]:
        """(month, JSON) of some devices, unread."""
        sql = "SELECT month, content FROM units WHERE node = ? AND device = ? ORDER BY month"
        found = [row for key in sorted(set(keys)) for row in self._file.rows(sql, tuple(key))]
        return tuple((str(month), str(content)) for month, content in found)

    def of_devices(self, keys: Iterable[Key], first: str, last: str) -> list[UnitMonth]:
        """Months of some devices, by month and device."""
        sql = f"{_SELECT} WHERE node = ? AND device = ? AND month BETWEEN ? AND ?"
        found = [
            row for key in sorted(set(keys)) for row in self._file.rows(sql, (*key, first, last))
        ]
        return sorted(_rows(found), key=lambda row: (row.month, row.node, row.device))


_SELECT = "SELECT content FROM units"
_ORDER = "ORDER BY month, node, device"


def _rows(found: Iterable[tuple[str]]) -> list[UnitMonth]:
    return [from_json(json.loads(content)) for (content,) in found]


def _personal(row: UnitMonth) -> bool:
    if personal(row.device_class):
        raise StoreError(
            f"{row.device}: a month of one {row.device_class} would outlive its days; only strata "
            "of them are kept"
        )
    return False


def tables(db: sqlite3.Connection) -> None:
    """The ledger's step that brings device-months."""
    db.execute(
        "CREATE TABLE units (month TEXT, node TEXT, device TEXT, class TEXT NOT NULL,"
        " content TEXT NOT NULL, PRIMARY KEY (node, device, month)) STRICT"
    )
    db.execute("CREATE INDEX units_by_class ON units (class, month)")
