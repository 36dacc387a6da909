"""`sobre quarantine`: what came in and may not count, with the reason of each."""

import argparse
import base64
import json
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sobre_collector.commands.collect import settings_of
from sobre_collector.rows import Quarantined
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.strict_json import shown


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre quarantine`."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    where.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder (default: ./sobre-data)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")


def run(options: argparse.Namespace) -> int:
    """List what is quarantined, oldest first."""
    config = settings_of(options.config, options.data)
    reasons: Counter[str] = Counter()
    with closing(SqliteSeries(config.data, create=False)) as series:
        for row in series.quarantined():
            reasons[row.reason] += 1
            print(json.dumps(_object(row)) if options.json else _line(row))
    if not options.json:
        print("Quarantine:", sum(reasons.values()) or "empty")
        for reason, count in reasons.most_common():
            print(f"{count:8} {shown(reason)}")
    return 0


def _line(row: Quarantined) -> str:
    when = datetime.fromtimestamp(row.received, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if row.load is None:
        return f"{when}  {row.node}  {len(row.payload or b'')} bytes  {shown(row.reason)}"
    load = row.load
    what = f"{load.device} no. {load.seq}: {load.energy_j} J in {load.span_s} s"
    return f"{when}  {row.node}  {what}  {shown(row.reason)}"


def _object(row: Quarantined) -> dict[str, Any]:
    found: dict[str, Any] = {
        "number": row.number,
        "node": row.node,
        "reason": row.reason,
        "received": row.received,
    }
    if row.load is not None:
        found |= {"stream": row.stream, "load": row.load._asdict()}
    if row.payload is not None:
        found["payload_base64"] = base64.b64encode(row.payload).decode()
    return found
