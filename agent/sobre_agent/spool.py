"""Loads wait here until the collector has confirmed them: a power cut loses none.

Each thread and process opens its own `Spool`; SQLite's lock keeps them apart. What travels is made
in `sobre_agent.outbox`.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sobre_agent import crash
from sobre_agent.open_load import GRAINS, LONGEST_S, Grain, Span, joined
from sobre_agent.spool_schema import FILE, REFERENCE, Counts, DayTotal, Known, SpoolFile
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin

__all__ = ["FILE", "REFERENCE", "Counts", "DayTotal", "Known", "Place", "Spool"]

# A full spool merges until so many loads are gone, reading so many at once.
MERGED_AT_ONCE = 1000
ROWS_AT_ONCE = 500
# So long (s) after it was looked through, it is looked through from its beginning again.
AGAIN_S = 3600.0
# `sobre-agent me` looks back to the beginning of the year, and a little more.
DAYS_KEPT = 400

T = TypeVar("T")
# The local day (ISO) to which a span belongs, and whether it lies outside working hours.
Place = Callable[[Span], tuple[str, bool]]


@dataclass(slots=True)
class _Run:
    """Waiting loads that become one: in the row of the first, numbered as the last."""

    number: int
    span: Span
    seq: int
    register_j: int
    replaces: int
    gone: list[tuple[int]]

    @staticmethod
    def of(row: tuple[Any, ...]) -> "_Run":
        number, device, seq, end, span_s, energy_j, register_j, origin, states, *rest = row
        state_s = None if states is None else json.loads(states)
        power_max_w, pages, replaces = rest
        span = Span(device, end, span_s, energy_j, Origin(origin), state_s, power_max_w, pages)
        return _Run(number, span, seq, register_j, replaces, [])

    def take(self, after: "_Run", grain: Grain, day: Callable[[int], str]) -> bool:
        """Take the following load in; False if it does not follow, or not in one `grain`."""
        span = joined(self.span, after.span, grain, day)
        if span is None or after.seq - after.replaces != self.seq:
            return False
        self.span, self.seq, self.register_j = span, after.seq, after.register_j
        self.replaces += after.replaces
        self.gone.append((after.number,))
        return True

    def write(self, db: sqlite3.Connection) -> int:
        """Put it in place of its loads; how many fewer they are."""
        if self.gone:
            db.executemany("DELETE FROM load WHERE number = ?", self.gone)
            db.execute(
                'UPDATE load SET seq = ?, register_j = ?, replaces = ?, "end" = ?, span_s = ?, '
                "energy_j = ?, origin = ?, state_s = ?, power_max_w = ?, pages = ? "
                "WHERE number = ?",
                (self.seq, self.register_j, self.replaces, *_columns(self.span), self.number),
            )
        return len(self.gone)


class Spool:
    """The agent's memory in `folder`, at most `max_mib` MiB large.

    Opening raises ConfigError for a file that is not ours or of a newer version, StoreError where
    the disk refuses.
    """

    def __init__(self, folder: Path, max_mib: int | None = 64, place: Place | None = None) -> None:
        self._file = SpoolFile(folder, max_mib)
        self.path = self._file.path
        self._place = place
        self._days: dict[int, str] = {}
        self._merged_upto = dict.fromkeys(GRAINS, 0)
        self._again_s = 0.0
        self.stream = self.noted("stream") or ""

    def close(self) -> None:
        """Close the file; what was not committed never happened."""
        self._file.close()

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
            self._room(db)
            for span in spans:
                self._append(db, span)
            _save(db, states)
            crash.point("load-before-commit")

        self.write(work)
        crash.point("load-after-commit")

    def checkpoint(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Save the accounts, so that a crash costs minutes of resolution; forget old days."""

        def work(db: sqlite3.Connection) -> None:
            _save(db, states)
            db.execute(_PRUNED, (f"-{DAYS_KEPT} days",))

        self.write(work)
        self._file.make_ballast()

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
        return self._file.rows(sql, *arguments)

    def write(self, work: Callable[[sqlite3.Connection], T], essential: bool = False) -> T:
        """Do work in one transaction. `essential` work gets the ballast when the disk is full."""
        return self._file.write(work, essential)

    def _append(self, db: sqlite3.Connection, span: Span) -> None:
        seq, register_j, method = db.execute(
            "UPDATE device SET seq = seq + 1, register_j = register_j + ? WHERE device = ? "
            "RETURNING seq, register_j, method",
            (span.energy_j, span.device),
        ).fetchone()
        db.execute(
            'INSERT INTO load (device, seq, register_j, "end", span_s, energy_j, origin, state_s, '
            "power_max_w, pages) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (span.device, seq, register_j, *_columns(span)),
        )
        if self._place is not None:
            day, night = self._place(span)
            db.execute(
                "INSERT INTO day VALUES (?, ?, ?, ?, ?) ON CONFLICT (day, device) DO UPDATE SET "
                "energy_j = energy_j + excluded.energy_j, night_j = night_j + excluded.night_j, "
                "method = excluded.method",
                (day, span.device, span.energy_j, span.energy_j if night else 0, method),
            )

    def _room(self, db: sqlite3.Connection) -> None:
        """See that there is room for loads, by merging those that wait if need be."""
        while self._file.full():
            if not self._merge(db):
                raise StoreError(
                    f"{self.path}: full, and nothing is left that can be merged; see "
                    "`sobre-agent doctor`, or raise spool.max_mib"
                )

    def _merge(self, db: sqlite3.Connection) -> int:
        """Merge the oldest loads that were never sent, at first into hours; how many are gone."""
        for grain in GRAINS:
            if gone := self._merge_into(db, grain, self._merged_upto[grain]):
                return gone
        # What stood on either side of where a merge ended can be merged as well; a spool in which
        # nothing can be is not read from end to end at each sample.
        now_s = time.monotonic()
        if now_s >= self._again_s:
            self._again_s = now_s + AGAIN_S
            self._merged_upto = dict.fromkeys(GRAINS, 0)
            return self._merge(db)
        return 0

    def _merge_into(self, db: sqlite3.Connection, grain: Grain, after: int) -> int:
        runs: dict[str, _Run] = {}
        gone = newest = 0
        while gone < MERGED_AT_ONCE:
            rows = db.execute(_WAITING, (after, LONGEST_S[grain], ROWS_AT_ONCE)).fetchall()
            left: list[_Run] = []
            for row in rows:
                here = _Run.of(row)
                run = runs.get(here.span.device)
                if run is None or not run.take(here, grain, self._day):
                    if run is not None:
                        left.append(run)
                    runs[here.span.device] = here
            for run in left:
                gone += run.write(db)
            if rows:
                after, newest = rows[-1][0], rows[-1][3]
            if len(rows) < ROWS_AT_ONCE:
                break
        gone += sum([run.write(db) for run in runs.values()])
        # A run that may still grow goes on from its first load the next time.
        growing = [r for r in runs.values() if r.span.end + LONGEST_S[grain] > newest]
        self._merged_upto[grain] = min([after, *(run.number - 1 for run in growing)])
        return gone

    def _day(self, second: int) -> str:
        """The local day (ISO) of a Unix second; in UTC where nobody said where we are."""
        if self._place is None:
            return time.strftime("%Y-%m-%d", time.gmtime(second))
        quarter_s = second // 900 * 900
        day = self._days.get(quarter_s)
        if day is None:
            if len(self._days) > 3000:
                self._days.clear()
            day, _ = self._place(Span("", quarter_s + 1, 1, 0, Origin.MEASURED))
            self._days[quarter_s] = day
        return day


def _save(db: sqlite3.Connection, states: Mapping[str, Mapping[str, Any]]) -> None:
    rows = [(_json(state), device) for device, state in states.items()]
    db.executemany("UPDATE device SET state = ? WHERE device = ?", rows)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _columns(span: Span) -> tuple[object, ...]:
    states = None if span.state_s is None else _json(span.state_s)
    return (
        span.end,
        span.span_s,
        span.energy_j,
        span.origin.value,
        states,
        span.power_max_w,
        span.pages,
    )


_PRUNED = "DELETE FROM day WHERE day < (SELECT date(max(day), ?) FROM day)"
# What was refused in company was sent, and stays as it is.
_WAITING = """SELECT number, device, seq, "end", span_s, energy_j, register_j, origin, state_s,
    power_max_w, pages, replaces FROM load
    WHERE number > ? AND batch IS NULL AND alone = 0 AND span_s < ? ORDER BY number LIMIT ?"""
