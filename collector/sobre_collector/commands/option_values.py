"""Options that commands have alike: where the data are, which year, numbers that can be meant."""

import argparse
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import TypeVar

N = TypeVar("N", int, float)


def add_place(
    parser: argparse.ArgumentParser, data_help: str = "data folder (default: ./sobre-data)"
) -> None:
    """`--config` or `--data`, of which each names a data folder."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--config", type=Path, metavar="FILE", help="the collector's settings")
    where.add_argument("--data", type=Path, metavar="DIR", help=data_help)


def add_year(parser: argparse.ArgumentParser) -> None:
    """`--year`, in which None is the last with data."""
    parser.add_argument("--year", type=year, help="calendar year (default: the last with data)")


def year(text: str) -> int:
    """A calendar year of which there can be data."""
    found = _number(int, text, "a year such as 2026")
    if not 2000 <= found <= 9998:
        raise argparse.ArgumentTypeError(f"{text} is no year; write 2026")
    return found


def count(text: str) -> int:
    """A whole number from 1 upwards."""
    found = _number(int, text, "a whole number")
    if found < 1:
        raise argparse.ArgumentTypeError(f"{text} is too few; 1 at least")
    return found


def above_zero(text: str) -> float:
    """A number above 0."""
    found = _number(float, text, "a number")
    if not (isfinite(found) and found > 0):
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is needed")
    return found


def from_zero(text: str) -> float:
    """A number from 0 upwards."""
    found = _number(float, text, "a number")
    if not (isfinite(found) and found >= 0):
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 upwards is needed")
    return found


def _number(kind: Callable[[str], N], text: str, wanted: str) -> N:
    try:
        return kind(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}") from error
