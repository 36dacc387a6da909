"""`sobre-agent meters`: the models that are known, what one shows now, and what is wrong."""

import argparse
import json
from contextlib import closing
from pathlib import Path
from typing import Any

from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog

UNCONFIRMED = "unconfirmed"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters`, and of each thing that it does."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listed = actions.add_parser("list", help="the models that are known, and how sure we are")
    read = actions.add_parser("read", help="ask one meter now, and show what it says")
    check = actions.add_parser("check", help="find every mistake in a profile")
    read.add_argument("--profile", required=True, help="model, as `meters list` names it")
    read.add_argument("--host", required=True, help="name or address of the meter")
    read.add_argument("--port", type=int, default=502, help="TCP port of Modbus (502)")
    read.add_argument("--unit-id", type=int, default=1, help="Modbus unit behind it (1)")
    read.add_argument("--timeout-s", type=float, default=3.0, help="longest wait in s (3)")
    read.add_argument("--device", default="meter", help="name to show it under (meter)")
    check.add_argument("file", type=Path, metavar="FILE")
    for each in (listed, read):
        each.add_argument("--profiles-folder", type=Path, help="folder with profiles of your own")
    for each in (parser, listed, read):
        # The option may stand before or behind the action, and the action may be left out.
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Exit code: 0 done, 1 the meter could not be read (2, a wrong file, is the caller's)."""
    as_json = getattr(options, "json", False)
    if options.action == "read":
        return _read(options, as_json)
    if options.action == "check":
        return _check(options.file)
    return _list(getattr(options, "profiles_folder", None), as_json)


def _list(folder: Path | None, as_json: bool) -> int:
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for name, path in catalog.paths(folder).items():
        try:
            model = catalog.about(path)
        except ConfigError as error:
            problems += error.problems
            continue
        rows.append(
            {
                "profile": name,
                "protocol": model.protocol,
                "maker": model.maker,
                "model": model.model,
                "confirmed": model.confirmed,
                "measures": model.measures,
                "devices": model.devices,
                "source": model.source,
                "note": model.note,
            }
        )
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        _print_models(rows)
    if problems:
        raise ConfigError(*problems)
    return 0


def _print_models(rows: list[dict[str, Any]]) -> None:
    heads = ("profile", "protocol", "maker", "model", "confirmed", "measures")
    wide = [max(len(str(row[head])) for row in [*rows, {h: h for h in heads}]) for head in heads]
    for row in [{head: head for head in heads}, *rows]:
        cells = (str(row[head]).ljust(width) for head, width in zip(heads, wide, strict=True))
        print("  ".join(cells).rstrip())
    unsure = sum(row["confirmed"] == UNCONFIRMED for row in rows)
    if unsure:
        print(f"\n{UNCONFIRMED} ({unsure}): one source only; compare with the meter's own display.")


def _read(options: argparse.Namespace, as_json: bool) -> int:
    try:
        # Nothing is settled here, so that any bound on power will do.
        meter = Meter(
            device=options.device,
            profile=options.profile,
            host=options.host,
            port=options.port,
            unit_id=options.unit_id,
            rated_w=1.0,
            timeout_s=options.timeout_s,
        )
    except ValueError as error:
        raise ConfigError(f"meters read: {error}") from error
    with closing(catalog.driver_for(meter, options.profiles_folder)) as driver:
        values = driver.shown()
    if as_json:
        print(json.dumps([value._asdict() for value in values], indent=1))
        return 0
    wide_device = max(len(value.device) for value in values)
    wide_name = max(len(value.name) for value in values)
    for device, name, value, unit in values:
        told = f"{value:.10g} {unit}" if isinstance(value, float) else value or "not said"
        print(f"{device:{wide_device}}  {name:{wide_name}}  {told}".rstrip())
    return 0


def _check(path: Path) -> int:
    model = catalog.about(path)
    print(f"{path}: {model.maker} {model.model}, {model.confirmed}: no mistake found")
    return 0
