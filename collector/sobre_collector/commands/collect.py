"""`sobre collect`: take in loads and run the jobs until stopped."""

import argparse
import fcntl
import logging
import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sobre_collector.commands.option_values import add_place
from sobre_collector.config import CollectorConfig, load_config, missing_files
from sobre_collector.conservation import check_in_words
from sobre_collector.intake import Intake
from sobre_collector.jobs import Jobs
from sobre_collector.limits import Limits
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.registry import Registry, everyone
from sobre_collector.service import Service, crash_point, never
from sobre_collector.sharing import Following, Leading
from sobre_collector.snapshot import Copy
from sobre_collector.store.choose import open_series, shareable
from sobre_collector.store.ledger import Ledger
from sobre_drivers import settings
from sobre_drivers.clock import SystemClock
from sobre_drivers.errors import ConfigError, StoreError

log = logging.getLogger(__name__)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre collect`."""
    add_place(parser)


def run(options: argparse.Namespace) -> int:
    """Collect until SIGTERM or SIGINT; exit code 1 if it could not go on."""
    config = settings_of(options.config, options.data)
    perimeter = perimeter_of(config)
    _refuse_sharing_alone(config)
    with Lease(config.data) as lease:
        leads = config.ledger == "here" and lease.take()
        if not leads and not config.mqtt.shared:
            raise StoreError(
                f"{config.data}: another collector runs on this folder; stop it, or choose another"
            )
        if not leads:
            log.info("takes loads in; another collector has the ledger")
            stands_by = lease.take if config.ledger == "here" else never
            if not _follow(config, perimeter, stands_by):
                return 1
            if not lease.taken:
                return 0
            log.warning("the collector that had the ledger is gone; this one takes it over")
        return 0 if _lead(config, perimeter) else 1


def _lead(config: CollectorConfig, perimeter: Perimeter) -> bool:
    data, clock, crash, limits = config.data, SystemClock(), crash_point(), Limits()
    with (
        closing(Ledger(data / "ledger.db")) as ledger,
        closing(open_series(config, perimeter.timezone, crash=crash_point())) as series,
    ):
        accepts = perimeter.listed if config.policy.accept == "listed" else everyone
        registry = Registry(ledger, accepts)
        intake = Intake(series, ledger, registry, clock, perimeter.timezone, limits)
        sharing = Leading(registry, ledger.closed_months) if config.mqtt.shared else None
        jobs = Jobs(
            series,
            ledger,
            perimeter,
            clock,
            keep=config.keep,
            check=check_in_words,
            ledger_file=data / "ledger.db",
            backups=data / "backups",
            paused=intake.paused,
            crash=crash,
            announce=None if sharing is None else sharing.announce,
        )
        return Service(config.mqtt, intake, jobs, limits, sharing).run()


def _follow(config: CollectorConfig, perimeter: Perimeter, stands_by: Callable[[], bool]) -> bool:
    copy, limits = Copy(), Limits()
    with closing(open_series(config, perimeter.timezone, crash=crash_point())) as series:
        intake = Intake(series, copy, copy, SystemClock(), perimeter.timezone, limits)
        service = Service(config.mqtt, intake, None, limits, Following(copy))
        return service.run(stands_by)


def _refuse_sharing_alone(config: CollectorConfig) -> None:
    if config.mqtt.shared and not shareable(config):
        raise ConfigError(
            "mqtt.shared is true, and the store is SQLite, which one collector alone may write to; "
            "set it to false, or keep the series in InfluxDB"
        )
    if config.ledger == "elsewhere" and not config.mqtt.shared:
        raise ConfigError(
            "ledger is 'elsewhere', and mqtt.shared is false: nobody would run the jobs; set "
            "mqtt.shared = true, or ledger = 'here'"
        )


def settings_of(config: Path | None, data: Path | None) -> CollectorConfig:
    """The settings in a file, or the defaults with a data folder; ConfigError for each mistake."""
    if config is not None:
        if data is not None:
            raise ConfigError("--config and --data: both name a data folder; give one of them")
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


class Lease:
    """The right to the ledger in a data folder; the system takes it back from whoever dies.

    Two collectors with one ledger would each confirm what the other did not see.
    """

    def __init__(self, data: Path) -> None:
        self.taken = False
        try:
            data.mkdir(parents=True, exist_ok=True)
            self._file = (data / "collector.lock").open("w")
        except OSError as error:
            raise StoreError(
                f"{data}: cannot be written ({error.strerror}); let this account write there"
            ) from error

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.taken = False

    def take(self) -> bool:
        """Whether it is ours now."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.taken = True
        return True
