"""Fixtures for the suite of the series: `pytest_plugins = ("store_fixtures",)`.

InfluxDB is Debian's 1.x, started once for all tests. With SOBRE_TEST_INFLUXDB_URL, _TOKEN and _ORG
it is that 2.x instead: the token must be able to make buckets.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from services import influxdb as influxdb_process
from services.influxdb import InfluxDB
from sobre_collector.store.base import Series
from stores import InfluxStore, Site, SqliteStore, Store


@pytest.fixture(scope="session")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The InfluxDB of all tests, started if none is named."""
    url = os.environ.get("SOBRE_TEST_INFLUXDB_URL")
    if url:
        token = os.environ.get("SOBRE_TEST_INFLUXDB_TOKEN", "")
        org = os.environ.get("SOBRE_TEST_INFLUXDB_ORG", "sobre")
        yield Site(url, token, org)
        return
    why = influxdb_process.absent()
    if why:
        pytest.skip(why)
    server = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    server.start()
    yield Site(server.url)
    server.stop()


@pytest.fixture
def influx_store(influxdb: Site) -> Iterator[InfluxStore]:
    """An empty store in InfluxDB."""
    made = InfluxStore(influxdb)
    yield made
    made.drop()


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.influx)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store, empty."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path)
    made: InfluxStore = request.getfixturevalue("influx_store")
    return made


@pytest.fixture
def series(store: Store) -> Iterator[Series]:
    """The series of an empty store."""
    made = store.open()
    yield made
    with suppress(OSError):
        made.close()
