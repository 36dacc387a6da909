"""What is no longer kept leaves a file in steps that a writer need not wait for."""

import sqlite3
from collections.abc import Mapping

from sobre_collector.store.file import SeriesFile

AT_ONCE = 50_000

Late = dict[str, tuple[int, int]]

_LOADS = (
    "DELETE FROM loads WHERE (end, sid, seq) IN"
    " (SELECT end, sid, seq FROM loads WHERE end < ? ORDER BY end LIMIT ?)"
)
_DAYS = (
    "DELETE FROM days WHERE (day, node, device) IN"
    " (SELECT day, node, device FROM days WHERE day < ? ORDER BY day LIMIT ?)"
)


def expire(file: SeriesFile, loads_before: int, days_before: str) -> int:
    """Drop loads that ended before a Unix second and days before a date; how many."""
    count = 0
    for sql, before in ((_LOADS, loads_before), (_DAYS, days_before)):
        gone = AT_ONCE
        while gone == AT_ONCE:
            with file.write() as db:
                gone = db.execute(sql, (before, AT_ONCE)).rowcount
            count += gone
    return count


def expire_aside(db: sqlite3.Connection, before: int) -> int:
    """Drop quarantined loads that ended before a Unix second; how many."""
    # A quarantined load is its stream, then the fields of `Load`: the third of them is its end.
    sql = "DELETE FROM quarantine WHERE load IS NOT NULL AND json_extract(load, '$[3]') < ?"
    return db.execute(sql, (before,)).rowcount


def keep_late(db: sqlite3.Connection, late: Mapping[str, tuple[int, int]]) -> None:
    """Go on counting late loads whose quarantine is dropped in the same transaction."""
    db.executemany(
        "INSERT INTO late VALUES (?, ?, ?) ON CONFLICT (month) DO UPDATE"
        " SET loads = loads + excluded.loads, energy_j = energy_j + excluded.energy_j",
        [(month, *figures) for month, figures in late.items()],
    )


def added(one: Late, other: Late) -> Late:
    """Numbers and energies (J) by month, added up."""
    both = one.keys() | other.keys()
    pairs = {month: (one.get(month, (0, 0)), other.get(month, (0, 0))) for month in both}
    return {month: (a[0] + b[0], a[1] + b[1]) for month, (a, b) in pairs.items()}
