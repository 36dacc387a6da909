"""`sobre collect` on a series that several processes share; only tests have such a thing.

InfluxDB is what is shared in earnest. Here it is SQLite behind one lock for all processes, in the
folder that SHARED_SERIES names.
"""

import argparse
import fcntl
import logging
import os
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sobre_collector.commands import collect
from sobre_collector.config import CollectorConfig
from sobre_collector.service import crash_point
from sobre_collector.store.sqlite import SqliteSeries

# These are read bit by bit while others write; each of their reads is one of SQLite's own.
STREAMED = ("loads", "days", "quarantined", "close")


class Shared:
    """A `SqliteSeries` of which every call but the streamed ones excludes other processes."""

    def __init__(self, folder: Path, zone: ZoneInfo) -> None:
        folder.mkdir(exist_ok=True)
        self._lock = (folder / "shared.lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._series = SqliteSeries(folder, zone=zone, crash=crash_point())
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._series, name)
        if name in STREAMED:
            return call

        def locked(*words: Any, **named: Any) -> Any:
            # A file of its own: a lock belongs to an open file, and threads share that of self.
            with Path(self._lock.name).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                return call(*words, **named)

        return locked


def open_shared(config: CollectorConfig, zone: ZoneInfo, **_: Any) -> Any:
    return Shared(Path(os.environ["SHARED_SERIES"]), zone)


def can_be_shared(config: CollectorConfig) -> bool:
    return True


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level="INFO")
    setattr(collect, "open_series", open_shared)  # noqa: B010
    setattr(collect, "shareable", can_be_shared)  # noqa: B010
    parser = argparse.ArgumentParser()
    collect.arguments(parser)
    sys.exit(collect.run(parser.parse_args()))
