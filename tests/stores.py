"""Every kind of store that the suite of the series runs on."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from sobre_collector.store.base import Series
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.prepare import prepare
from sobre_collector.store.influx.series import InfluxSeries
from sobre_collector.store.sqlite import SqliteSeries, nowhere

PARIS = ZoneInfo("Europe/Paris")
_numbers = itertools.count()

Connect = Callable[[], Database]


class Store(Protocol):
    """A store that can be opened, closed, and opened again."""

    kind: str

    def open(self, crash: Callable[[str], None] = nowhere) -> Series: ...

    def fresh(self) -> "Store":
        """Another one, with nothing in it."""
        ...


class SqliteStore:
    """A folder."""

    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, crash: Callable[[str], None] = nowhere) -> Series:
        return SqliteSeries(self.folder, zone=PARIS, crash=crash)

    def fresh(self) -> "SqliteStore":
        folder = self.folder / f"fresh-{next(_numbers)}"
        folder.mkdir()
        return SqliteStore(folder)


class InfluxStore:
    """Databases of one prefix; `drop` removes them."""

    kind = "influx"

    def __init__(self, connect: Connect, prefix: str | None = None) -> None:
        self.connect = connect
        self.prefix = prefix or f"t{os.getpid()}_{next(_numbers)}"
        self._others: list[InfluxStore] = []
        self.database = connect()
        prepare(self.database, self.prefix)

    def open(self, crash: Callable[[str], None] = nowhere, by: str = "collector") -> InfluxSeries:
        return InfluxSeries(self.connect(), by, PARIS, self.prefix, crash)

    def fresh(self) -> "InfluxStore":
        self._others.append(InfluxStore(self.connect))
        return self._others[-1]

    def drop(self) -> None:
        for other in self._others:
            other.drop()
        for name in self.database.names():
            if name.startswith(f"{self.prefix}_"):
                self.database.drop(name)
        self.database.close()
