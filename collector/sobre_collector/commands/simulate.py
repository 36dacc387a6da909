"""`sobre simulate`: a fleet with a known truth, in a store of its own."""

import argparse
import sys
from datetime import date
from pathlib import Path

from sobre_collector.progress import Bar
from sobre_collector.simulate.feed import Plan, simulate
from sobre_drivers.errors import ConfigError

_DEFAULT = Plan(Path())


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sobre simulate`."""
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="an empty folder for the fleet's store",
    )
    add("--seed", type=int, default=_DEFAULT.seed, help="the same seed makes the same fleet")
    add(
        "--start", default=str(_DEFAULT.first), help="first day, a 1 January (default: %(default)s)"
    )
    add("--end", default=str(_DEFAULT.last), help="last day, a 31 December (default: %(default)s)")
    add("--devices", type=int, default=_DEFAULT.devices, help="default: %(default)s")
    add("--organisations", type=int, default=_DEFAULT.organisations, help="default: %(default)s")
    add(
        "--reduction",
        type=float,
        default=_DEFAULT.reduction_ratio,
        metavar="RATIO",
        help="true reduction at constant user perimeter (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Simulate, and print the truth that a report must find."""
    plan = Plan(
        options.data,
        options.seed,
        _day("--start", options.start),
        _day("--end", options.end),
        options.devices,
        options.organisations,
        options.reduction,
    )
    with Bar(sys.stderr) as bar:
        truth = simulate(plan, bar.show)
    print(
        f"True reduction {truth.reporting_year} against {truth.baseline_year}, at constant user "
        f"perimeter: {truth.reduction_ratio:.2%} "
        f"({truth.baseline_kwh:,.0f} kWh, adjusted {truth.adjusted_baseline_kwh:,.0f}, "
        f"then {truth.reporting_kwh:,.0f})"
    )
    print(f"See: sobre report --data {plan.folder}")
    return 0


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: not a date such as 2023-01-01") from error
