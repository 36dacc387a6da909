"""`sobre datacentre`: PUE by room with its category, racks, and outlets that idle."""

import argparse
import json
from contextlib import closing
from datetime import UTC, datetime

from sobre_collector.commands.section_options import add_options, show
from sobre_collector.idle import IDLE_JOB
from sobre_collector.report.notation import number
from sobre_collector.report.source import open_ledger, place
from sobre_collector.report.wording import say
from sobre_drivers.errors import StoreError


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre datacentre` and of what it can do."""
    add_options(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("outlets", help="outlets below 8 W for 60 days, by name")


def run(options: argparse.Namespace) -> int:
    """Print the report's section on rooms, or the outlets that idle."""
    if options.action != "outlets":
        return show(options, "datacentre", "say what measures your rooms (files.rooms)")
    with closing(open_ledger(place(options.config, options.data).data)) as ledger:
        notes = [job.result for job in ledger.jobs() if job.job == IDLE_JOB]
    if not notes:
        raise StoreError("idle outlets: nobody has looked yet; the collector looks once a week")
    found = json.loads(notes[-1])
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    idle, lang = found["outlets"], options.lang
    print(say(lang, "outlets.idle", n=len(idle), seen=found["seen"], last=found["last"]))
    for each in idle:
        what = say(lang, "outlets.nothing")
        if each["drawing"]:
            what = say(lang, "outlets.kwh", kwh=number(each["kwh_per_year"], lang))
        watts = number(each["mean_w"], lang, 1)
        print(f"  {each['node']}/{each['device']:<40} {watts:>6} W  {what}")
    today = datetime.now(UTC).date()
    if (today - datetime.fromisoformat(found["last"]).date()).days > 14:
        print(say(lang, "outlets.old"))
    return 0
