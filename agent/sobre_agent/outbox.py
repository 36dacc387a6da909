"""Batches: written down, immutable, before they are first sent; forgotten only when confirmed."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sobre_agent import crash
from sobre_agent.spool import REFERENCE, Spool
from sobre_drivers.errors import WireError
from sobre_drivers.load import Load, Origin
from sobre_drivers.sample import Instant
from sobre_drivers.wire import MAX_LOADS, Answer, Batch, digest, encode_batch

# A load that ends further in the future (s) waits: the clock was set back since, or is wrong.
FUTURE_S = 300
# How a load may travel: in any company, alone since it was refused in company, or in any company
# although it has left before, so that it is not merged with others any more.
FREE, ALONE, HAS_LEFT = 0, 1, 2

_COLUMNS = """device, seq, "end", span_s, energy_j, register_j, origin, state_s, power_max_w, pages,
    replaces"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch as it travels: the same bytes each time."""

    number: int
    payload: bytes
    sha256: str


class Outbox:
    """What of a spool is under way."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._most = MAX_LOADS

    def next_parcel(self, now_s: float) -> Parcel | None:
        """Write the next batch down; None if no load waits. `now_s`: Unix seconds."""
        parcel = self._spool.write(lambda db: self._pack(db, int(now_s)), essential=True)
        crash.point("batch-after-commit")
        return parcel

    def unconfirmed(self, limit: int, after: int = 0) -> list[Parcel]:
        """The oldest batches after number `after` that wait for their confirmation."""
        rows = self._spool.rows(
            "SELECT number, payload, sha256 FROM batch WHERE number > ? ORDER BY number LIMIT ?",
            after,
            limit,
        )
        return [Parcel(number, bytes(payload), sha256) for number, payload, sha256 in rows]

    def confirm(self, answer: Answer, at: Instant | None = None) -> bool:
        """Forget a batch and its loads if the answer names its stream and its exact content.

        With the instant of its arrival, the collector's clock is noted as a reference for ours.
        """

        def work(db: sqlite3.Connection) -> bool:
            held = db.execute("SELECT sha256 FROM batch WHERE number = ?", (answer.batch,))
            if answer.stream != self._spool.stream or held.fetchone() != (answer.sha256,):
                return False
            db.execute("DELETE FROM load WHERE batch = ?", (answer.batch,))
            db.execute("DELETE FROM batch WHERE number = ?", (answer.batch,))
            db.execute("INSERT OR REPLACE INTO meta VALUES ('confirmed_at', ?)", (answer.time,))
            if at is not None:
                off_s = at.wall_s - answer.time
                noted = (REFERENCE, f"{answer.time} {at.boot_s:.0f} {off_s:.0f}")
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", noted)
            crash.point("confirmation-before-commit")
            return True

        done = self._spool.write(work, essential=True)
        crash.point("confirmation-after-commit")
        if done:
            # It was perhaps the collector that was away, and not the broker that is narrow.
            self._most = min(MAX_LOADS, 2 * self._most)
        return done

    def refuse(self, answer: Answer) -> int | None:
        """Send a refused batch's loads singly, and keep aside one that was refused alone.

        The number of the batch, None if no batch has that content.
        """

        def work(db: sqlite3.Connection) -> int | None:
            row = db.execute(
                "SELECT number, payload FROM batch WHERE sha256 = ?", (answer.sha256,)
            ).fetchone()
            if row is None:
                return None
            number, payload = row
            loads = db.execute(
                f"SELECT number, {_COLUMNS} FROM load WHERE batch = ?", (number,)
            ).fetchall()
            if len(loads) == 1:
                _keep_aside(db, loads[0], payload, answer.reason or "")
            _take_apart(db, number, ALONE)
            return int(number)

        return self._spool.write(work, essential=True)

    def part(self, number: int) -> bool:
        """Take a batch apart that nobody answers; the next have half as many loads, until one is.

        A broker on the way may drop what is too large for it without a word. False if the batch
        has a single load: there is nothing smaller.
        """

        def work(db: sqlite3.Connection) -> int:
            held = db.execute("SELECT count(*) FROM load WHERE batch = ?", (number,))
            count = int(held.fetchone()[0])
            if count > 1:
                _take_apart(db, number, HAS_LEFT)
            return count

        count = self._spool.write(work, essential=True)
        if count <= 1:
            return False
        self._most = max(1, min(self._most, count // 2))
        return True

    def aside(self) -> list[tuple[str, int, str]]:
        """Device, seq and reason of each load that was refused alone."""
        return self._spool.rows("SELECT device, seq, reason FROM aside ORDER BY device, seq")

    def _pack(self, db: sqlite3.Connection, now_s: int) -> Parcel | None:
        while True:
            rows = db.execute(
                f'SELECT number, {_COLUMNS}, alone FROM load WHERE batch IS NULL AND "end" <= ? '
                "ORDER BY number LIMIT ?",
                (now_s + FUTURE_S, self._most),
            ).fetchall()
            if not rows:
                return None
            cursor = db.execute("INSERT INTO batch (payload, sha256) VALUES (x'', '')")
            number = cursor.lastrowid or 0
            payload, count = self._encoded(db, number, _together(rows))
            if count:
                break
            db.execute("DELETE FROM batch WHERE number = ?", (number,))
        sha256 = digest(payload)
        db.execute(
            "UPDATE batch SET payload = ?, sha256 = ? WHERE number = ?", (payload, sha256, number)
        )
        taken = [(number, row[0]) for row in rows[:count]]
        db.executemany("UPDATE load SET batch = ? WHERE number = ?", taken)
        crash.point("batch-before-commit")
        return Parcel(number, payload, sha256)

    def _encoded(
        self, db: sqlite3.Connection, number: int, rows: Sequence[tuple[Any, ...]]
    ) -> tuple[bytes, int]:
        """A payload with as many of the rows as fit, and how many; the first is aside if none."""
        count = len(rows)
        while True:
            loads = tuple(_load(row) for row in rows[:count])
            try:
                return encode_batch(Batch(self._spool.stream, number, loads)), count
            except WireError as error:
                if count == 1:
                    shown = json.dumps(rows[0]).encode()
                    _keep_aside(db, rows[0], shown, str(error))
                    return b"", 0
                count //= 2


def _together(rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    """The first rows that may travel together: one that was refused in company travels alone."""
    if rows[0][-1] == ALONE:
        return rows[:1]
    return rows[: next((i for i, row in enumerate(rows) if row[-1] == ALONE), len(rows))]


def _take_apart(db: sqlite3.Connection, number: int, alone: int) -> None:
    db.execute("UPDATE load SET alone = ?, batch = NULL WHERE batch = ?", (alone, number))
    db.execute("DELETE FROM batch WHERE number = ?", (number,))


def _load(row: tuple[Any, ...]) -> Load:
    fields = list(row[1:12])
    fields[6] = Origin(fields[6])
    fields[7] = None if fields[7] is None else json.loads(fields[7])
    return Load(*fields)


def _keep_aside(db: sqlite3.Connection, row: tuple[Any, ...], payload: bytes, reason: str) -> None:
    db.execute(
        "INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?)", (row[1], row[2], payload, reason)
    )
    db.execute("DELETE FROM load WHERE number = ?", (row[0],))
