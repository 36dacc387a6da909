"""Copies of the ledger, each complete and checked, of which the last few are kept."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sobre_drivers.errors import StoreError


def back_up(source: Path, folder: Path, period: str, keep: int) -> Path:
    """Copy an SQLite file to `folder`, named by `period`, and keep the last `keep` copies.

    The copy is read through before it takes its name; a copy that was cut leaves none behind.
    StoreError if it cannot be made.
    """
    target = folder / f"{source.stem}-{period}.db"
    unfinished = target.with_suffix(".unfinished")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as db,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            db.backup(copy)
            # A copy is one file: without this it would look for a WAL of its own.
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise StoreError(f"{source}: its copy is damaged ({found}); look at this disk's health")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
        for old in sorted(folder.glob(f"{source.stem}-*.db"))[:-keep]:
            old.unlink()
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"{target}: the ledger could not be backed up ({error}); make room on its disk, or "
            "let the collector write to the folder"
        ) from error
    return target
