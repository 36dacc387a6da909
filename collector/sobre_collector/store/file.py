"""One file of the series: loads, days and quarantine, the same tables for a month as for ever.

`series.db` holds them for the infrastructure, one `workstations-YYYY-MM.db` for the people's
devices of each month.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from sobre_collector.rows import Arrival, DayRow, Key, Quarantined, Refused, StoredLoad
from sobre_collector.store.schema import Database, Step
from sobre_collector.store.sorting import FORK, Ident
from sobre_drivers.load import Load, Origin

ORIGINS = (Origin.MEASURED, Origin.ESTIMATED, Origin.ALLOCATED)
_ORIGIN_NUMBER = {origin: number for number, origin in enumerate(ORIGINS)}
_DAY_COLUMNS = 14
# `json.loads` does the same behind two calls more.
scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
# The longest local day. What is longer was merged, is rare, and has an index of its own, so that it
# does not make every day's read begin a month earlier.
LONG_S = 90_000


class SeriesFile(Database):
    """The tables of one file, with its own short numbers for (node, device, stream)."""

    def __init__(
        self, path: Path, steps: tuple[Step, ...], create: bool = True, readonly: bool = False
    ) -> None:
        super().__init__(path, steps, create, readonly)
        self._numbers: dict[Ident, int] = {}
        self._longest_s = 0

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; one that fails takes the short numbers that it gave back with it."""
        try:
            with super().write() as db:
                yield db
        except BaseException:
            self._numbers.clear()
            self._longest_s = 0
            raise

    def number(self, db: sqlite3.Connection, ident: Ident) -> int:
        """The short number of a stream in this file, given at its first load."""
        found = self._numbers.get(ident)
        if found is None:
            sql = "INSERT OR IGNORE INTO streams (node, device, stream) VALUES (?, ?, ?)"
            db.execute(sql, ident)
            sql = "SELECT id FROM streams WHERE (node, device, stream) = (?, ?, ?)"
            found = self._numbers[ident] = db.execute(sql, ident).fetchone()[0]
        return found

    def insert(self, db: sqlite3.Connection, arrivals: Iterable[Arrival]) -> int:
        """Add loads, leaving those that are there; how many were added."""
        numbers, origins, rows, longest_s = self._numbers, _ORIGIN_NUMBER, [], 0
        for node, stream, load, _, _, _ in arrivals:
            device, seq, end, span_s, energy_j, register_j, origin, state_s, top_w, pages, n = load
            sid = numbers.get((node, device, stream))
            if sid is None:
                sid = self.number(db, (node, device, stream))
            if longest_s < span_s <= LONG_S:
                longest_s = span_s
            states = None if state_s is None else _states_text(state_s)
            # Hashing an Enum runs Python code: the commonest is spared it.
            number = 0 if origin is ORIGINS[0] else origins[origin]
            row = (end, sid, seq, span_s, energy_j, register_j, number, states)
            rows.append((*row, top_w, pages, n))
        before = db.total_changes
        db.executemany("INSERT OR IGNORE INTO loads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        added = db.total_changes - before
        if longest_s > self._longest_s:
            db.execute("UPDATE spans SET longest_s = max(longest_s, ?)", (longest_s,))
            self._longest_s = longest_s
        return added

    def held(self, arrival: Arrival) -> Load | None:
        """What is stored under the identity and time of this load."""
        sql = (
            f"SELECT node, stream, device, {_LOAD} FROM loads JOIN streams s ON s.id = sid"
            " WHERE end = ? AND seq = ? AND (s.node, s.device, s.stream) = (?, ?, ?)"
        )
        ident = (arrival.node, arrival.load.device, arrival.stream)
        rows = self.rows(sql, (arrival.load.end, arrival.load.seq, *ident))
        return _stored(rows[0]).load if rows else None

    def loads(self, start: int, end: int, key: Key | None) -> Iterator[StoredLoad]:
        """Loads that overlap [start, end), by device and end, on a connection of their own."""
        of_key = " AND s.node = ? AND s.device = ?" if key else ""
        # No load of the usual length that ends later than this can begin before `end`.
        latest = end + self.longest_s()
        select = f"SELECT node, stream, device, {_LOAD} FROM loads JOIN streams s ON s.id = sid"
        usual = f"end > ? AND end < ? AND end - span_s < ? AND span_s <= {LONG_S}{of_key}"
        long = f"span_s > {LONG_S} AND end > ? AND end - span_s < ?{of_key}"
        sql = f"{select} WHERE {usual} UNION ALL {select} WHERE {long} ORDER BY 1, 3, 5, 4"
        whose = key or ()
        for row in self.stream(sql, (start, latest, end, *whose, start, end, *whose)):
            yield _stored(row)

    def longest_s(self) -> int:
        """The longest span (s) of a load, but for those that are longer than any day."""
        return int(self.rows("SELECT longest_s FROM spans")[0][0])

    def put_days(self, db: sqlite3.Connection, rows: Iterable[DayRow]) -> None:
        """Replace days."""
        marks = ", ".join("?" * _DAY_COLUMNS)
        db.executemany(f"INSERT OR REPLACE INTO days VALUES ({marks})", map(_day_values, rows))

    def days(self, first: str, last: str, key: Key | None, personal: bool) -> Iterator[DayRow]:
        """Days from `first` to `last`, by device and day."""
        of_key = " AND node = ? AND device = ?" if key else ""
        sql = f"SELECT * FROM days WHERE day BETWEEN ? AND ?{of_key} ORDER BY node, device, day"
        for day, node, device, *rest in self.stream(sql, (first, last, *(key or ()))):
            figures, (valid, states, pages) = rest[:-3], rest[-3:]
            row: tuple[Any, ...] = (day, *figures, bool(valid), scan(states, 0)[0], pages)
            yield DayRow(Key(node, device), personal, *row)

    def set_aside(self, db: sqlite3.Connection, arrivals: Iterable[Arrival]) -> int:
        """Quarantine loads, the same content of one identity once; how many were new."""
        before = db.total_changes
        db.executemany(
            "INSERT OR IGNORE INTO quarantine"
            " (node, reason, received, device, stream, seq, load, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (a.node, a.reason, a.received, a.load.device, a.stream, a.load.seq, text, text)
                for a in arrivals
                for text in (_content(a),)
            ],
        )
        return db.total_changes - before

    def reason_aside(self, arrival: Arrival) -> str | None:
        """Why this very load is quarantined; None if it is not."""
        sql = "SELECT reason FROM quarantine WHERE (node, content) = (?, ?)"
        rows = self.rows(sql, (arrival.node, _content(arrival)))
        return rows[0][0] if rows else None

    def remove_aside(self, db: sqlite3.Connection, arrivals: Iterable[Arrival]) -> None:
        """Take loads out of the quarantine."""
        db.executemany(
            "DELETE FROM quarantine WHERE (node, content) = (?, ?)",
            [(arrival.node, _content(arrival)) for arrival in arrivals],
        )

    def remove_rows(self, db: sqlite3.Connection, numbers: Iterable[int]) -> None:
        """Take rows out of the quarantine by their numbers in this file."""
        values = [(number,) for number in numbers]
        db.executemany("DELETE FROM quarantine WHERE number = ?", values)

    def remove(self, db: sqlite3.Connection, arrivals: Iterable[Arrival]) -> None:
        """Take loads out of those that count."""
        db.executemany(
            "DELETE FROM loads WHERE (end, sid, seq) = (?, ?, ?)",
            [
                (a.load.end, self.number(db, (a.node, a.load.device, a.stream)), a.load.seq)
                for a in arrivals
            ],
        )

    def name_aside(self, db: sqlite3.Connection, arrivals: Iterable[Arrival]) -> int:
        """Give loads that are quarantined another reason, but for forks; how many had another."""
        before = db.total_changes
        db.executemany(
            "UPDATE quarantine SET reason = ?"
            " WHERE (node, content) = (?, ?) AND reason NOT IN (?, ?)",
            [(a.reason, a.node, _content(a), a.reason, FORK) for a in arrivals],
        )
        return db.total_changes - before

    def refuse(self, payloads: Iterable[Refused]) -> None:
        """Quarantine payloads that are no messages, the same bytes of one node once."""
        with self.write() as db:
            db.executemany(
                "INSERT OR IGNORE INTO quarantine (node, reason, received, payload, content)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (node, reason, received, payload, sha256(payload).hexdigest())
                    for node, payload, reason, received in payloads
                ],
            )

    def quarantined(
        self, base: int = 0, where: str = "", values: Any = ()
    ) -> Iterator[Quarantined]:
        """Rows of the quarantine, oldest first; `base` is added to their numbers."""
        sql = (
            "SELECT number, node, reason, received, stream, load, payload FROM quarantine"
            f"{' WHERE ' if where else ''}{where} ORDER BY received, number"
        )
        # All of it may be more than memory should hold; a part is at hand sooner.
        for row in self.rows(sql, values) if where else self.stream(sql, values):
            number, node, reason, received, stream, text, payload = row
            yield Quarantined(base + number, node, reason, received, stream, _load(text), payload)

    def stream(self, sql: str, values: Any) -> Iterator[Any]:
        """Rows one by one, on a connection of their own, so that the writer goes on meanwhile."""
        with self.translated(), closing(self.reader()) as db:
            yield from db.execute(sql, values)


