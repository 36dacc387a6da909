"""Which store the settings name: SQLite in the data folder, or an InfluxDB.

The only place that knows both; InfluxDB's client is loaded only where it is used.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sobre_collector.config import (
    INFLUX_PASSWORD,
    INFLUX_READ_TOKEN,
    INFLUX_WRITE_TOKEN,
    CollectorConfig,
    Influx,
    secret,
)
from sobre_collector.store.base import Series
from sobre_collector.store.sqlite import SqliteSeries, nowhere
from sobre_drivers.errors import ConfigError

if TYPE_CHECKING:
    from sobre_collector.store.influx.database import Database


def shareable(config: CollectorConfig) -> bool:
    """Whether several collectors may write to the store that the settings name."""
    return config.influx.url is not None


def open_series(
    config: CollectorConfig,
    zone: ZoneInfo,
    by: str | None = None,
    create: bool = True,
    crash: Callable[[str], None] = nowhere,
    readonly: bool = False,
) -> Series:
    """The store that the settings name.

    `by` names who writes: None is the collector itself, by its account on the broker. A command
    that writes beside a running collector gives another name. Without `create` SQLite's file must
    be there (InfluxDB's databases always must). With `readonly` nothing is made or written: the
    token that writes is not even read.
    """
    if config.influx.url is None:
        return SqliteSeries(config.data, create, zone, crash, readonly)
    from sobre_collector.store.influx.lines import UnstorableError, tag
    from sobre_collector.store.influx.series import InfluxSeries

    name = by or config.mqtt.username
    try:
        tag(name)
    except UnstorableError as error:
        raise ConfigError(f"mqtt.username: {error}; choose a plainer one") from error
    database = connect(config.influx, readonly=readonly)
    return InfluxSeries(database, name, zone, config.influx.prefix, crash)


def connect(
    influx: Influx, environment: Mapping[str, str] | None = None, readonly: bool = False
) -> "Database":
    """The InfluxDB that the settings name; ConfigError if a secret is missing.

    Nothing is sent yet.
    """
    from sobre_collector.store.influx.http import Http, Influx1, basic

    url = str(influx.url)
    if influx.version == "1":
        word = secret(influx.password_file, INFLUX_PASSWORD, "InfluxDB's password", environment)
        header = basic(influx.username, word or "") if influx.username else None
        return Influx1(Http(url, influx.timeout_s, header, influx.ca_file))
    reading = secret(influx.read_token_file, INFLUX_READ_TOKEN, "the token that reads", environment)
    writing = None
    if not readonly:
        file, what = influx.write_token_file, "the token that writes"
        writing = secret(file, INFLUX_WRITE_TOKEN, what, environment)
    if reading is None:
        raise ConfigError(
            f"influx.read_token_file is missing, and {INFLUX_READ_TOKEN} is not set; "
            "`sobre influx setup` makes a token"
        )
    try:
        from sobre_collector.store.influx.v2 import Influx2
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"influx.url is set, and {error.name} is not installed; pip install 'sobre[influx]'"
        ) from error
    return Influx2(url, influx.org, reading, writing, influx.timeout_s, influx.ca_file)
