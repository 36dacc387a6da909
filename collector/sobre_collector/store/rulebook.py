"""What people confirmed or excluded, signed with a role: added to, hash-chained, never changed."""

import json
import sqlite3
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sobre_collector.indicators.printer_states import Thresholds
from sobre_collector.store.chain import Chain, Link
from sobre_collector.store.schema import Database
from sobre_drivers.errors import ConfigError, StoreError

TABLES = ("thresholds", "exclusions")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Thresholds of a printer model, by whom (a role), why, and when (Unix seconds)."""

    number: int
    at: int
    model: str
    thresholds: Thresholds
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What is no waste, and why. `units` of a group stay on; None: all of it.

    `subject` is a lever's name or a device ("node/device"). It ends after the day `until` (ISO), or
    when a later row ends it.
    """

    number: int
    at: int
    subject: str
    reason: str
    by: str
    until: str | None = None
    units: int | None = None


class Rulebook:
    """Thresholds and exclusions in the ledger's file."""

    def __init__(self, file: Database) -> None:
        self._thresholds = Chain(file, "thresholds", lambda content: _text(content, "model"))
        self._exclusions = Chain(file, "exclusions", lambda content: _text(content, "subject"))

    def confirmations(self) -> list[Confirmed]:
        """All confirmations of thresholds, oldest first."""
        return [_confirmed(link) for link in self._thresholds.links()]

    def thresholds(self) -> dict[str, Confirmed]:
        """By model the thresholds that hold: the last that were confirmed."""
        return {each.model: each for each in self.confirmations()}

    def confirm(self, model: str, found: Thresholds, by: str, why: str, at: int) -> Confirmed:
        """Record thresholds of a model; ConfigError without a role or a reason."""
        _signed(by, why, f"thresholds of {model}")
        content = {"model": model, "by": by, "why": why, **asdict(found)}
        return _confirmed(self._thresholds.append(lambda _: json.dumps(content), at))

    def exclusions(self, day: date) -> list[Exclusion]:
        """What is excluded on a day, oldest first."""
        return [e for e in self.in_force() if e.until is None or e.until >= day.isoformat()]

    def in_force(self) -> list[Exclusion]:
        """Exclusions that no later row ended, whatever their last day."""
        found: dict[int, Exclusion] = {}
        for link in self._exclusions.links():
            row = json.loads(link.content)
            if row["ends"] is not None:
                found.pop(row["ends"], None)
            else:
                found[link.number] = _exclusion(link, row)
        return list(found.values())

    def exclude(self, wanted: Exclusion, at: int) -> Exclusion:
        """Record an exclusion, numbered and dated here; ConfigError without a reason."""
        _signed(wanted.by, wanted.reason, f"exclusion of {wanted.subject}")
        if wanted.units is not None and wanted.units < 1:
            raise ConfigError(f"--units {wanted.units}: at least 1, or leave it out for the whole")
        content = {
            "subject": wanted.subject,
            "reason": wanted.reason,
            "by": wanted.by,
            "until": wanted.until,
            "units": wanted.units,
            "ends": None,
        }
        link = self._exclusions.append(lambda _: json.dumps(content), at)
        return _exclusion(link, content)

    def end_exclusion(self, number: int, reason: str, by: str, at: int) -> None:
        """Let an exclusion hold no more; ConfigError if there is none of this number."""
        _signed(by, reason, f"end of exclusion {number}")

        def content(links: list[Link]) -> str:
            rows = [json.loads(link.content) for link in links]
            known = number <= len(rows) and number > 0 and rows[number - 1]["ends"] is None
            if not known or any(row["ends"] == number for row in rows):
                raise ConfigError(
                    f"exclusion {number}: is not there, or has ended; see `sobre waste exclusions`"
                )
            subject = rows[number - 1]["subject"]
            return json.dumps({"subject": subject, "reason": reason, "by": by, "ends": number})

        self._exclusions.append(content, at)


def _confirmed(link: Link) -> Confirmed:
    try:
        row = json.loads(link.content)
        found = Thresholds(row["sleep_w"], row["ready_w"], row["printing_w"])
        return Confirmed(link.number, link.at, row["model"], found, row["by"], row["why"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"thresholds {link.number}: {error!r}; restore the ledger's back-up"
        ) from error


def _exclusion(link: Link, row: dict[str, Any]) -> Exclusion:
    return Exclusion(
        link.number, link.at, row["subject"], row["reason"], row["by"], row["until"], row["units"]
    )


def _signed(by: str, why: str, what: str) -> None:
    if not by.strip() or not why.strip():
        raise ConfigError(f"{what}: give a role and a reason; an auditor will ask for both")


def _text(content: str, key: str) -> str:
    return str(json.loads(content)[key])


def tables(db: sqlite3.Connection) -> None:
    """The ledger's step that brings both tables."""
    for table in TABLES:
        db.execute(
            f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
            " content TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT"
        )
        for event in ("update", "delete"):
            db.execute(
                f"CREATE TRIGGER {table}_{event} BEFORE {event} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} are only added to'); END"
            )
