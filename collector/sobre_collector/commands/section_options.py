"""What the commands share that show one section of the report."""

import argparse
from datetime import UTC, datetime

from sobre_collector.commands.option_values import add_place, add_year
from sobre_collector.report.one_section import as_json, as_text, section_of
from sobre_collector.report.source import place
from sobre_collector.report.wording import LANGUAGES


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the data are, which year, and in which form."""
    add_place(parser)
    add_year(parser)
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language on the terminal")


def show(options: argparse.Namespace, name: str, lacking: str) -> int:
    """Print the section; StoreError says what is `lacking` where there is none."""
    where = place(options.config, options.data)
    report = section_of(where, name, options.year, datetime.now(UTC), lacking)
    print(as_json(report, name) if options.json else as_text(report, name, options.lang))
    return 0
