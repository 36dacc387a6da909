"""`sobre calibration`: what plugs said of single PCs, and the factor of their class."""

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from sobre_collector.calibrated import model_version, modelled
from sobre_collector.commands.collect import perimeter_of, settings_of
from sobre_collector.commands.option_values import add_place
from sobre_collector.indicators.calibration import Applied, ClassFactor, class_factor
from sobre_collector.months import month_after
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.tables import month as month_text
from sobre_collector.store.calibrations import Decided, Measured
from sobre_collector.store.ledger import Ledger
from sobre_drivers.calendar import local_day
from sobre_drivers.comparison import Comparison, decode
from sobre_drivers.errors import ConfigError, WireError
from sobre_drivers.load import CLASSES
from sobre_drivers.strict_json import shown

MAX_BYTES = 4096


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre calibration` and of what it can do."""
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add = actions.add_parser("add", help="record files that `sobre-agent calibrate` wrote")
    add.add_argument("files", type=Path, metavar="FILE", nargs="+")
    add.add_argument("--by", required=True, metavar="ROLE", help="who records: a role")
    apply = actions.add_parser("apply", help="let the factor of a class hold from a month on")
    apply.add_argument("device_class", metavar="CLASS", choices=CLASSES)
    apply.add_argument(
        "--from", dest="from_month", metavar="MONTH", help="such as 2026-11 (default: the next)"
    )
    apply.add_argument("--by", required=True, metavar="ROLE", help="who decides: a role")
    apply.add_argument("--why", required=True, metavar="TEXT", help="why, for the audit")
    apply.add_argument("--dry-run", action="store_true", help="only say what it would be")


def run(options: argparse.Namespace) -> int:
    """List what is recorded, or do what is asked with it."""
    config = settings_of(options.config, options.data)
    perimeter = perimeter_of(config)
    now = int(time.time())
    with closing(Ledger(config.data / "ledger.db", create=False)) as ledger:
        if options.action == "add":
            # All files are read before the first is recorded.
            found = [_read(path) for path in options.files]
            for comparison in found:
                _print_measured([ledger.calibrations.add(comparison, options.by, now)], options)
        elif options.action == "apply":
            _apply(options, ledger, perimeter, now)
        else:
            _print_measured(ledger.calibrations.sessions(), options)
            _print_decided(ledger.calibrations.decided(), options)
    return 0


def _read(path: Path) -> Comparison:
    try:
        with path.open("rb") as file:
            payload = file.read(MAX_BYTES + 1)
        found = decode(payload)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name another") from error
    except WireError as error:
        raise ConfigError(f"{path}: {error}") from error
    if model_version(found.method) is None:
        raise ConfigError(f"{path}: method {shown(found.method)} is no model; nothing to calibrate")
    return found


def _apply(options: argparse.Namespace, ledger: Ledger, perimeter: Perimeter, now: int) -> None:
    name = options.device_class
    sessions = [
        each for each in ledger.calibrations.sessions() if each.comparison.device_class == name
    ]
    if not sessions:
        raise ConfigError(f"{name}: no PC was calibrated; `sobre calibration add` records them")
    newest = max(model_version(each.comparison.method) or 0 for each in sessions)
    used = [each for each in sessions if model_version(each.comparison.method) == newest]
    factor = class_factor([each.comparison for each in used])
    print(_said(factor))
    if len(used) < len(sessions):
        print(f"{len(sessions) - len(used)} sessions are of an older model and take no part")
    u_ratio = factor.u_ratio
    if u_ratio is None:
        raise ConfigError(
            f"{name}: one PC cannot tell how PCs differ, so there is no interval and nothing is "
            "applied; calibrate a second one at least (`sobre plan-calibration` says how many)"
        )
    this_month = local_day(now, perimeter.timezone).isoformat()[:7]
    from_month = _month(options.from_month) if options.from_month else month_after(this_month)
    devices = [each for each in ledger.devices().values() if each.device_class == name]
    others = [each for each in devices if not modelled(each)]
    older = sum(modelled(each) and model_version(each.method) != newest for each in devices)
    if older:
        print(f"{older} of {len(devices)} devices of the class run another version of the model")
    closed = sorted(month for month in ledger.closed_months() if month >= from_month)
    if closed:
        print(_of_closed(closed, len(others)))
    applied = Applied(0, name, from_month, factor.factor_ratio, u_ratio, not others)
    decided = Decided(now, options.by, options.why, tuple(each.number for each in used), applied)
    if options.dry_run:
        print(f"would hold from {from_month}; nothing was decided")
        return
    _print_decided([ledger.calibrations.decide(decided)], options)


def _of_closed(closed: Sequence[str], others: int) -> str:
    span = f"{closed[0]} to {closed[-1]}" if len(closed) > 1 else closed[0]
    if others:
        return (
            f"{span}: closed, and stay as they are, since {others} devices of the class have a "
            "meter and a closed month does not tell their estimates from the model's"
        )
    return f"{span}: closed; they count with the factor and carry its number from now on"


def _month(text: str) -> str:
    try:
        return month_text(text)
    except ValueError as error:
        raise ConfigError(f"--from {shown(text)}: {error}") from error


def _said(factor: ClassFactor) -> str:
    interval = factor.interval()
    counted = f"{factor.sessions_n} PC{'s' if factor.sessions_n > 1 else ''}"
    if interval is None or factor.spread_ratio is None:
        return f"{factor.device_class}: {factor.factor_ratio:.3f} from {counted}, no interval"
    low, high = interval
    return (
        f"{factor.device_class}: {factor.factor_ratio:.3f} ({low:.3f} to {high:.3f}, 95 %) from "
        f"{counted}, which differ by {factor.spread_ratio:.0%} (k = 1)"
    )


def _print_measured(rows: Iterable[Measured], options: argparse.Namespace) -> None:
    for each in rows:
        one = each.comparison
        if options.json:
            fields = {"kind": "session", "number": each.number, "at": each.at, "by": each.by}
            print(json.dumps({**fields, **asdict(one)}))
            continue
        print(
            f"{each.number:>5}  {one.day}  {one.device_class}  {one.factor_ratio:.3f} "
            f"(± {2 * one.se_ratio:.1%} within)  {one.model_w:.1f} W by model, {one.plug_w:.1f} W "
            f"at the plug, {one.hours:.0f} h; {shown(one.processor)}, {shown(one.method)}; "
            f"by {shown(each.by)}"
        )


def _print_decided(rows: Iterable[Decided], options: argparse.Namespace) -> None:
    for each in rows:
        one = each.applied
        if options.json:
            print(json.dumps({"kind": "factor", **asdict(each)}))
            continue
        when = datetime.fromtimestamp(each.at, tz=UTC).date()
        print(
            f"{one.number:>5}  {when}  {one.device_class}  × {one.factor_ratio:.3f} "
            f"(u {one.u_ratio:.1%}) from {one.from_month} on, of sessions "
            f"{', '.join(map(str, each.sessions))}; by {shown(each.by)}: {shown(each.why)}"
        )
