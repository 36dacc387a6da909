"""`sobre collect`: take in loads and run the jobs until stopped."""

import argparse
import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sobre_collector.config import CollectorConfig, load_config, missing_files
from sobre_collector.conservation import check_in_words
from sobre_collector.intake import Intake
from sobre_collector.jobs import Jobs
from sobre_collector.perimeter import Baseline, Perimeter
from sobre_collector.perimeter_files import load_perimeter
from sobre_collector.registry import Registry, everyone
from sobre_collector.service import Service, crash_point
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers import settings
from sobre_drivers.clock import SystemClock
from sobre_drivers.errors import ConfigError, StoreError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre collect`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    where.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: ./sobre-data)"
    )


def run(options: argparse.Namespace) -> int:
    """Collect until SIGTERM or SIGINT; exit code 1 if it could not go on."""
    config = settings_of(options.config, options.data)
    perimeter = perimeter_of(config)
    clock = SystemClock()
    data = config.data
    with (
        alone(data),
        closing(Ledger(data / "ledger.db")) as ledger,
        closing(SqliteSeries(data, zone=perimeter.timezone, crash=crash_point())) as series,
    ):
        accepts = perimeter.listed if config.policy.accept == "listed" else everyone
        registry = Registry(ledger, accepts)
        intake = Intake(series, ledger, registry, clock, perimeter.timezone)
        jobs = Jobs(
            series,
            ledger,
            perimeter,
            clock,
            keep=config.keep,
            check=check_in_words,
            ledger_file=data / "ledger.db",
            backups=data / "backups",
        )
        return 0 if Service(config.mqtt, intake, jobs).run() else 1


def settings_of(config: Path | None, data: Path | None) -> CollectorConfig:
    """The settings in a file, or the defaults with a data folder; ConfigError for each mistake."""
    if config is not None:
        found = load_config(config)
        problems = missing_files(found, str(config))
        if problems:
            raise ConfigError(*problems)
        return found
    table: dict[str, object] = {}
    settings.override(table, CollectorConfig, os.environ)
    table["data"] = str(data or Path("sobre-data"))
    return settings.build(table, CollectorConfig, "environment")


def perimeter_of(config: CollectorConfig) -> Perimeter:
    """The perimeter that the settings name, or the one in the data folder; empty if there is none.

    Loads are taken in before anybody has stated what they are compared with.
    """
    if config.perimeter is not None:
        return load_perimeter(config.perimeter)
    beside = config.data / "perimeter.toml"
    if beside.exists():
        return load_perimeter(beside)
    return Perimeter(Baseline(datetime.now(UTC).year - 1, "measured"))


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Hold a data folder: two collectors on one would each confirm what the other did not see."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "collector.lock").open("w")
    except OSError as error:
        raise StoreError(
            f"{data}: cannot be written ({error.strerror}); let this account write there"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreError(
                f"{data}: another collector runs on this folder; stop it, or choose another"
            ) from error
        yield
