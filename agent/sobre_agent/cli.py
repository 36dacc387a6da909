"""`sobre-agent`: the one place where a command is chosen and an error becomes an exit code."""

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sobre_drivers.errors import ConfigError, SobreError

if TYPE_CHECKING:
    import argparse

# Each module has arguments(parser) and run(args), and is imported when its command is asked for.
COMMANDS = {
    "run": "sample, settle and deliver until stopped",
    "once": "read everything once and print what would be sent",
    "me": "what this PC used: today, this week, this year",
    "check": "find every mistake in the configuration",
    "doctor": "find what keeps this agent from working",
    "calibrate": "compare this PC's estimate with the plug that feeds it",
    "meters": "the meter models that are known, and how sure we are",
}


# Where every Linux has them (PEP 615 calls it PYTHONTZPATH).
ZONES = "/usr/share/zoneinfo"


def parser(chosen: str | None = None) -> "argparse.ArgumentParser":
    """The command line; only the `chosen` command's own options are loaded (all if None)."""
    import argparse

    top = argparse.ArgumentParser(
        prog="sobre-agent", description="What this PC, or the meters it reads, used."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help_text in COMMANDS.items():
        sub = commands.add_parser(name, help=help_text, description=help_text)
        if chosen in (None, name):
            _module(name).arguments(sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 it failed, 2 usage or configuration."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
        if _runs_plainly(words):
            _name_time_zones()
            from sobre_agent.commands.run import sampled

            return sampled(Path(words[-1]) if words[1:] else None)
        chosen = next((word for word in words if word in COMMANDS), "")
        options = parser(chosen).parse_args(words)
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


def _runs_plainly(words: Sequence[str]) -> bool:
    """Whether this is `run`, as services say it: then nothing must stay that parses options."""
    return words[:1] == ["run"] and (
        len(words) == 1 or (len(words) == 3 and words[1] == "--config" and words[2][:1] != "-")
    )


def _name_time_zones() -> None:
    """Say where time zones are, so that Python need not look it up.

    It would load its whole build configuration for that, and keep it: 0.1 to 0.2 MiB.
    """
    if os.access(ZONES, os.X_OK):
        os.environ.setdefault("PYTHONTZPATH", ZONES)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"sobre_agent.commands.{name}")
