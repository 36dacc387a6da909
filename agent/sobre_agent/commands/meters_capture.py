"""`sobre-agent meters capture`: what a meter sends, masked, for a bug report or a new profile."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sobre_agent.commands import meters_options
from sobre_agent.version import VERSION
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.commissioning import capture_file, capturing, stated, targets
from sobre_drivers.meters.commissioning.capture_file import Captured
from sobre_drivers.meters.commissioning.look import ANY_W
from sobre_drivers.meters.commissioning.masking import SHORTEST, Masks
from sobre_drivers.meters.configured import MeterSettings

LISTEN_S = 30.0
TOP = 65535
_NEW = "new"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `meters capture`."""
    meters_options.profile(parser, required=False)
    meters_options.address(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="where it goes")
    parser.add_argument(
        "--values",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="as its own display shows them",
    )
    parser.add_argument(
        "--hide", type=Path, metavar="FILE", help="more that must not be in it, one a line"
    )
    parser.add_argument(
        "--registers",
        nargs="+",
        metavar="N",
        help="Modbus registers, such as 0-99, not a profile's",
    )
    parser.add_argument("--function", type=int, choices=(3, 4), default=3, help="how (3)")
    parser.add_argument(
        "--walk", nargs="+", metavar="OID", help="SNMP subtrees, not those of a profile"
    )
    parser.add_argument(
        "--listen-s", type=float, default=LISTEN_S, metavar="S", help="on a serial port, or a topic"
    )


def run(options: argparse.Namespace, as_json: bool) -> int:
    """Exit code: 0 written, 1 the meter was silent, or reads otherwise than was stated."""
    wanted = stated.expected(options.values)
    masks = Masks()
    for secret in _hidden(options.hide):
        masks.stand_in("as asked", secret)
    ways = [bool(options.registers), bool(options.walk), bool(options.profile or options.config)]
    if sum(ways) != 1:
        raise ConfigError("meters capture: name a --profile, a --config, --registers or --walk")
    if options.registers or options.walk:
        name, folder, body = _NEW, None, _raw(options, masks)
    else:
        meter, folder = meters_options.meter(options, "meters capture")
        name = meter.profile
        body = capturing.record(meter, folder, masks, options.listen_s)
    how = (
        f"sobre-agent {VERSION} meters capture, {'profile ' + name if name != _NEW else 'raw'}; "
        f"masked: {masks.masked()}; expected: {'its own display' if wanted else 'not stated yet'}"
    )
    made = Captured(name, how, body, wanted)
    capture_file.write(options.out, made, masks)
    print(f"{options.out}: written; masked: {masks.masked()}. Look through it before you send it.")
    if name == _NEW:
        print("Write a profile, then: sobre-agent meters check PROFILE --capture this file")
        return 0
    return _compared(name, folder, made)


def _compared(name: str, folder: Path | None, made: Captured) -> int:
    """What the profile reads from it, held against what was stated."""
    meter, readings, shown = capturing.replay(name, folder, made)
    found = stated.differences(made.expected, meter.device, readings, shown)
    for line in found:
        print(line)
    if not made.expected:
        print(
            "State what its display shows with --values, and it is a test: power=1410W energy=5kWh"
        )
    return 1 if found else 0


def _raw(options: argparse.Namespace, masks: Masks) -> dict[str, Any]:
    """Answers of a meter for which there is no profile."""
    try:
        meter = _placeless(options)
    except ValueError as error:
        raise ConfigError(f"meters capture: {error}") from error
    try:
        if options.walk:
            from sobre_drivers.meters.commissioning import snmp_capture

            return snmp_capture.walked(meter, options.walk, masks)
        from sobre_drivers.meters.commissioning import modbus_capture
        from sobre_drivers.meters.modbus.lines import line_for
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"meters capture: {error.name} is not installed; pip install 'sobre[meters]'"
        ) from error
    addresses = _addresses(options.registers)
    line = line_for(meter, meter.serial, {})
    try:
        return modbus_capture.ranged(line, meter, options.function, addresses, masks)
    finally:
        line.close()


def _placeless(options: argparse.Namespace) -> MeterSettings:
    return meters_options.raw(
        options, device=options.device or "meter", profile=_NEW, rated_w=ANY_W
    )


def _addresses(named: Sequence[str]) -> list[int]:
    return sorted(targets.numbers(named, 0, TOP, "registers"))


def _hidden(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read; one text a line, UTF-8") from error
    short = [line for line in lines if 0 < len(line) < SHORTEST]
    if short:
        raise ConfigError(f"{file}: {len(short)} of its texts have less than {SHORTEST} characters")
    return [line for line in lines if line]