def _states_text(state_s: Any) -> str:
    # By hand, since states are plain words: an encoder would take ten times as long.
    return "{" + ",".join([f'"{state}":{state_s[state]}' for state in sorted(state_s)]) + "}"


def _content(arrival: Arrival) -> str:
    return json.dumps([arrival.stream, *arrival.load], sort_keys=True)


def _stored(row: Any) -> StoredLoad:
    node, stream, device, seq, end, span_s, energy_j, register_j, origin, states, *rest = row
    state_s = None if states is None else scan(states, 0)[0]
    load = Load(device, seq, end, span_s, energy_j, register_j, ORIGINS[origin], state_s, *rest)
    return StoredLoad(node, stream, load)


def _load(text: str | None) -> Load | None:
    if text is None:
        return None
    _, *fields = json.loads(text)
    load = Load(*fields)
    return load._replace(origin=Origin(load.origin))


def _day_values(row: DayRow) -> tuple[Any, ...]:
    return (
        row.day,
        *row.key,
        row.length_s,
        row.observed_s,
        row.off_s,
        row.measured_j,
        row.estimated_j,
        row.allocated_j,
        row.out_of_hours_j,
        row.filled_j,
        row.valid,
        _states_text(row.state_s),
        row.pages,
    )


_LOAD = "seq, end, span_s, energy_j, register_j, origin, state_s, power_max_w, pages, replaces"


