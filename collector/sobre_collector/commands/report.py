"""`sobre report`: the reduction on a terminal, as JSON, or as files."""

import argparse
import gc
import sys
from datetime import UTC, datetime
from pathlib import Path

from sobre_collector.commands.option_values import add_place, add_year
from sobre_collector.report.as_json import as_json
from sobre_collector.report.csv_files import csv_files
from sobre_collector.report.html_file import html_file
from sobre_collector.report.machine_csv import machine_files
from sobre_collector.report.model import Report
from sobre_collector.report.open_data import FILE, data_package
from sobre_collector.report.result_csv import result_files
from sobre_collector.report.source import load_report, place
from sobre_collector.report.summary import summary
from sobre_collector.report.wording import LANGUAGES
from sobre_drivers.errors import StoreError

HTML = {"fr": "rapport.fr.html", "en": "report.en.html"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre report`."""
    add_place(parser)
    add_year(parser)
    parser.add_argument("--json", action="store_true", help="print the whole report as JSON")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write HTML, CSV and datapackage.json there"
    )
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language on the terminal")


def run(options: argparse.Namespace) -> int:
    """Compute the report and show it; exit code 1 if there is nothing to report from."""
    now = datetime.now(UTC)
    where = place(options.config, options.data)
    # One pass that drops nothing before it ends: looking for cycles would find none, at a cost.
    gc.disable()
    try:
        found = load_report(where, options.year, now)
    finally:
        gc.enable()
    if found.empty:
        raise StoreError(
            f"{where.data}: no complete month up to {found.period.year}; wait for the first to "
            "end, or choose another --year"
        )
    if options.out is not None:
        for path in write(found, options.out):
            print(path, file=sys.stderr if options.json else sys.stdout)
    if options.json:
        print(as_json(found))
    elif options.out is None:
        print(summary(found, options.lang))
    return 0


def write(found: Report, folder: Path) -> list[Path]:
    """Write the report's files; StoreError if the folder does not take them."""
    contents = {HTML[lang]: html_file(found, lang) for lang in LANGUAGES}
    contents |= csv_files(found) | machine_files(found) | result_files(found)
    contents[FILE] = data_package(found, contents)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            path = folder / name
            path.write_text(content, "utf-8", newline="")
            written.append(path)
    except OSError as error:
        raise StoreError(f"{folder}: {error}; choose a folder that can be written") from error
    return written
