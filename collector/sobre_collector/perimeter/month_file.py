"""One month put into a CSV file that a person keeps: the rest stays as it was, to the byte."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from sobre_drivers.errors import ConfigError, StoreError


def put_month(
    path: Path,
    columns: Sequence[str],
    month: str,
    rows: Sequence[Sequence[str]],
    replace: bool = False,
) -> None:
    """Add a month's rows at the end of a table, or make it; whole or not at all.

    ConfigError if the month stands there already and is not to be replaced, or if the table has
    other columns.
    """
    try:
        old = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; save it as “CSV UTF-8”") from error
    lines = old.splitlines(keepends=True)
    said = [line for line in lines if line.strip() and not line.startswith("#")]
    header = said[0] if said else ",".join(columns) + "\n"
    separator = ";" if header.count(";") > header.count(",") else ","
    names = [name.strip().strip('"').lower() for name in header.strip().split(separator)]
    if sorted(names) != sorted(columns):
        raise ConfigError(
            f"{path}: has the columns {', '.join(names)}; needed are {', '.join(columns)}"
        )
    kept = [line for line in lines if not _of(line, separator, names.index("month"), month)]
    if len(kept) < len(lines) and not replace:
        raise ConfigError(f"{path}: {month} stands there already; take --replace to put it anew")
    if not said:
        kept.append(header)
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    for row in rows:
        given = dict(zip(columns, row, strict=True))
        writer.writerow([given[name] for name in names])
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text("".join(kept) + out.getvalue(), "utf-8", newline="")
        beside.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror})") from error


def _of(line: str, separator: str, at: int, month: str) -> bool:
    if line.startswith("#"):
        return False
    cells = line.split(separator)
    return len(cells) > at and cells[at].strip().strip('"') == month
