"""`sobre import-glpi`: inventory and head-count by month, from GLPI's exports or its API."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from sobre_collector.months import month_after
from sobre_collector.perimeter.glpi import ApiTable, Item, Person, Words, counted, headcount
from sobre_collector.perimeter.glpi_api import session
from sobre_collector.perimeter.glpi_csv import items, people
from sobre_collector.perimeter.month_file import put_month
from sobre_collector.perimeter.tables import month
from sobre_drivers.errors import ConfigError
from sobre_drivers.settings import build, read_toml

FILES = {
    "computers": "Computer",
    "monitors": "Monitor",
    "printers": "Printer",
    "network": "NetworkEquipment",
    "pdus": "PDU",
}
INVENTORY = ("month", "organisation", "site", "class", "units", "half_width")
HEADCOUNT = ("month", "organisation", "users", "half_width")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre import-glpi`."""
    parser.add_argument("--mapping", type=Path, required=True, metavar="FILE", help="glpi.toml")
    for option, kind in FILES.items():
        parser.add_argument(f"--{option}", type=Path, metavar="FILE", help=f"CSV of {kind} items")
    parser.add_argument("--users", type=Path, metavar="FILE", help="CSV of accounts")
    parser.add_argument("--api", action="store_true", help="ask the API that [api] names instead")
    parser.add_argument(
        "--from", dest="first", type=_month, metavar="MONTH", help="first (default: this month)"
    )
    parser.add_argument("--to", dest="last", type=_month, metavar="MONTH", help="last month")
    parser.add_argument("--inventory", type=Path, metavar="FILE", help="write there, else print")
    parser.add_argument("--headcount", type=Path, metavar="FILE", help="write there, else print")
    parser.add_argument("--replace", action="store_true", help="replace months that stand there")
    parser.add_argument(
        "--allow-unknown", action="store_true", help="leave out what no line maps, and write"
    )


def run(options: argparse.Namespace) -> int:
    """Count and write; exit code 1 and nothing written where a word is unknown."""
    table = build(read_toml(options.mapping), Words, str(options.mapping))
    today = datetime.now(UTC).date()
    months = _months(options, today)
    found, accounts = _read(options, table)
    units = counted(found, table, months, today)
    users, strangers = headcount(accounts, table)
    unknown = Counter(units.unknown) + strangers
    for words, count in sorted(unknown.items()):
        print(f"{count} × {words}: not in {options.mapping}", file=sys.stderr)
    if unknown and not options.allow_unknown:
        print(
            'nothing was written; map these words ("" leaves out what does not count), or leave '
            "them out with --allow-unknown",
            file=sys.stderr,
        )
        return 1
    for name in months:
        rows = [
            (name, s.organisation, s.site, s.device_class, f"{n:g}", f"{half:g}")
            for s, (n, half) in units.units[name].items()
        ]
        _put(options.inventory, INVENTORY, name, rows, options.replace)
        # GLPI knows who is active now, not who was: only the last month is told.
        if accounts and name == months[-1]:
            people_rows = [(name, o, f"{n:g}", f"{half:g}") for o, (n, half) in users.items()]
            _put(options.headcount, HEADCOUNT, name, people_rows, options.replace)
    print(
        f"{len(found)} items and {len(accounts)} accounts read, {units.left_out} mapped to "
        "nothing; no name was kept",
        file=sys.stderr,
    )
    return 0


def _read(options: argparse.Namespace, table: Words) -> tuple[list[Item], list[Person]]:
    exports = {option: getattr(options, option) for option in FILES if getattr(options, option)}
    if options.api:
        if exports or options.users:
            raise ConfigError("--api: takes the place of the CSV files; give one or the other")
        if table.api is None:
            raise ConfigError(f"{options.mapping}: no [api]; name GLPI's address there")
        return _ask(table.api, options.mapping.parent)
    if not exports and not options.users:
        raise ConfigError("nothing to read; give --computers FILE and its like, or --api")
    found: list[Item] = []
    for option, path in exports.items():
        found += items(_bytes(path), str(path), FILES[option], table)
    accounts = people(_bytes(options.users), str(options.users)) if options.users else []
    return found, accounts


def _ask(api: ApiTable, folder: Path) -> tuple[list[Item], list[Person]]:
    app_token = _token("SOBRE_GLPI_APP_TOKEN", api.app_token_file, folder)
    user_token = _token("SOBRE_GLPI_USER_TOKEN", api.user_token_file, folder)
    with session(api, app_token, user_token) as glpi:
        found = [item for kind in api.items for item in glpi.items(kind)]
        return found, list(glpi.people()) if api.users else []


def _token(variable: str, file: str | None, folder: Path) -> str:
    if os.environ.get(variable):
        return os.environ[variable]
    if file is None:
        raise ConfigError(f"{variable}: not set, and [api] names no file for it; give one of both")
    token = _bytes(folder / file).decode("ascii", "replace").strip()
    if not token.isascii() or not token.isprintable() or not token:
        raise ConfigError(f"{folder / file}: holds no token; copy it from GLPI's preferences")
    return token


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error


def _put(
    path: Path | None,
    columns: tuple[str, ...],
    name: str,
    rows: Sequence[Sequence[str]],
    replace: bool,
) -> None:
    if path is not None:
        put_month(path, columns, name, rows, replace)
        print(path)
        return
    print(",".join(columns))
    for row in rows:
        print(",".join(row))


def _months(options: argparse.Namespace, today: date) -> list[str]:
    this = f"{today.year:04}-{today.month:02}"
    last = options.last or this
    found = [options.first or last]
    if found[0] > last or last > this:
        raise ConfigError(f"--from {found[0]} --to {last}: in order, and no month of the future")
    while found[-1] < last:
        found.append(month_after(found[-1]))
    return found


def _month(text: str) -> str:
    try:
        return month(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: write the month as 2026-11") from error
