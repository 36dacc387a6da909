"""`sobre trend`: how consumption went, drawn in the terminal."""

import argparse
import shutil
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sobre_collector.perimeter.files import load_perimeter
from sobre_collector.perimeter.tables import month as month_key
from sobre_collector.report import trend
from sobre_collector.report.monthly import fleet
from sobre_collector.report.source import given, open_ledger, place, unstated
from sobre_collector.report.wording import LANGUAGES, say
from sobre_drivers.errors import StoreError

# What a pipe gets, and how many months are shown where nobody asks for more.
PIPED_COLUMNS = 80
MONTHS_SHOWN = 24
# Before any fleet: with no baseline stated, no month is too old to show.
FIRST_YEAR = 2001


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre trend`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: ./sobre-data)"
    )
    parser.add_argument("--by", choices=("class", "organisation"), help="a line for each")
    parser.add_argument(
        "--since", type=_month, metavar="MONTH", help=f"such as 2025-01 (default: {MONTHS_SHOWN})"
    )
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language")


def run(options: argparse.Namespace) -> int:
    """Draw the months that are over; exit code 1 if there is none."""
    where, now = place(options.config, options.data), datetime.now(UTC)
    # Without a perimeter nothing is compared, and what reports can still be seen.
    known = where.perimeter.exists()
    perimeter = load_perimeter(where.perimeter) if known else unstated(FIRST_YEAR)
    with closing(open_ledger(where.data)) as ledger:
        rows, _, year, facts = given(ledger, perimeter, None, now)
    of_fleet = fleet(rows, perimeter, year, facts.this_month, facts.meter_u, facts.common_u)
    lang = options.lang
    found = trend.months(of_fleet, options.by, options.since or "")
    if options.since is None:
        found = found[-MONTHS_SHOWN:]
    if not found:
        since = f" since {options.since}" if options.since else ""
        raise StoreError(
            f"{where.data}: no month is over{since}; wait for the first to end, or give an "
            "earlier --since"
        )
    tty = sys.stdout.isatty()
    width = shutil.get_terminal_size((PIPED_COLUMNS, 24)).columns if tty else PIPED_COLUMNS
    labels = trend.labels(of_fleet, found, options.by, lang)
    if facts.simulated:
        print(f"*** {say(lang, 'simulated')} ***\n")
    drawn = trend.lines(found, labels, width, lang) if labels else trend.bars(found, width, lang)
    print("\n".join([*drawn, "", *trend.table(found, labels, width, lang)]))
    if any(perimeter.inventory_of(one.month).month is None for one in found):
        print(f"\n{say(lang, 'trend.no_inventory')}")
    return 0


def _month(text: str) -> str:
    try:
        return str(month_key(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no month; write 2025-01") from error
