"""What people decided about single loads, for ever, and how far that was carried out.

What is kept of a decision says who, when, why, on which device and how much. The loads themselves
are kept only until it was carried out, since a person's are forgotten with their month.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sobre_collector.rows import Arrival, Key
from sobre_collector.store.schema import Database
from sobre_drivers.load import Load, Origin

Action = Literal["void", "readmit"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision; `by` is a role, `at` in Unix seconds, `result` None until it was carried out."""

    number: int
    at: int
    by: str
    why: str
    action: Action
    key: Key
    loads: int
    energy_j: int
    result: str | None = None


class Decisions:
    """The decisions in the ledger's file: added to, never changed."""

    def __init__(self, file: Database) -> None:
        self._file = file

    def add(
        self, action: Action, key: Key, loads: Iterable[Arrival], by: str, why: str, at: int
    ) -> int:
        """Note a decision that is to be carried out; its number.

        The loads of one device, each with the reason for which it is set aside now.
        """
        meant = list(loads)
        content = [(each.stream, each.load, each.personal, each.reason) for each in meant]
        energy_j = sum(each.load.energy_j for each in meant)
        with self._file.write() as db:
            sql = (
                "INSERT INTO decisions (at, by, why, action, node, device, loads, energy_j)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            )
            row = (at, by, why, action, *key, len(content), energy_j)
            number = int(db.execute(sql, row).lastrowid or 0)
            db.execute("INSERT INTO pending VALUES (?, ?)", (number, json.dumps(content)))
        return number

    def pending(self) -> list[tuple[Decision, list[Arrival]]]:
        """What is to be carried out, in order, with its loads as they stood at the decision."""
        sql = f"SELECT {_COLUMNS}, NULL, content FROM pending JOIN decisions USING (number)"
        found = []
        for *row, content in self._file.rows(sql + " ORDER BY number"):
            decision = _decision(row)
            found.append(
                (
                    decision,
                    [
                        _arrival(decision, stream, fields, personal, reason)
                        for stream, fields, personal, reason in json.loads(content)
                    ],
                )
            )
        return found

    def all(self) -> list[Decision]:
        """Every decision, oldest first."""
        sql = f"SELECT {_COLUMNS}, result FROM decisions LEFT JOIN verdicts USING (number)"
        return [_decision(row) for row in self._file.rows(sql + " ORDER BY number")]

    def conclude(
        self,
        number: int,
        at: int,
        result: str,
        checks: Iterable[tuple[Key, str, int, int, str]] = (),
    ) -> None:
        """Say that a decision was carried out, and keep what the check then knows, in one step.

        `checks` are (device, stream, seq, register_j, carried) as `Ledger.put_checks` keeps them.
        """
        with self._file.write() as db:
            # Nothing of the loads is left in the file's free pages.
            db.execute("PRAGMA secure_delete=ON")
            db.execute("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?)", (number, at, result))
            db.execute("DELETE FROM pending WHERE number = ?", (number,))
            db.executemany(
                "INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?, ?, ?)",
                [(*key, *rest) for key, *rest in checks],
            )


_COLUMNS = "number, decisions.at, by, why, action, node, device, loads, energy_j"


def _decision(row: list[object] | tuple[object, ...]) -> Decision:
    number, at, by, why, action, node, device, loads, energy_j, result = row
    key = Key(str(node), str(device))
    return Decision(number, at, by, why, action, key, loads, energy_j, result)  # type: ignore[arg-type]


def _arrival(
    decision: Decision, stream: str, fields: list[object], personal: bool, reason: str | None
) -> Arrival:
    load = Load(*fields)  # type: ignore[arg-type]
    load = load._replace(origin=Origin(load.origin))
    return Arrival(decision.key.node, stream, load, personal, decision.at, reason)


def tables(db: sqlite3.Connection) -> None:
    """The ledger's step that brings decisions."""
    for statement in (
        "CREATE TABLE decisions (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
        " by TEXT NOT NULL, why TEXT NOT NULL, action TEXT NOT NULL, node TEXT NOT NULL,"
        " device TEXT NOT NULL, loads INTEGER NOT NULL, energy_j INTEGER NOT NULL) STRICT",
        "CREATE TABLE pending (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT",
        "CREATE TABLE verdicts (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
        " result TEXT NOT NULL) STRICT",
        *(
            f"CREATE TRIGGER {table}_{event} BEFORE {event} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{table} are only added to'); END"
            for table in ("decisions", "verdicts")
            for event in ("update", "delete")
        ),
    ):
        db.execute(statement)
