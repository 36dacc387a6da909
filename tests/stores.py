"""Every kind of store that the suite of the series runs on."""

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from sobre_collector.store.base import Series
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.http import Http, Influx1
from sobre_collector.store.influx.prepare import prepare
from sobre_collector.store.influx.series import InfluxSeries
from sobre_collector.store.influx.v2 import Influx2
from sobre_collector.store.sqlite import SqliteSeries, nowhere

PARIS = ZoneInfo("Europe/Paris")
_numbers = itertools.count()

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """An InfluxDB: 2.x with a token that may do all in its organisation, 1.x without."""

    url: str
    token: str | None = None
    org: str = "sobre"

    def connect(self, url: str | None = None, timeout_s: float = TIMEOUT_S) -> Database:
        """Connect to it, or to what stands before it."""
        at = url or self.url
        if self.token is not None:
            return Influx2(at, self.org, self.token, self.token, timeout_s)
        return Influx1(Http(at, timeout_s, None))


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

    def __init__(self, site: Site, prefix: str | None = None) -> None:
        self.site = site
        self.prefix = prefix or f"t{os.getpid()}_{next(_numbers)}"
        self._others: list[InfluxStore] = []
        self.database = site.connect()
        prepare(self.database, self.prefix)

    def open(
        self,
        crash: Callable[[str], None] = nowhere,
        by: str = "collector",
        url: str | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = 5.0,
    ) -> InfluxSeries:
        """The series as collector `by` sees it, through what listens at `url`."""
        database = self.site.connect(url, timeout_s)
        return InfluxSeries(database, by, PARIS, self.prefix, crash, patience_s)

    def fresh(self) -> "InfluxStore":
        self._others.append(InfluxStore(self.site))
        return self._others[-1]

    def drop(self) -> None:
        for other in self._others:
            other.drop()
        for name in self.database.names():
            if name.startswith(f"{self.prefix}_"):
                self.database.drop(name)
        self.database.close()
