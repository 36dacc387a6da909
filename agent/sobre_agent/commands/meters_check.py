"""`sobre-agent meters check`: every mistake in a profile, with file, line and key."""

import argparse
from pathlib import Path

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import capture_file, capturing, plausible, stated
from sobre_drivers.meters.commissioning.places import placed
from sobre_drivers.settings import read_toml

# What stands in a configuration of an agent, and in no profile.
_CONFIGURATION = {"organisation", "site", "meters", "mqtt"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters check`."""
    parser.add_argument(
        "--capture", type=Path, metavar="CAPTURE", help="read it with the profile, and compare"
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the profile, a TOML file")


def run(options: argparse.Namespace, as_json: bool) -> int:
    """Exit code: 0 no mistake, 1 a capture is read otherwise (2, for mistakes, is the caller's)."""
    path: Path = options.file
    if _CONFIGURATION & read_toml(path).keys():
        raise ConfigError(f"{path}: a configuration, no profile; `sobre-agent check` reads those")
    try:
        model = catalog.about(path)
    except ConfigError as error:
        text = path.read_text("utf-8", "replace")
        raise ConfigError(*(placed(each, str(path), text) for each in error.problems)) from error
    print(f"{path}: {model.maker} {model.model}, {model.confirmed}: no mistake found")
    return 0 if options.capture is None else _compared(path, options.capture)


def _compared(path: Path, capture: Path) -> int:
    """What the profile reads from a capture, beside what it should."""
    captured = capture_file.load(capture)
    meter, readings, shown = capturing.replay(path.stem, path.parent, captured)
    for value, verdict in zip(shown, plausible.verdicts(shown, {}), strict=True):
        told = "not said" if value.value is None else f"{value.value} {value.unit}".rstrip()
        name = f"{value.device.removeprefix(meter.device).lstrip('/')} {value.name}".strip()
        print(f"  {name}: {told}{'  ' + verdict.finding if verdict.finding else ''}")
    found = stated.differences(captured.expected, meter.device, readings, shown)
    for line in found:
        print(f"{capture}: {line}")
    if not captured.expected:
        print(f"{capture}: expects nothing; state what the display showed under 'expected'")
    elif not found:
        print(f"{capture}: read as expected")
    return 1 if found else 0
