"""A perimeter in a folder: right files, of which a test replaces some."""

from pathlib import Path

import pytest

from sobre_collector.perimeter.files import load_perimeter
from sobre_drivers.errors import ConfigError

TOML = """
[[organisations]]
id = "northtown"
name = "Northtown"
[[sites]]
id = "hall"
name = "Hall"
[baseline]
year = 2022
kind = "declared"
[files]
inventory = "inventory.csv"
headcount = "headcount.csv"
baseline = "baseline.csv"
metering = "metering.csv"
"""
RIGHT = {
    "perimeter.toml": TOML,
    "inventory.csv": (
        "month,organisation,site,class,units,half_width\n2026-01,northtown,hall,printer,150,2\n"
    ),
    "headcount.csv": "month,organisation,users,half_width\n2026-01,northtown,2760,15\n",
    "baseline.csv": (
        "organisation,class,kwh,half_width_kwh,document\nnorthtown,printer,18400,900,Bill 12\n"
    ),
    "metering.csv": (
        "node,device,fed_by_node,fed_by,counts,since,until\n"
        "dc,feeder,,,no,,\n"
        "dc,pdu,,feeder,no,2024-01-01,\n"
        "srv,srv,dc,pdu,yes,,\n"
    ),
}


HEAD = "month,organisation,site,class,units,half_width\n"


def write(folder: Path, changed: dict[str, str | bytes]) -> Path:
    """Write the right files with some replaced; the path of perimeter.toml."""
    for name, content in {**RIGHT, **changed}.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return folder / "perimeter.toml"


def problems(path: Path) -> list[str]:
    """What is wrong, with the folder left out of the places."""
    with pytest.raises(ConfigError) as caught:
        load_perimeter(path)
    folder = f"{path.parent}/"
    return [problem.replace(folder, "") for problem in caught.value.problems]
