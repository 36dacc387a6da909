"""What was published: one result a version, whoever publishes at the same moment."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sobre_collector.store import schema
from sobre_collector.store.ledger import Ledger
from sobre_drivers.errors import StoreError


def content(version: int, year: int = 2025, by: str = "director") -> str:
    return json.dumps({"indicator_id": "x", "year": year, "version": version, "by": by})


def test_a_version_is_published_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(Ledger(path)) as one, closing(Ledger(path)) as other:
        one.published.put("x", content(1))
        one.published.put("x", content(2))
        with pytest.raises(StoreError, match="version 2 of 2025 was published meanwhile"):
            other.published.put("x", content(2, by="somebody else"))
        other.published.put("x", content(2, year=2024))
        other.published.put("y", content(2))
        assert [each.number for each in one.published.all()] == [1, 2, 3, 4]


def test_a_ledger_in_which_another_writes_for_long_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "ledger.db"
    Ledger(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with (
            closing(Ledger(path, create=False)) as ledger,
            pytest.raises(StoreError, match="another program has been writing"),
        ):
            ledger.published.put("x", content(1))
