"""The tables as rows: wall power by load, wall power beside counters, declared energy of a year."""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TABLES = Path(__file__).parents[3] / "shared" / "captures" / "power-tables"
LEVELS = tuple(range(0, 101, 10))
# ENERGY STAR weights the year: ratio of off, asleep and idle; monitors of asleep and lit.
YEAR_RATIOS = {
    "laptop": (0.25, 0.35, 0.40),
    "desktop": (0.45, 0.05, 0.50),
    "workstation": (0.35, 0.10, 0.55),
    "monitor": (0.0, 0.65, 0.35),
}
_LARGEST_LAPTOP_IN = 18.0
# The makers' names tell the enclosure, or the kind of processor inside.
_KINDS = (
    ("workstation", re.compile(r"Precision (Tower )?(58|78|79)\d\d")),
    ("all-in-one", re.compile(r"All-in-One|Surface Studio")),
    ("micro", re.compile(r"Micro Form Factor|OptiPlex \d+ Ultra|Tiny")),
    ("small", re.compile(r"Small Form Factor")),
    ("tower", re.compile(r"Tower")),
)
_LAPTOP_KINDS = (
    ("frugal", re.compile(r"Chromebook|Fortis")),
    ("strong", re.compile(r"Precision|OMEN|VICTUS|XPS 1[57]|Surface Book|Latitude 5[0-9][0-9]1")),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A machine of SPECpower_ssj2008: `power_w` at the wall at each of `LEVELS`."""

    key: str
    processor: str
    tower: bool
    chips: int
    year: int | None
    tdp_w: float | None
    power_w: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Declared:
    """A model's energy of a year (kWh) as its maker declares it."""

    key: str
    kind: str
    year_kwh: float
    diagonal_in: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """One desktop at one load: its package counter and its plug (W)."""

    key: str
    load_ratio: float
    package_w: float
    plug_w: float


def held_out(key: str) -> bool:
    """Whether a row is for scoring and not for fitting: half of them, for ever the same."""
    return bool(hashlib.sha256(key.encode()).digest()[0] & 1)


def servers() -> list[Server]:
    """SPECpower's machines."""
    return [
        Server(
            key=row["hash"],
            processor=row["HW_CPUName"],
            tower=row["HW_FormFactor"] == "Tower",
            chips=int(row["CPUChips"]),
            year=int(row["Publication"][-4:]) if row["Publication"][-4:].isdigit() else None,
            tdp_w=float(row["TDP"]) if row["TDP"] else None,
            power_w=(
                float(row["ActiveIdle"]),
                *(float(row[f"{level}_AvgPower"]) for level in LEVELS[1:]),
            ),
        )
        for row in _rows("specpower_ssj2008.csv")
    ]


def declared() -> list[Declared]:
    """Makers' PCs and monitors; PCs with a small screen are laptops, wherever makers file them."""
    found = []
    for row in _rows("boavizta_yearly_tec.csv"):
        name = row["name"]
        diagonal_in = float(row["screen_size"] or 0) or None
        portable = diagonal_in is not None and diagonal_in < _LARGEST_LAPTOP_IN
        if row["subcategory"] == "Monitor":
            kind = "monitor"
        elif row["subcategory"] == "Laptop" or (row["subcategory"] == "Desktop" and portable):
            kind = "laptop " + _kind(name, _LAPTOP_KINDS, "usual")
        elif row["subcategory"] in ("Desktop", "Workstation"):
            kind = "desktop " + _kind(name, _KINDS, "usual")
        else:
            continue
        key = f"{row['manufacturer']}|{name}"
        found.append(Declared(key, kind, float(row["yearly_tec"]), diagonal_in))
    return found


def steps() -> list[Step]:
    """The desktop at a plug (Threadripper 1950X)."""
    return [
        Step(
            key=f"{row['cores_used']}|{row['cpu_load']}",
            load_ratio=float(row["cpu_load"]) / 100,
            package_w=float(row["rapl_power"]),
            plug_w=float(row["tapo_power"]),
        )
        for row in _rows("codecarbon_AMD_Threadripper_all_cores.csv")
    ]


def _kind(name: str, kinds: tuple[tuple[str, re.Pattern[str]], ...], other: str) -> str:
    return next((kind for kind, pattern in kinds if pattern.search(name)), other)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
