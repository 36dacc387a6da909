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
from sobre_collector.store.influx.http import Http, Influx1
from sobre_collector.store.influx.v2 import Influx2
from stores import Connect, InfluxStore, SqliteStore, Store

TIMEOUT_S = 30


@pytest.fixture(scope="session")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Connects to the InfluxDB of all tests, started if none is named."""
    url = os.environ.get("SOBRE_TEST_INFLUXDB_URL")
    if url:
        token = os.environ.get("SOBRE_TEST_INFLUXDB_TOKEN", "")
        org = os.environ.get("SOBRE_TEST_INFLUXDB_ORG", "sobre")
        yield lambda: Influx2(url, org, token, token, TIMEOUT_S)
        return
    why = influxdb_process.absent()
    if why:
        pytest.skip(why)
    server = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    server.start()
    yield lambda: Influx1(Http(server.url, TIMEOUT_S, None))
    server.stop()


@pytest.fixture
def influx_store(influxdb: Connect) -> Iterator[InfluxStore]:
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
