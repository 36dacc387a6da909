"""Calibrations in the ledger: what plugs said of single PCs, and what was decided for a class.

Both are rows of one hash-chained table. A factor holds from a month on. Where that month was closed
before, what was kept of it stays as it is, and is restated as it is read: what counts then carries
the number of the factor that changed it.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sobre_collector.indicators import calibration
from sobre_collector.indicators.calibration import Applied
from sobre_collector.indicators.moments import StratumMonth
from sobre_collector.store.chain import Chain, Link
from sobre_collector.store.schema import Database
from sobre_drivers.comparison import Comparison
from sobre_drivers.errors import ConfigError, StoreError


@dataclass(frozen=True, slots=True)
class Measured:
    """A session of one PC: its number, when it was recorded (Unix seconds) and by which role."""

    number: int
    at: int
    by: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Decided:
    """A factor of a class: from which `sessions` (numbers), by which role, why, and when."""

    at: int
    by: str
    why: str
    sessions: tuple[int, ...]
    applied: Applied


class Calibrations:
    """Sessions and factors in the ledger's file: added to, hash-chained, never changed."""

    def __init__(self, file: Database) -> None:
        self._file = file
        self._chain = Chain(file, "calibrations", lambda content: str(json.loads(content)["kind"]))

    def sessions(self) -> list[Measured]:
        """Every PC that was read by a plug, oldest first."""
        return [_measured(link) for link in self._chain.links() if _is(link, "session")]

    def decided(self) -> list[Decided]:
        """Every factor that was decided, oldest first, those that another took the place of too."""
        return [_decided(link) for link in self._chain.links() if _is(link, "factor")]

    def in_force(self, month: str) -> dict[str, Applied]:
        """By class the factor that holds in a month."""
        return calibration.in_force((each.applied for each in self.decided()), month)

    def add(self, comparison: Comparison, by: str, at: int) -> Measured:
        """Record a session; ConfigError if the same one was recorded before."""
        given = asdict(comparison)

        def content(links: list[Link]) -> str:
            for link in links:
                if _is(link, "session") and json.loads(link.content)["session"] == given:
                    raise ConfigError(
                        f"calibration of a {comparison.device_class} of {comparison.day}: stands "
                        f"already as no. {link.number}; a PC counts once"
                    )
            return _written({"kind": "session", "by": by, "session": given})

        return _measured(self._chain.append(content, at))

    def decide(self, found: Decided) -> Decided:
        """Let a factor hold; its number is given here."""
        given = asdict(found)
        del given["at"], given["applied"]["number"]
        content = _written({"kind": "factor", **given})
        return _decided(self._chain.append(lambda _: content, found.at))

    def restated(self, rows: Iterable[StratumMonth], closed: Collection[str]) -> list[StratumMonth]:
        """Months as they count: closed ones with the factor that holds for them by now."""
        decided = [each.applied for each in self.decided()]
        return calibration.brought_forward(rows, decided, closed) if decided else list(rows)


def _is(link: Link, kind: str) -> bool:
    return bool(json.loads(link.content)["kind"] == kind)


def _written(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True)


def _measured(link: Link) -> Measured:
    told = json.loads(link.content)
    try:
        return Measured(link.number, link.at, told["by"], Comparison(**told["session"]))
    except (KeyError, TypeError) as error:
        raise StoreError(f"calibration {link.number}: {error!r}; restore the back-up") from error


def _decided(link: Link) -> Decided:
    told = json.loads(link.content)
    try:
        applied = Applied(number=link.number, **told["applied"])
        return Decided(link.at, told["by"], told["why"], tuple(told["sessions"]), applied)
    except (KeyError, TypeError) as error:
        raise StoreError(f"calibration {link.number}: {error!r}; restore the back-up") from error


def tables(db: sqlite3.Connection) -> None:
    """The ledger's step that brings calibrations."""
    db.execute(
        "CREATE TABLE calibrations (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
        " content TEXT NOT NULL, sha256 TEXT NOT NULL) STRICT"
    )
    for event in ("update", "delete"):
        db.execute(
            f"CREATE TRIGGER calibrations_{event} BEFORE {event} ON calibrations"
            " BEGIN SELECT RAISE(ABORT, 'calibrations are only added to'); END"
        )
