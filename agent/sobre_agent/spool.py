"""Loads wait here until the collector has confirmed them: a power cut loses none.

Each thread and process opens its own `Spool`; SQLite's lock keeps them apart. What travels is made
in `sobre_agent.outbox`.
"""

import json
import sqlite3
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sobre_agent import crash
from sobre_agent.open_load import Span
from sobre_agent.spool_schema import migrate
from sobre_drivers.errors import StoreError

FILE = "spool.db"
BALLAST = "ballast"
# On a full disk SQLite cannot even delete: this much is then given back to it.
BALLAST_BYTES = 1024 * 1024
BUSY_TIMEOUT_S = 20.0

T = TypeVar("T")
# The local day (ISO) to which a span belongs, and whether it lies outside working hours.
Place = Callable[[Span], tuple[str, bool]]


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


class Spool:
    """The agent's memory in `folder`, at most `max_mib` MiB large.

    Opening raises ConfigError for a file that is not ours or of a newer version, StoreError where
    the disk refuses.
    """

    def __init__(self, folder: Path, max_mib: int = 64, place: Place | None = None) -> None:
        self.path = folder / FILE
        self._ballast = folder / BALLAST
        self._place = place
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
        self.stream = self.noted("stream") or ""

    def close(self) -> None:
        """Close the file; what was not committed never happened."""
        with suppress(sqlite3.Error):
            self._db.close()

    def meet(self, device: str, method: str, birth: bytes) -> Known:
        """Remember a device that this agent measures, and its `birth` payload; what was known."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO device (device, method, birth) VALUES (?, ?, ?) ON CONFLICT (device) "
                "DO UPDATE SET method = excluded.method, birth = excluded.birth",
                (device, method, birth),
            )

        ask = "SELECT seq, register_j, state, method, birth FROM device WHERE device = ?"
        found = self.rows(ask, device)
        if not found or tuple(found[0][3:]) != (method, birth):
            self.write(work, essential=True)
            found = self.rows(ask, device)
        seq, register_j, state, _, _ = found[0]
        return Known(seq, register_j, None if state is None else json.loads(state), method)

    def forget_births(self, met: Container[str]) -> None:
        """Say nothing more of devices that are met no more; their registers stay."""
        gone = [(device,) for device, _ in self.births() if device not in met]
        if gone:
            self.write(
                lambda db: db.executemany("UPDATE device SET birth = NULL WHERE device = ?", gone)
            )

    def births(self) -> list[tuple[str, bytes]]:
        """Device and payload of each birth to say."""
        return [(d, bytes(b)) for d, b in self.rows("SELECT device, birth FROM device") if b]

    def append(self, spans: Iterable[Span], states: Mapping[str, Mapping[str, Any]]) -> None:
        """Number the spans, add them to their registers and save the accounts, all or nothing.

        Raises StoreError: then nothing has changed, and the same may be tried again.
        """

        def work(db: sqlite3.Connection) -> None:
            self._refuse_if_full(db)
            for span in spans:
                self._append(db, span)
            _save(db, states)
            crash.point("load-before-commit")

        self.write(work)
        crash.point("load-after-commit")

    def checkpoint(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Save the accounts, so that a crash costs minutes of resolution."""
        self.write(lambda db: _save(db, states))
        self._make_ballast()

    def history(self, first_day: str, last_day: str) -> list[DayTotal]:
        """Totals of the local days from `first_day` to `last_day` (ISO, both included)."""
        rows = self.rows(
            "SELECT day, device, energy_j, night_j, method FROM day WHERE day BETWEEN ? AND ? "
            "ORDER BY day, device",
            first_day,
            last_day,
        )
        return [DayTotal(*row) for row in rows]

    def counts(self) -> Counts:
        """How much waits for what."""
        return Counts(
            *self.rows(
                "SELECT (SELECT count(*) FROM load), (SELECT count(*) FROM batch), "
                "(SELECT count(*) FROM aside)"
            )[0]
        )

    def noted(self, key: str) -> str | None:
        """A note to ourselves; None if there is none."""
        rows = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def note(self, **notes: str) -> None:
        """Write notes to ourselves."""
        self.write(
            lambda db: db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", notes.items())
        )

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

    def _open(self, max_mib: int) -> None:
        self._db = sqlite3.connect(self.path, BUSY_TIMEOUT_S, isolation_level=None)
        try:
            migrate(self._db, self.path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            # Pages: a log that grows to the default of 4 MiB would outgrow the ballast.
            self._db.execute("PRAGMA wal_autocheckpoint = 64")
            # KiB: the default of 2 MiB is an eighth of what the agent may weigh.
            self._db.execute("PRAGMA cache_size = -256")
            (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
            pages = max_mib * 1024 * 1024 // page_bytes
            self._db.execute(f"PRAGMA max_page_count = {pages}")
            # The rest is kept for the batches in flight, without which a full spool never drains.
            self._pages_for_loads = pages - min(pages // 4, 1024)
        except BaseException:
            self._db.close()
            raise
        self._make_ballast()

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

    def _append(self, db: sqlite3.Connection, span: Span) -> None:
        seq, register_j, method = db.execute(
            "UPDATE device SET seq = seq + 1, register_j = register_j + ? WHERE device = ? "
            "RETURNING seq, register_j, method",
            (span.energy_j, span.device),
        ).fetchone()
        db.execute(
            'INSERT INTO load (device, seq, "end", span_s, energy_j, register_j, origin, state_s, '
            "power_max_w, pages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                span.device,
                seq,
                span.end,
                span.span_s,
                span.energy_j,
                register_j,
                span.origin.value,
                None if span.state_s is None else _json(span.state_s),
                span.power_max_w,
                span.pages,
            ),
        )
        if self._place is not None:
            day, night = self._place(span)
            db.execute(
                "INSERT INTO day VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, device) DO UPDATE SET "
                "energy_j = energy_j + excluded.energy_j, night_j = night_j + excluded.night_j, "
                "method = excluded.method",
                (day, span.device, span.energy_j, span.energy_j if night else 0, method),
            )

    def _refuse_if_full(self, db: sqlite3.Connection) -> None:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        if pages - free > self._pages_for_loads:
            raise StoreError(
                f"{self.path}: full; no load was confirmed for long: see `sobre-agent doctor`, or "
                "raise spool.max_mib"
            )

    def _make_ballast(self) -> None:
        if self._ballast.exists():
            return
        try:
            self._ballast.write_bytes(b"\0" * BALLAST_BYTES)
        except OSError:
            with suppress(OSError):
                self._ballast.unlink()

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


def _save(db: sqlite3.Connection, states: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [(_json(state), device) for device, state in states.items()]
    db.executemany("UPDATE device SET state = ? WHERE device = ?", rows)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
