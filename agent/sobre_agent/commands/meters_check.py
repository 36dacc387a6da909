"""`sobre-agent meters check`: every mistake in a profile, with file, line and key."""

import argparse
from pathlib import Path

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.places import placed
from sobre_drivers.settings import read_toml

# What stands in a configuration of an agent, and in no profile.
_CONFIGURATION = {"organisation", "site", "meters", "mqtt"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters check`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the profile, a TOML file")


def run(options: argparse.Namespace, as_json: bool) -> int:
    """Exit code: 0 no mistake (2, for every mistake, is the caller's)."""
    path: Path = options.file
    if _CONFIGURATION & read_toml(path).keys():
        raise ConfigError(f"{path}: a configuration, no profile; `sobre-agent check` reads those")
    try:
        model = catalog.about(path)
    except ConfigError as error:
        text = path.read_text("utf-8", "replace")
        raise ConfigError(*(placed(each, str(path), text) for each in error.problems)) from error
    print(f"{path}: {model.maker} {model.model}, {model.confirmed}: no mistake found")
    return 0
