"""Readings as CSV: of this PC or a plug here, or whatever another agent or meter wrote.

The first lines, which begin with #, say what a file of this PC is about.
"""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, TextIO

from sobre_agent.pairs import Curve
from sobre_drivers.errors import ConfigError

J_PER_WH = 3_600.0
MAX_ROWS = 2_000_000


class Writer:
    """A file of readings in one of the two columns, a line for each, on disk at once."""

    def __init__(
        self, file: TextIO, column: Literal["energy_wh", "power_w"], about: Mapping[str, str]
    ) -> None:
        self._file = file
        file.write(f"# {json.dumps(dict(about), ensure_ascii=True)}\ntime,{column}\n")

    def add(self, wall_s: float, value: float | None) -> None:
        """A reading (Wh or W); None breaks the curve of a cumulative energy there."""
        cell = "" if value is None else f"{value:.6f}"
        self._file.write(f"{wall_s:.1f},{cell}\n")
        self._file.flush()


def read(path: Path) -> tuple[dict[str, str], Curve]:
    """What a file is about, and its curve; ConfigError names file and line of the first mistake.

    Columns: `time` (Unix seconds, or ISO with offset) and `energy_wh` (cumulative) or `power_w`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parsed(path, file)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); name another") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8; save it as “CSV UTF-8”") from error
    except csv.Error as error:
        raise ConfigError(f"{path}: is not valid CSV ({error})") from error


def _parsed(path: Path, file: TextIO) -> tuple[dict[str, str], Curve]:
    about: dict[str, str] = {}
    header: list[str] | None = None
    times: list[float] = []
    energy_j: list[float | None] = []
    power_w: list[float] = []
    for line, cells in _lines(file, about):
        where = f"{path}:{line}"
        if header is None:
            header = [cell.strip().lower() for cell in cells]
            if "time" not in header or not {"energy_wh", "power_w"} & set(header):
                raise ConfigError(
                    f"{where}: the first line must name time and energy_wh or power_w"
                )
            continue
        row = dict(zip(header, cells, strict=False))
        at_s = _time(row.get("time", ""), where)
        if times and at_s <= times[-1]:
            raise ConfigError(f"{where}: the time does not grow; sort the lines, each once")
        if len(times) >= MAX_ROWS:
            raise ConfigError(f"{where}: more than {MAX_ROWS} lines; cut the session out of it")
        times.append(at_s)
        if "energy_wh" in header:
            cell = row.get("energy_wh", "")
            energy_j.append(_number(cell, where) * J_PER_WH if cell.strip() else None)
        else:
            power_w.append(_number(row.get("power_w", ""), where))
    if len(times) < 2:
        raise ConfigError(f"{path}: less than two readings; nothing to compare")
    return about, Curve.of_power(times, power_w) if power_w else Curve(times, energy_j)


def _lines(file: TextIO, about: dict[str, str]) -> Iterator[tuple[int, list[str]]]:
    lines = list(file)
    for text in lines:
        if not text.startswith("#"):
            break
        _note(text, about)
    first = next((text for text in lines if text.strip() and not text.startswith("#")), "")
    kept = [text if not text.startswith("#") else "\n" for text in lines]
    reader = csv.reader(kept, delimiter=";" if ";" in first else ",")
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _note(text: str, about: dict[str, str]) -> None:
    try:
        told = json.loads(text[1:])
    except ValueError:
        # Somebody's own remark.
        return
    if isinstance(told, dict):
        about.update({str(key): str(value) for key, value in told.items()})


def _time(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(cell.strip())
    except ValueError as error:
        message = f"{where}: time {cell[:40]!r}; write Unix seconds or 2026-11-24T09:00:00+01:00"
        raise ConfigError(message) from error
    if at.tzinfo is None:
        raise ConfigError(f"{where}: time {cell[:40]!r} has no offset; add Z or +01:00")
    return at.timestamp()


def _number(cell: str, where: str) -> float:
    try:
        value = float(cell.replace(",", "."))
    except ValueError as error:
        raise ConfigError(f"{where}: {cell[:40]!r} is no number; correct or leave out") from error
    if not math.isfinite(value) or value < 0:
        raise ConfigError(f"{where}: {cell[:40]!r}; a number from 0 upwards is needed")
    return value
