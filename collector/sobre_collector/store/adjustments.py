"""Adjustments of the baseline in the ledger: signed, dated, and only ever added to."""

import json
from dataclasses import dataclass

from sobre_collector.indicators.adjustments import Entry, extended, from_json, in_force, to_json
from sobre_collector.store.chain import Chain, Link
from sobre_collector.store.schema import Database


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row of the ledger: its number, when it was recorded (Unix seconds), and its hash."""

    number: int
    at: int
    entry: Entry
    sha256: str


class Adjustments:
    """What `sobre adjust` wrote; each reading proves that no row was changed or removed."""

    def __init__(self, file: Database) -> None:
        self._chain = Chain(file, "adjustments", lambda content: str(json.loads(content)["name"]))

    def recorded(self) -> list[Recorded]:
        """Every row, oldest first, those withdrawn and replaced too.

        StoreError names the row that is not what was added.
        """
        return [
            Recorded(link.number, link.at, from_json(json.loads(link.content)), link.sha256)
            for link in self._chain.links()
        ]

    def entries(self) -> list[Entry]:
        """Every row as `indicators.adjustments` takes it, oldest first."""
        return [each.entry for each in self.recorded()]

    def current(self) -> list[Entry]:
        """The rows that still count."""
        return in_force(self.entries())

    def add(self, entry: Entry, at: int) -> Recorded:
        """Record a row; ConfigError if its name stands already or what it replaces is not there."""

        def content(links: list[Link]) -> str:
            extended([from_json(json.loads(link.content)) for link in links], entry)
            return json.dumps(to_json(entry), sort_keys=True)

        link = self._chain.append(content, at)
        return Recorded(link.number, link.at, entry, link.sha256)
