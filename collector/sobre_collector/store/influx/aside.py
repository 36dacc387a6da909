"""The quarantine in InfluxDB: what may not count, each content of a node once.

A row's time stamp is made of its content, so that what is set aside twice is one point. Only the
node is a tag: devices that nobody knows may have any number of names. A row that was readmitted
stays, marked as gone: a point cannot be taken back without a search through the whole index.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from sobre_collector.rows import Arrival, Key, Quarantined, Refused
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.lines import quoted, tag, text
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin

# Monday 5 January 1970: with 40 bits of ns after it, all rows lie in one shard of a week.
FIRST_NS = 345_600 * 1_000_000_000
_BITS = 40
# Two contents of one node may have the same 40 bits; then the next place is taken.
_PLACES = 8
_STATEMENTS = 500

# Whether a row stands, counts again, or is older than what is kept.
HERE, READMITTED, EXPIRED = 0, 1, 2

Ident = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row and where it lies."""

    database: str
    time: int
    row: Quarantined


class Aside:
    """Reads and writes rows; in which database they are, the caller says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, database: str, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Set loads aside; those that were not there."""
        first: dict[Ident, Arrival] = {}
        for arrival in arrivals:
            first.setdefault((arrival.node, content(arrival)), arrival)
        new = self._free(database, list(first))
        lines = [
            _line(
                ident,
                place,
                str(first[ident].reason),
                first[ident].received,
                f",device={text(first[ident].load.device)},stream={text(first[ident].stream)}"
                f",load={text(_written(first[ident]))}",
            )
            for ident, place in new.items()
        ]
        self._write(database, lines)
        return [first[ident] for ident in new]

    def refuse(self, database: str, payloads: Sequence[Refused]) -> None:
        """Set payloads aside that are no messages."""
        first: dict[Ident, Refused] = {}
        for each in payloads:
            first.setdefault((each.node, sha256(each.payload).hexdigest()), each)
        lines = []
        for ident, place in self._free(database, list(first)).items():
            _, payload, reason, received = first[ident]
            more = f",payload={text(base64.b64encode(payload).decode())}"
            lines.append(_line(ident, place, reason, received, more))
        self._write(database, lines)

    def held(self, databases: Iterable[str], arrivals: Sequence[Arrival]) -> dict[Ident, Row]:
        """The rows of those that are set aside, by node and content."""
        idents = list({(a.node, content(a)) for a in arrivals})
        found: dict[Ident, Row] = {}
        for database in databases:
            for (node, hashed), row in self._taken(database, idents).items():
                if row["gone"] != READMITTED:
                    at = row["time"]
                    found[node, hashed] = Row(database, at, _quarantined(row, 0))
        return found

    def rows(self, database: str, base: int, where: str = "") -> Iterator[Row]:
        """All rows of a database, or some; `base` tells their numbers from another's."""
        condition = f'WHERE "gone" = {HERE}{where}'
        for group in self._database.query(database, f'SELECT * FROM "quarantine" {condition}'):
            for row in group.rows():
                yield Row(database, row["time"], _quarantined(row, base))

    def of_device(self, database: str, key: Key, reason: str) -> Iterator[Row]:
        """The rows of a device that were set aside for this reason."""
        node, device = quoted(key.node), quoted(key.device)
        where = f' AND "node" = {node} AND "device" = {device} AND "reason" = {quoted(reason)}'
        return self.rows(database, 0, where)

    def of_stream(self, database: str, node: str, device: str, stream: str) -> Iterator[Row]:
        """The rows of a device's stream."""
        where = (
            f' AND "node" = {quoted(node)} AND "device" = {quoted(device)}'
            f' AND "stream" = {quoted(stream)}'
        )
        return self.rows(database, 0, where)

    def late(self, database: str, reason: str) -> Iterator[Load]:
        """The loads that were set aside for this reason, those that expired since too."""
        where = f'"gone" <> {READMITTED} AND "reason" = {quoted(reason)}'
        statement = f'SELECT "load", "node" FROM "quarantine" WHERE {where}'
        for group in self._database.query(database, statement):
            for row in group.rows():
                load = _load(row["load"])
                if load is not None:
                    yield load

    def remove(self, rows: Iterable[Row], gone: int = READMITTED) -> int:
        """Mark rows as gone; how many they were."""
        return self._change((row, f"gone={gone}i") for row in rows)

    def rename(self, rows: Iterable[tuple[Row, str]]) -> int:
        """Give rows another reason; how many they were."""
        return self._change((row, f"reason={text(reason)}") for row, reason in rows)

    def _change(self, changes: Iterable[tuple[Row, str]]) -> int:
        lines: defaultdict[str, list[str]] = defaultdict(list)
        for row, fields in changes:
            lines[row.database].append(f"quarantine,node={tag(row.row.node)} {fields} {row.time}")
        for database, ours in lines.items():
            self._write(database, ours)
        return sum(map(len, lines.values()))

    def _free(self, database: str, idents: Sequence[Ident]) -> dict[Ident, int]:
        """The time stamp at which each can be written; those that are there are left out."""
        taken = self._taken(database, idents)
        places = {(node, row["time"]) for (node, _), row in taken.items()}
        free: dict[Ident, int] = {}
        for ident in idents:
            node, hashed = ident
            if ident in taken:
                if taken[ident]["gone"]:
                    free[ident] = taken[ident]["time"]
                continue
            place = _place(hashed)
            while (node, place) in places:
                place += 1
            if place >= _place(hashed) + _PLACES:
                raise StoreError(
                    f"{database}: no place for another quarantined load of {node}; "
                    "void or readmit what is in its quarantine"
                )
            places.add((node, place))
            free[ident] = place
        return free

    def _taken(self, database: str, idents: Sequence[Ident]) -> dict[Ident, dict[str, Any]]:
        """All rows near the places of these, by node and content."""
        statements = [
            f'SELECT * FROM "quarantine" WHERE "node" = {quoted(node)}'
            f" AND time >= {place} AND time < {place + _PLACES}"
            for node, place in sorted({(node, _place(hashed)) for node, hashed in idents})
        ]
        return {
            (row["node"], row["content"]): row
            for first in range(0, len(statements), _STATEMENTS)
            for group in self._database.query(database, *statements[first : first + _STATEMENTS])
            for row in group.rows()
        }

    def _write(self, database: str, lines: list[str]) -> None:
        if lines:
            self._database.write(database, "\n".join(lines))


def content(arrival: Arrival) -> str:
    """What tells a load from every other of its node: a hash of its stream and all its fields."""
    return sha256(_written(arrival).encode()).hexdigest()


def _written(arrival: Arrival) -> str:
    return json.dumps([arrival.stream, *arrival.load], sort_keys=True)


def _place(hashed: str) -> int:
    return FIRST_NS + int(hashed[: _BITS // 4], 16)


def _line(ident: Ident, place: int, reason: str, received: int, more: str) -> str:
    node, hashed = ident
    return (
        f"quarantine,node={tag(node)} content={text(hashed)},reason={text(reason)},"
        f"received={received}i,gone={HERE}i{more} {place}"
    )


def _quarantined(row: Mapping[str, Any], base: int) -> Quarantined:
    number, payload = (base << _BITS) + row["time"] - FIRST_NS, row.get("payload")
    found = Quarantined(number, row["node"], row["reason"], row["received"], row.get("stream"))
    if payload is not None:
        return replace(found, payload=base64.b64decode(payload))
    return replace(found, load=_load(row.get("load")))


def _load(written: str | None) -> Load | None:
    if written is None:
        return None
    _, *fields = json.loads(written)
    load = Load(*fields)
    return load._replace(origin=Origin(load.origin))
