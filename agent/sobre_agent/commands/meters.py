"""`sobre-agent meters`: known models, and all that puts a meter into service."""

import argparse
import importlib
from types import ModuleType

from sobre_agent.commands import meters_list

# Each module has arguments(parser) and run(options, as_json).
ACTIONS = {
    "list": "the models that are known, and how sure we are",
    "read": "ask one meter now, show what it says, and whether that can be",
    "scan": "find what answers on a bus, a host or a range",
    "capture": "record what a meter sends, masked, for a report or a new profile",
    "check": "find every mistake in a profile",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters`, and of each thing that it does."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    # The option may stand before or behind the action, and the action may be left out.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    for name, help_text in ACTIONS.items():
        each = actions.add_parser(name, help=help_text, description=help_text)
        _module(name).arguments(each)
        each.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Exit code: as the action says; 2, for wrong usage or files, is the caller's."""
    as_json = getattr(options, "json", False)
    if options.action is None:
        return meters_list.run(options, as_json)
    return int(_module(options.action).run(options, as_json))


def _module(action: str) -> ModuleType:
    return importlib.import_module(f"sobre_agent.commands.meters_{action}")
