"""`sobre`: the one place where a command is chosen and an error becomes an exit code."""

import argparse
import copy
import functools
import importlib
import logging
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from sobre_drivers.errors import ConfigError, SobreError

# Each module has arguments(parser) and run(args), and is imported when its command is asked for.
COMMANDS = {
    "up": "the whole line on this one machine",
    "collect": "take in loads and run the jobs",
    "quarantine": "what came in and may not count",
    "serve": "the page",
    "report": "the reduction, with its interval and its evidence",
    "explain": "a figure with its inputs, formula and numbers",
    "trend": "how consumption went, drawn in the terminal",
    "adjust": "what changed beside the users, signed and kept for ever",
    "import-glpi": "inventory and head-count from GLPI, as counts only",
    "publish": "freeze a year's result with all that it was computed from",
    "recompute": "compute a published result again, to the last bit",
    "check": "find every mistake in configuration and store",
    "doctor": "find what keeps the collector from working",
    "influx": "prepare the InfluxDB that the settings name",
    "migrate": "copy the series from SQLite to InfluxDB or back, and prove it",
    "waste": "what runs out of hours, and what has to stay on",
    "printers": "running hours, pages, thresholds of states, and what a schedule would save",
    "datacentre": "PUE by room, racks, and outlets that idle",
    "carbon": "what the electricity emitted, the grid's effect apart",
    "simulate": "make a fleet with a known truth",
    "estimate": "a first energy per year from an inventory alone",
    "plan-sample": "how many agents, and where, buy which interval",
    "plan-calibration": "how many plugs, and where, buy how many points",
    "calibration": "what plugs said of PCs, and the factor of their class",
}


class _Parser(argparse.ArgumentParser):
    """Help of a fixed width: asking the terminal would load compression libraries (0.4 MB)."""

    def __init__(self, *words: Any, **options: Any) -> None:
        formatter = functools.partial(argparse.HelpFormatter, width=100)
        super().__init__(*words, **{"formatter_class": formatter, **options})


def parser(chosen: str | None = None) -> argparse.ArgumentParser:
    """The command line; only the `chosen` command's own options are loaded (all if None)."""
    top = _Parser(prog="sobre", description="Energy of workstations and the datacentre.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in COMMANDS.items():
        sub = commands.add_parser(name, help=help_text, description=help_text)
        if chosen in (None, name):
            _module(name).arguments(sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 it failed, 2 usage or configuration."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in words if word in COMMANDS), "")
    top = parser(chosen)
    _follow(top)
    options = top.parse_args(words)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
    try:
        return int(_module(options.command).run(options))
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    except SobreError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _follow(above: argparse.ArgumentParser) -> None:
    """Let a command's options also stand after its action, where one looks for them."""
    for actions in [a for a in above._actions if isinstance(a, argparse._SubParsersAction)]:
        for below in actions.choices.values():
            groups = [
                below.add_mutually_exclusive_group() for _ in above._mutually_exclusive_groups
            ]
            for option in above._actions:
                names = option.option_strings
                if not names or any(name in below._option_string_actions for name in names):
                    continue
                again = copy.copy(option)
                # Not given here it says nothing, so that what stands before the action holds.
                again.default, again.help = argparse.SUPPRESS, argparse.SUPPRESS
                holder = below
                for group, known in zip(groups, above._mutually_exclusive_groups, strict=True):
                    if option in known._group_actions:
                        holder = group
                holder._add_action(again)
            _follow(below)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"sobre_collector.commands.{name.replace('-', '_')}")
