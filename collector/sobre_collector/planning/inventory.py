"""An inventory by itself, without a perimeter: the same columns, most of which may be missing."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, sqrt
from pathlib import Path

from sobre_collector.indicators.moments import Stratum
from sobre_collector.perimeter.tables import Column, amount, month, one_of, read_table, text, unique
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import CLASSES

# What stands for an organisation or site that the file does not name.
UNNAMED = "-"


@dataclass(frozen=True, slots=True)
class Inventory:
    """Units in service and their standard uncertainty by stratum; `month` None: none was named."""

    month: str | None
    units: Mapping[Stratum, tuple[float, float]]

    def by_class(self) -> dict[str, tuple[float, float]]:
        """Units of each class, with the standard uncertainty of their sum."""
        found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for stratum, (units_n, units_u) in self.units.items():
            whole_n, whole_u = found[stratum.device_class]
            found[stratum.device_class] = (whole_n + units_n, hypot(whole_u, units_u))
        return {name: pair for name, pair in found.items() if pair[0] > 0}


def read_inventory(path: Path) -> Inventory:
    """The last month of a file; ConfigError with one line for each line that is wrong.

    Columns: class and units; month, organisation, site and half_width where they are known.
    """
    problems: list[str] = []
    rows = read_table(
        path,
        [
            Column("month", month, optional=True),
            Column("organisation", text, optional=True),
            Column("site", text, optional=True),
            Column("class", one_of(CLASSES, f"the classes: {', '.join(CLASSES)}")),
            Column("units", amount),
            Column("half_width", amount, optional=True),
        ],
        problems,
    )
    named = [
        name
        for name in ("month", "organisation", "site", "class")
        if any(row.values[name] is not None for row in rows)
    ]
    unique(rows, named, problems)
    months = {row.values["month"] for row in rows}
    if None in months and len(months) > 1:
        problems.append(f"{path}: column 'month' is empty on some lines; fill in all or none")
    if not rows and not problems:
        problems.append(f"{path}: no line with devices; add one for each class")
    if problems:
        raise ConfigError(*problems)
    last = max((name for name in months if name is not None), default=None)
    found = {}
    for row in rows:
        v = row.values
        if v["month"] == last:
            stratum = Stratum(v["organisation"] or UNNAMED, v["site"] or UNNAMED, v["class"])
            found[stratum] = (v["units"], (v["half_width"] or 0.0) / sqrt(3))
    return Inventory(last, found)
