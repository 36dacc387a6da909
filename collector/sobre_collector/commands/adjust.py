"""`sobre adjust`: what changed beside the users, signed by a role and kept for ever."""

import argparse
import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, date, datetime
from hashlib import file_digest
from pathlib import Path

from sobre_collector.commands.option_values import add_place
from sobre_collector.indicators.adjustments import Entry, Slope, in_force
from sobre_collector.report.source import LEDGER, place
from sobre_collector.store.adjustments import Recorded
from sobre_collector.store.ledger import Ledger
from sobre_drivers.errors import ConfigError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre adjust` and of what it can do."""
    add_place(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="what is recorded, oldest first")
    listed.add_argument("--json", action="store_true", help="print one JSON object per line")
    add = actions.add_parser("add", help="record kWh that the reference situation gains or loses")
    add.add_argument("--kwh", type=float, required=True, help="kWh added to the adjusted baseline")
    add.add_argument("--u-kwh", type=float, required=True, help="standard uncertainty (k = 1)")
    add.add_argument(
        "--kind",
        choices=("non-routine", "perimeter"),
        default="non-routine",
        help="perimeter: an entity that joined or left, before the user factor",
    )
    weather = actions.add_parser("weather", help="record a use that follows the degree-days")
    weather.add_argument("--site", required=True, help="whose degree-days")
    weather.add_argument("--base-c", type=float, required=True, help="base temperature, °C")
    weather.add_argument("--slope-kwh", type=float, required=True, help="kWh per degree-day")
    weather.add_argument("--u-slope-kwh", type=float, required=True, help="its u (k = 1)")
    for action in (add, weather):
        action.add_argument("name", metavar="NAME", help="a short name, once")
        action.add_argument("--from", dest="on", required=True, metavar="DAY", help="acts from")
        action.add_argument("--until", metavar="DAY", help="its last day (default: for good)")
        action.add_argument("--replaces", metavar="NAME", help="the row that this one corrects")
    withdraw = actions.add_parser("withdraw", help="take a row back; both stay in the ledger")
    withdraw.add_argument("name", metavar="NAME", help="the row to take back")
    for action in (add, weather, withdraw):
        action.add_argument("--reason", required=True, metavar="TEXT", help="why")
        action.add_argument("--document", type=Path, metavar="FILE", help="evidence; it is hashed")
        action.add_argument("--evidence", metavar="TEXT", help="evidence that is no file here")
        action.add_argument("--approver", required=True, metavar="ROLE", help="who signed: a role")
        action.add_argument("--approved-on", required=True, metavar="DAY", help="when")


def run(options: argparse.Namespace) -> int:
    """Do what is asked; ConfigError for a row that an auditor would not take."""
    path = place(options.config, options.data).data / LEDGER
    if options.action == "list":
        with closing(Ledger(path, readonly=True)) as ledger:
            _list(ledger.adjustments.recorded(), options.json)
        return 0
    entry = _MAKE[options.action](options)
    with closing(Ledger(path, create=False)) as ledger:
        recorded = ledger.adjustments.add(entry, int(time.time()))
    print(_line(recorded, ""))
    return 0


def _added(options: argparse.Namespace) -> Entry:
    return Entry(
        options.name,
        options.kind,
        options.kwh,
        options.u_kwh,
        options.on,
        options.reason,
        *_evidence(options),
        options.approver,
        options.approved_on,
        options.replaces,
        options.until,
    )


def _weather(options: argparse.Namespace) -> Entry:
    return Entry(
        options.name,
        "weather",
        0.0,
        0.0,
        options.on,
        options.reason,
        *_evidence(options),
        options.approver,
        options.approved_on,
        options.replaces,
        options.until,
        Slope(options.site, options.base_c, options.slope_kwh, options.u_slope_kwh),
    )


def _withdrawn(options: argparse.Namespace) -> Entry:
    return Entry(
        f"{options.name} withdrawn",
        "withdrawn",
        0.0,
        0.0,
        options.approved_on,
        options.reason,
        *_evidence(options),
        options.approver,
        options.approved_on,
        options.name,
    )


_MAKE: dict[str, Callable[[argparse.Namespace], Entry]] = {
    "add": _added,
    "weather": _weather,
    "withdraw": _withdrawn,
}


def _evidence(options: argparse.Namespace) -> tuple[str, str]:
    """What is named, and the hash of the file if it is one."""
    said = options.evidence or ""
    if options.document is None:
        return said, ""
    try:
        with options.document.open("rb") as file:
            hashed = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(
            f"--document {options.document}: cannot be read ({error.strerror}); name the file, or "
            "say with --evidence where the evidence is"
        ) from error
    # Its folder is this machine's business, and would be kept for ever.
    return ", ".join(part for part in (said, options.document.name) if part), hashed


def _list(recorded: list[Recorded], as_json: bool) -> None:
    counting = {entry.name for entry in in_force([each.entry for each in recorded])}
    replaced_by = {each.entry.replaces: each.number for each in recorded if each.entry.replaces}
    for each in recorded:
        entry = each.entry
        if as_json:
            content = {**asdict(entry), "number": each.number, "at": each.at}
            content |= {"sha256": each.sha256, "in_force": entry.name in counting}
            print(json.dumps(content, ensure_ascii=False))
        else:
            number = replaced_by.get(entry.name)
            print(_line(each, "" if number is None else f"; replaced by {number}"))
    if not recorded and not as_json:
        print("nothing is recorded")


def _line(each: Recorded, more: str) -> str:
    entry = each.entry
    if entry.slope is not None:
        s = entry.slope
        what = (
            f"{s.slope_kwh:+g} ± {s.u_slope_kwh:g} kWh per degree-day above {s.base_c:g} °C at "
            f"{s.site}"
        )
    elif entry.kind == "withdrawn":
        what = f"takes back {entry.replaces}"
    else:
        what = f"{entry.kwh:+,.0f} ± {entry.u_kwh:,.0f} kWh ({entry.kind})"
    until = f" to {entry.until}" if entry.until else ""
    hashed = f" (sha256 {entry.evidence_sha256[:12]}…)" if entry.evidence_sha256 else ""
    recorded_on: date = datetime.fromtimestamp(each.at, UTC).date()
    return (
        f"{each.number}  {entry.name}: {what}, from {entry.on}{until}; {entry.reason}; "
        f"{entry.evidence}{hashed}; {entry.approver}, {entry.approved_on}; recorded "
        f"{recorded_on}{more}"
    )
