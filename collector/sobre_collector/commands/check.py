"""`sobre check`: every mistake in settings and perimeter; with `--store`, where each joule is."""

import argparse
import json
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sobre_collector.account import Balance
from sobre_collector.config import CollectorConfig
from sobre_collector.conservation import check
from sobre_collector.perimeter.metering import counted, shown
from sobre_collector.review import Review, review, review_folder
from sobre_collector.store.choose import open_series
from sobre_collector.store.ledger import Ledger
from sobre_drivers.calendar import local_day
from sobre_drivers.errors import ConfigError

WORDS = {
    "stored_j": "stored",
    "quarantined_j": "quarantined",
    "late_j": "late (their month was closed)",
    "voided_j": "voided by decision",
    "missing_j": "missing",
    "doubled_j": "doubled",
}
# A stream at fault is one line; the rest would only scroll them away.
SHOWN_FAULTS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre check`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder, in place of the settings' own"
    )
    parser.add_argument(
        "--store",
        action="store_true",
        help="compare what is stored with the agents' registers, to the joule",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 if all is right, 1 if a joule is missing or doubled, 2 if a file is wrong."""
    found = reviewed(options.config, options.data)
    problems = list(found.problems)
    balance: Balance | None = None
    data = options.data or (found.config.data if found.config is not None else None)
    if options.store and data is not None:
        config = replace(found.config or CollectorConfig(), data=data)
        zone = ZoneInfo("Europe/Paris") if found.perimeter is None else found.perimeter.timezone
        with (
            closing(Ledger(data / "ledger.db", create=False)) as ledger,
            closing(open_series(config, zone, "check", create=False)) as series,
        ):
            problems += _counted_twice(found, ledger)
            balance = check(series, ledger, keep=False)
    if options.json:
        print(json.dumps(_as_json(problems, found.remarks, balance), indent=2, ensure_ascii=False))
    else:
        _print(problems, found.remarks, balance)
    if problems:
        return 2
    return 0 if balance is None or balance.exact else 1


def reviewed(config: Path | None, data: Path | None) -> Review:
    """What the files say; ConfigError if none is named, or the data folder named is not there."""
    if data is not None and not data.is_dir():
        raise ConfigError(
            f"--data {data}: no such folder; name the collector's data folder, or make one with "
            "sobre up or sobre collect"
        )
    if config is not None:
        return review(config)
    if data is not None:
        return review_folder(data)
    raise ConfigError("sobre check: nothing to look at; name --config FILE or --data DIR")


def _counted_twice(found: Review, ledger: Ledger) -> list[str]:
    """What only the devices that report can tell: a feeder outside the tree that counts too."""
    if found.perimeter is None:
        return []
    today = local_day(datetime.now(UTC).timestamp(), found.perimeter.timezone)
    try:
        counted(ledger.devices(), found.perimeter.metering, today)
    except ConfigError as error:
        return list(error.problems)
    return []


def _as_json(
    problems: list[str], remarks: tuple[str, ...], balance: Balance | None
) -> dict[str, Any]:
    told: dict[str, Any] = {"problems": problems, "remarks": list(remarks)}
    if balance is not None:
        told["store"] = {name: getattr(balance, name) for name in WORDS}
        told["faults"] = [
            {
                "node": fault.key.node,
                "device": fault.key.device,
                "stream": fault.stream,
                "missing_j": fault.missing_j,
                "doubled_j": fault.doubled_j,
            }
            for fault in balance.faults
        ]
    return told


def _print(problems: list[str], remarks: tuple[str, ...], balance: Balance | None) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    for remark in remarks:
        print(f"Note: {remark}")
    if not problems:
        print("Settings and perimeter: no mistake.")
    if balance is None:
        return
    for name, word in WORDS.items():
        print(f"{getattr(balance, name):>20,} J  {word}".replace(",", " "))
    for fault in balance.faults[:SHOWN_FAULTS]:
        print(
            f"{shown(fault.key)}, stream {fault.stream}: {fault.missing_j} J missing, "
            f"{fault.doubled_j} J doubled",
            file=sys.stderr,
        )
    if len(balance.faults) > SHOWN_FAULTS:
        print(f"… and {len(balance.faults) - SHOWN_FAULTS} streams more", file=sys.stderr)
