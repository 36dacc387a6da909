"""`sobre-agent meters list`: the models that are known, and how sure we are of each."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from sobre_agent.commands import meters_options
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog

UNCONFIRMED = "unconfirmed"
_LEAST_MODEL = 16


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters list`."""
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="only models in which each of these occurs"
    )
    parser.add_argument("--protocol", choices=catalog.PROTOCOLS, help="only models of this one")
    meters_options.folder(parser)


def run(options: argparse.Namespace, as_json: bool) -> int:
    """Exit code: 0 listed, 1 nothing fits (2, a wrong file, is the caller's)."""
    folder = getattr(options, "profiles_folder", None)
    rows, problems = _rows(folder)
    words = [word.casefold() for word in getattr(options, "words", ())]
    protocol = getattr(options, "protocol", None)
    chosen = [
        row
        for row in rows
        if protocol in (None, row["protocol"]) and all(word in _text(row) for word in words)
    ]
    if as_json:
        print(json.dumps(chosen, indent=1, ensure_ascii=False))
    elif chosen:
        _print(chosen)
    else:
        print(f"none of {len(rows)} models fits; name fewer words, or `sobre-agent meters list`")
    if problems:
        raise ConfigError(*problems)
    return 0 if chosen else 1


def _rows(folder: Path | None) -> tuple[list[dict[str, Any]], list[str]]:
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
    return rows, problems


def _text(row: dict[str, Any]) -> str:
    return " ".join(str(row[key]) for key in ("profile", "protocol", "maker", "model")).casefold()


def _print(rows: list[dict[str, Any]]) -> None:
    """A table by protocol that fits the terminal: a model's name is cut, nothing else is."""
    by_protocol: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_protocol.setdefault(row["protocol"], []).append(row)
    wide = max(len(row["profile"]) for row in rows)
    left = max(_LEAST_MODEL, shutil.get_terminal_size().columns - wide - 27)
    for protocol in (each for each in catalog.PROTOCOLS if each in by_protocol):
        print(f"{protocol}:")
        for row in by_protocol[protocol]:
            sure = row["confirmed"]
            model = f"{row['maker']} {row['model']}"
            model = model if len(model) <= left else model[: left - 1] + "…"
            print(f"  {row['profile']:{wide}}  {sure:11}  {row['measures']:8}  {model}".rstrip())
        print()
    unsure = sum(row["confirmed"] == UNCONFIRMED for row in rows)
    print(f"{len(rows)} models. capture: tried against what a real one sent.")
    if unsure:
        print(f"{UNCONFIRMED} ({unsure}): one source only; compare with the meter's own display.")
    print("One that is not here takes a TOML file and no Python: drivers/README.md")