def first_tables(db: sqlite3.Connection) -> None:
    """Version 1 of what every file of the series holds."""
    for statement in (
        "CREATE TABLE streams (id INTEGER PRIMARY KEY, node TEXT NOT NULL, device TEXT NOT NULL,"
        " stream TEXT NOT NULL, UNIQUE (node, device, stream)) STRICT",
        "CREATE TABLE spans (longest_s INTEGER NOT NULL) STRICT",
        "INSERT INTO spans VALUES (0)",
        # Time first: loads of all devices that arrive together lie together (twice as fast).
        "CREATE TABLE loads (end INTEGER NOT NULL, sid INTEGER NOT NULL, seq INTEGER NOT NULL,"
        " span_s INTEGER NOT NULL, energy_j INTEGER NOT NULL, register_j INTEGER NOT NULL,"
        " origin INTEGER NOT NULL, state_s TEXT, power_max_w INTEGER, pages INTEGER,"
        " replaces INTEGER NOT NULL, PRIMARY KEY (end, sid, seq)) STRICT, WITHOUT ROWID",
        "CREATE TABLE days (day TEXT NOT NULL, node TEXT NOT NULL, device TEXT NOT NULL,"
        " length_s INTEGER NOT NULL, observed_s INTEGER NOT NULL, off_s INTEGER NOT NULL,"
        " measured_j INTEGER NOT NULL, estimated_j INTEGER NOT NULL, allocated_j INTEGER NOT NULL,"
        " out_of_hours_j INTEGER NOT NULL, filled_j INTEGER NOT NULL, valid INTEGER NOT NULL,"
        " state_s TEXT NOT NULL, pages INTEGER, PRIMARY KEY (day, node, device))"
        " STRICT, WITHOUT ROWID",
        "CREATE INDEX days_of_device ON days (node, device, day)",
        "CREATE TABLE quarantine (number INTEGER PRIMARY KEY, node TEXT NOT NULL,"
        " reason TEXT NOT NULL, received INTEGER NOT NULL, device TEXT, stream TEXT, seq INTEGER,"
        " load TEXT, payload BLOB, content TEXT NOT NULL, UNIQUE (node, content)) STRICT",
        "CREATE INDEX quarantine_of_device ON quarantine (node, device, stream, seq)",
    ):
        db.execute(statement)


def index_long_loads(db: sqlite3.Connection) -> None:
    """Version 2 of what every file of the series holds: long loads are found by themselves."""
    db.execute(f"CREATE INDEX long_loads ON loads (end, span_s) WHERE span_s > {LONG_S}")
    db.execute(f"UPDATE spans SET longest_s = min(longest_s, {LONG_S})")
