"""`sobre-agent check`: every mistake in the configuration, found before anything is connected."""

import argparse
import json
import sys
from pathlib import Path

from sobre_agent import config as agent_config
from sobre_agent import preflight
from sobre_agent.config import AgentConfig
from sobre_agent.sources import node_of
from sobre_drivers.errors import ConfigError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=agent_config.DEFAULT_PATH,
        metavar="FILE",
        help="the agent's configuration (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")


def run(args: argparse.Namespace) -> int:
    problems, warnings = found(args.config)
    if args.json:
        print(json.dumps({"file": str(args.config), "problems": problems, "warnings": warnings}))
    else:
        for line in problems:
            print(line, file=sys.stderr)
        for line in warnings:
            print(f"warning: {line}", file=sys.stderr)
        if not problems:
            print(f"{args.config}: no mistake found")
    return 2 if problems else 0


def found(path: Path) -> tuple[list[str], list[str]]:
    """The mistakes in a configuration, and what works but should be known."""
    try:
        config = agent_config.load(path)
    except ConfigError as error:
        return list(error.problems), []
    problems = preflight.problems(config) or [*_name(config), *_tls(config)]
    return (
        [f"{path}: {problem}" for problem in problems],
        [f"{path}: {warning}" for warning in preflight.warnings(config)],
    )


def _name(config: AgentConfig) -> list[str]:
    """Whether the node has a name, or one can be derived."""
    try:
        node_of(config)
    except ConfigError as error:
        return list(error.problems)
    return []


def _tls(config: AgentConfig) -> list[str]:
    """Whether certificate and key belong together, found by loading them as a delivery would."""
    if not config.mqtt.encrypted:
        return []
    from sobre_agent.mqtt import tls_context

    try:
        tls_context(config.mqtt)
    except (OSError, ValueError) as error:
        return [f"mqtt: the certificates cannot be used ({error}); see ca_file, certificate_file"]
    return []
