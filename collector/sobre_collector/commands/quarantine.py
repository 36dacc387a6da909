"""`sobre quarantine`: what came in and may not count, why, and what is decided of it."""

import argparse
import base64
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sobre_collector.commands.collect import Lease, perimeter_of, settings_of
from sobre_collector.commands.option_values import add_place
from sobre_collector.config import CollectorConfig
from sobre_collector.conservation import check_in_words
from sobre_collector.duties import House
from sobre_collector.rows import Arrival, Key, Quarantined
from sobre_collector.rulings import ask, carry_out, counting, set_aside
from sobre_collector.store.base import Series
from sobre_collector.store.choose import open_series
from sobre_collector.store.decisions import Decision
from sobre_collector.store.ledger import Ledger
from sobre_drivers.errors import ConfigError
from sobre_drivers.strict_json import shown

# The name under which a decision is carried out where no collector runs.
BY = "quarantine"
# A running collector looks for decisions every few seconds.
CARRIED_OUT_S = 20.0
SHOWN_LOADS = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre quarantine` and of what it can do."""
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument("--node", help="only of this node")
    parser.add_argument("--reason", help="only with this reason, or one that begins so")
    parser.add_argument(
        "--since", metavar="TIME", help="only what came since, such as 2026-11-24 or 2026-11-24T09"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    show = actions.add_parser("show", help="all that is known of one row")
    show.add_argument("number", type=int, metavar="NUMBER")
    actions.add_parser("decisions", help="who decided what, when and why")
    for name, help_text in (
        ("void", "let loads count no more, wherever they stand"),
        ("readmit", "let loads count that are quarantined"),
    ):
        action = actions.add_parser(name, help=help_text, description=help_text)
        action.add_argument("number", type=int, metavar="NUMBER", nargs="*")
        action.add_argument("--by", required=True, metavar="ROLE", help="who decides: a role")
        action.add_argument("--why", required=True, metavar="TEXT", help="why, for the audit")
        action.add_argument("--dry-run", action="store_true", help="only say what is meant")
        if name == "void":
            action.add_argument("--device", metavar="DEVICE", help="loads of --node's device …")
            action.add_argument("--from", dest="begins", metavar="TIME", help="… that end after")
            action.add_argument("--until", metavar="TIME", help="… and not later than")


def run(options: argparse.Namespace) -> int:
    """List what is quarantined, oldest first, or do what is asked with it."""
    config = settings_of(options.config, options.data)
    perimeter = perimeter_of(config)
    zone = perimeter.timezone
    if options.action in ("void", "readmit"):
        # Beside a running collector we only note what is decided; it carries that out.
        with Lease(config.data) as lease, closing(_ledger(config)) as ledger:
            alone = lease.take()
            with closing(open_series(config, zone, BY, create=False)) as series:
                house = House(series, ledger, perimeter, config.keep, check_in_words)
                return _decide(options, house, alone)
    if options.action == "decisions":
        with closing(_ledger(config)) as ledger:
            _print_decisions(ledger.decisions.all(), options.json)
        return 0
    with closing(open_series(config, zone, BY, create=False)) as series:
        if options.action == "show":
            (row,) = _numbered(series, [options.number])
            print(json.dumps(_object(row), indent=2, ensure_ascii=True))
        else:
            _list(_chosen(series, options, zone), options.json)
    return 0


def _ledger(config: CollectorConfig) -> Ledger:
    return Ledger(config.data / "ledger.db", create=False)


def _decide(options: argparse.Namespace, house: House, alone: bool) -> int:
    now = int(time.time())
    loads = _meant(options, house)
    energy_j = sum(each.load.energy_j for each in loads)
    if options.dry_run:
        for each in islice(loads, SHOWN_LOADS):
            print(_load_line(each, house.perimeter.timezone))
        print(f"{len(loads)} loads, {energy_j} J; nothing was decided")
        return 0
    numbers = ask(house, options.action, loads, options.by, options.why, now)
    if alone:
        carry_out(house, now)
    deadline_s = time.monotonic() + CARRIED_OUT_S
    while house.ledger.decisions.pending() and time.monotonic() < deadline_s:
        time.sleep(0.2)
    _print_decisions(
        (each for each in house.ledger.decisions.all() if each.number in numbers), options.json
    )
    return 0


def _meant(options: argparse.Namespace, house: House) -> list[Arrival]:
    found = set_aside(_numbered(house.series, options.number), house.ledger)
    if options.action == "void" and options.device is not None:
        given = (options.node, options.begins, options.until)
        if None in given:
            raise ConfigError("--device needs --node before `void`, --from and --until after it")
        first, last = (_moment(each, house.perimeter.timezone) for each in given[1:])
        key = Key(options.node, options.device)
        found += counting(house.series, house.ledger, key, first + 1, last)
    return found


def _numbered(series: Series, numbers: Iterable[int]) -> list[Quarantined]:
    wanted = set(numbers)
    found = [row for row in series.quarantined() if row.number in wanted]
    for number in sorted(wanted - {row.number for row in found}):
        raise ConfigError(f"quarantine no. {number}: is not there; see `sobre quarantine`")
    return found


def _chosen(series: Series, options: argparse.Namespace, zone: ZoneInfo) -> Iterator[Quarantined]:
    since = 0 if options.since is None else _moment(options.since, zone)
    for row in series.quarantined():
        wanted = options.node in (None, row.node) and row.received >= since
        if wanted and row.reason.startswith(options.reason or ""):
            yield row


def _moment(text: str, zone: ZoneInfo) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no time; write 2026-11-24T09:00") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _list(rows: Iterable[Quarantined], as_json: bool) -> None:
    reasons: Counter[str] = Counter()
    for row in rows:
        reasons[row.reason] += 1
        print(json.dumps(_object(row)) if as_json else _line(row))
    if not as_json:
        print("Quarantine:", sum(reasons.values()) or "empty")
        for reason, count in reasons.most_common():
            print(f"{count:8} {shown(reason)}")


def _line(row: Quarantined) -> str:
    when = datetime.fromtimestamp(row.received, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if row.load is None:
        what = f"{len(row.payload or b'')} bytes"
    else:
        load = row.load
        what = f"{load.device} no. {load.seq}: {load.energy_j} J in {load.span_s} s"
    return f"{row.number:>6}  {when}  {row.node}  {what}  {shown(row.reason)}"


def _load_line(arrival: Arrival, zone: ZoneInfo) -> str:
    load = arrival.load
    ends = datetime.fromtimestamp(load.end, tz=zone).isoformat(" ", "minutes")
    return f"{arrival.node}  {load.device} no. {load.seq} until {ends}: {load.energy_j} J"


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


def _print_decisions(decisions: Iterable[Decision], as_json: bool) -> None:
    for each in decisions:
        if as_json:
            print(json.dumps(_decision(each), ensure_ascii=True))
            continue
        when = datetime.fromtimestamp(each.at, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        result = each.result or "not carried out yet; a running collector does it within seconds"
        what = f"{each.action} {each.loads} loads ({each.energy_j} J) of {'/'.join(each.key)}"
        print(f"{each.number:>6}  {when}  {shown(each.by)}: {what}; {shown(each.why)} → {result}")


def _decision(each: Decision) -> dict[str, Any]:
    return {
        "number": each.number,
        "at": each.at,
        "by": each.by,
        "why": each.why,
        "action": each.action,
        "node": each.key.node,
        "device": each.key.device,
        "loads": each.loads,
        "energy_j": each.energy_j,
        "result": each.result,
    }
