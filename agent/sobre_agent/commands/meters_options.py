"""Where a meter is and who may read it, as options, or as a table of a configuration.

Secrets are named by their files: a command line is seen by everybody on the machine.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from sobre_agent import config as agent_config
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.look import ANY_W
from sobre_drivers.meters.configured import Login, SerialLine, SnmpAccess

_SERIAL = ("baud_rate", "parity", "stop_bits")
_SNMP = (
    "version",
    "community_file",
    "user",
    "authentication",
    "authentication_file",
    "privacy",
    "privacy_file",
    "context",
)
_LOGIN = ("username", "password_file", "ca_file")
_PLAIN = ("host", "port", "serial_port", "topic", "unit_id", "framing", "rated_w", "timeout_s")


def profile(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Which meter: a profile, or one of a configuration."""
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("--profile", metavar="NAME", help="model, as `meters list` names it")
    which.add_argument(
        "--config", type=Path, metavar="FILE", help="take the meter from this configuration"
    )
    parser.add_argument(
        "--device",
        metavar="NAME",
        help="which meter of --config; otherwise a name to show it under",
    )
    folder(parser)


def folder(parser: argparse.ArgumentParser) -> None:
    """Where profiles of one's own are."""
    parser.add_argument(
        "--profiles-folder", type=Path, metavar="FOLDER", help="folder with profiles of your own"
    )


def address(parser: argparse.ArgumentParser) -> None:
    """How one meter is reached."""
    parser.add_argument("--host", help="name or address of the meter, or of its MQTT broker")
    parser.add_argument("--topic", help="MQTT topic under which it publishes")
    parser.add_argument("--unit-id", type=int, metavar="N", help="Modbus unit, or place in a chain")
    parser.add_argument("--rated-w", type=float, metavar="W", help="its greatest plausible power")
    parser.add_argument(
        "--outlets", type=int, nargs="+", metavar="N", help="only these outlets (all)"
    )
    line(parser)
    snmp(parser)
    parser.add_argument("--username", help="who reads, where the meter asks")
    parser.add_argument("--password-file", type=Path, metavar="FILE")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="authority of its certificate")


def line(parser: argparse.ArgumentParser) -> None:
    """A port of a host, or a serial port and how it is set."""
    parser.add_argument("--port", type=int, metavar="N", help="port, where it is not the usual one")
    parser.add_argument("--serial-port", metavar="PATH", help="serial adapter, not --host")
    parser.add_argument("--baud-rate", type=int, metavar="BD")
    parser.add_argument("--parity", choices=("none", "even", "odd"))
    parser.add_argument("--stop-bits", type=int, choices=(1, 2))
    parser.add_argument(
        "--framing", choices=("tcp", "rtu"), help="rtu: the gateway hands a serial line through"
    )
    parser.add_argument("--timeout-s", type=float, metavar="S", help="longest wait for an answer")


def snmp(parser: argparse.ArgumentParser) -> None:
    """How an SNMP agent lets us read."""
    parser.add_argument("--snmp-version", choices=("1", "2c", "3"))
    parser.add_argument("--snmp-community-file", type=Path, metavar="FILE")
    parser.add_argument("--snmp-user")
    kinds = ("none", "md5", "sha", "sha256", "sha512")
    parser.add_argument("--snmp-authentication", choices=kinds)
    parser.add_argument("--snmp-authentication-file", type=Path, metavar="FILE")
    parser.add_argument("--snmp-privacy", choices=("none", "des", "aes", "aes256"))
    parser.add_argument("--snmp-privacy-file", type=Path, metavar="FILE")
    parser.add_argument("--snmp-context")


def meter(options: argparse.Namespace, command: str) -> tuple[Meter, Path | None]:
    """The meter that is meant, and the folder of its profile; ConfigError if an option is wrong.

    Its power is any if nobody states it: for a look no bound is needed.
    """
    try:
        if options.config is not None:
            made, folder = _configured(options)
        else:
            made = raw(options, device=options.device or "meter", profile=options.profile)
            folder = options.profiles_folder
    except ValueError as error:
        raise ConfigError(f"{command}: {error}") from error
    try:
        catalog.describe(made, folder)
    except ConfigError as error:
        if made.rated_w is not None or any("rated_w is missing" not in p for p in error.problems):
            raise
        return replace(made, rated_w=ANY_W), folder
    return made, folder


def raw(options: argparse.Namespace, **more: Any) -> Meter:
    """The meter of the options alone; ValueError if they do not fit."""
    given = more | _given(options)
    return Meter(
        outlets=tuple(options.outlets or ()),
        serial=SerialLine(**_some(options, _SERIAL)),
        snmp=snmp_access(options),
        login=Login(**_some(options, _LOGIN)),
        **given,
    )


def snmp_access(options: argparse.Namespace) -> SnmpAccess:
    """How SNMP is to be spoken; ValueError if the options do not fit."""
    return SnmpAccess(**_some(options, _SNMP, "snmp_"))


def _given(options: argparse.Namespace) -> dict[str, Any]:
    return _some(options, _PLAIN)


def _some(options: argparse.Namespace, names: tuple[str, ...], before: str = "") -> dict[str, Any]:
    """The options that were given, by their names in the configuration."""
    found = {name: getattr(options, before + name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _configured(options: argparse.Namespace) -> tuple[Meter, Path | None]:
    beside = sorted(_given(options).keys() | _some(options, _SERIAL + _LOGIN).keys())
    beside += sorted(_some(options, _SNMP, "snmp_"))
    if beside or options.outlets:
        raise ValueError(
            f"{', '.join(beside) or 'outlets'}: beside --config, which says it; leave out"
        )
    config = agent_config.load(options.config)
    known = {each.device: each for each in config.meters}
    if options.device not in known:
        names = ", ".join(known) or "none"
        named = options.device or "not given"
        raise ValueError(f"device: {named}; {options.config} has {names}")
    return known[options.device], options.profiles_folder or config.profiles_folder
