"""What the people of a simulated fleet state: perimeter, inventory, head-counts, metering tree."""

import math
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from sobre_collector.rows import Key
from sobre_collector.simulate.fleet import KINDS, Fleet
from sobre_collector.simulate.truth import Truth, month_end_users

# How far the stated counts may be wrong: a unit in service in fifty, a user in a hundred.
UNITS_HALF_WIDTH_RATIO = 0.02
USERS_HALF_WIDTH_RATIO = 0.01


def write_statements(
    folder: Path,
    fleet: Fleet,
    truth: Truth,
    links: Iterable[tuple[Key, Key]],
    printers: Iterable[tuple[Key, bool]] = (),
    room: Iterable[tuple[str, Key]] = (),
) -> None:
    """perimeter.toml and its tables in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    links, points = list(links), list(room)
    (folder / "perimeter.toml").write_text(_perimeter(fleet, truth), "utf-8")
    (folder / "inventory.csv").write_text("\n".join(_inventory(fleet)) + "\n", "utf-8")
    (folder / "headcount.csv").write_text("\n".join(_headcount(fleet)) + "\n", "utf-8")
    for name, lines in (
        ("metering", _metering(links, points)),
        ("printers", _printers(printers)),
        ("rooms", _rooms(points)),
        ("emission-factors", _factors(truth)),
        ("degree-days", _degree_days(fleet)),
        ("prices", ["since,euros_per_kwh,source", f"{fleet.first},0.20,sobre simulate"]),
    ):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")


def _perimeter(fleet: Fleet, truth: Truth) -> str:
    lines = [
        "# A simulated fleet: nothing here is about anyone.",
        'timezone = "Europe/Paris"',
        "[users]",
        'definition = "Simulated users at the end of each month"',
        'source = "sobre simulate"',
        "[baseline]",
        f"year = {truth.baseline_year}",
        'kind = "measured"',
        'approved_by = "sobre simulate"',
        "[target]",
        "reduction_ratio = 0.15",
        f"year = {truth.reporting_year + 1}",
        "[files]",
        'inventory = "inventory.csv"',
        'headcount = "headcount.csv"',
        'metering = "metering.csv"',
        'printers = "printers.csv"',
        'rooms = "rooms.csv"',
        'emission_factors = "emission-factors.csv"',
        'prices = "prices.csv"',
        'degree_days = "degree-days.csv"',
    ]
    for name in fleet.organisations:
        lines += ["[[organisations]]", f'id = "{name}"', f'name = "{name} (simulated)"']
    for name in fleet.sites:
        lines += ["[[sites]]", f'id = "{name}"', f'name = "{name}"']
    return "\n".join(lines) + "\n"


def _inventory(fleet: Fleet) -> list[str]:
    """Mean units in service in each month, by stratum."""
    lines = ["month,organisation,site,class,units,half_width"]
    stratum = (fleet.organisation * len(fleet.sites) + fleet.site) * len(KINDS) + fleet.kind
    size = len(fleet.organisations) * len(fleet.sites) * len(KINDS)
    ever = np.bincount(stratum, minlength=size) > 0
    for month in fleet.months():
        offsets = _offsets(fleet, month)
        served = np.clip(fleet.leaves, offsets[0], offsets[1] + 1) - np.clip(
            fleet.joins, offsets[0], offsets[1] + 1
        )
        units = np.bincount(stratum, served, size) / (offsets[1] + 1 - offsets[0])
        for n in np.flatnonzero(ever):
            rest, kind = divmod(int(n), len(KINDS))
            organisation, site = divmod(rest, len(fleet.sites))
            names = (fleet.organisations[organisation], fleet.sites[site])
            half_width = 0.0 if KINDS[kind].device_class == "server" else UNITS_HALF_WIDTH_RATIO
            lines.append(
                f"{month},{names[0]},{names[1]},{KINDS[kind].device_class},"
                f"{units[n]:.3f},{units[n] * half_width:.3f}"
            )
    return lines


def _headcount(fleet: Fleet) -> list[str]:
    lines = ["month,organisation,users,half_width"]
    for month in fleet.months():
        users = month_end_users(fleet, month)
        for name, count in zip(fleet.organisations, users, strict=True):
            lines.append(f"{month},{name},{count:.0f},{count * USERS_HALF_WIDTH_RATIO:.1f}")
    return lines


def _printers(printers: Iterable[tuple[Key, bool]]) -> list[str]:
    lines = ["node,device,model,range,pages_per_minute"]
    for key, large in printers:
        model, size = ("Ardoise MF-40", "department") if large else ("Plume P-20", "personal")
        lines.append(f"{key.node},{key.device},{model},{size},40")
    return lines


def _rooms(points: list[tuple[str, Key]]) -> list[str]:
    lines = ["room,measures,node,device,category"]
    for measures, key in points:
        category = "2" if measures == "it" else ""
        lines.append(f"dc1,{measures},{key.node},{key.device},{category}")
    return lines


def _factors(truth: Truth) -> list[str]:
    lines = ["year,value,unit,u_ratio,scope,source,version"]
    for year, grams in ((truth.baseline_year, 60), (truth.reporting_year, 52)):
        lines.append(f"{year},{grams},gCO2e/kWh,0.10,simulated,sobre simulate,1")
    return lines


def _degree_days(fleet: Fleet) -> list[str]:
    """Below 15 °C at the room's site: its servers work more in winter, as everything here does."""
    lines = ["month,site,base_c,degree_days,half_width"]
    for month in fleet.months():
        year, number = int(month[:4]), int(month[5:])
        rng = np.random.default_rng([fleet.seed, 4, year, number])
        outside_c = 13.5 - 7.5 * math.cos(2 * math.pi * (number - 1) / 12) + rng.normal(0, 1)
        lines.append(f"{month},{fleet.sites[2]},15,{30 * max(0.0, 15 - outside_c):.1f},0")
    return lines


def _metering(links: list[tuple[Key, Key]], points: list[tuple[str, Key]]) -> list[str]:
    lines = ["node,device,fed_by_node,fed_by,counts,since,until"]
    feeder = ""
    for measures, key in points:
        if measures != "it":
            lines.append(f"{key.node},{key.device},,{feeder},no,,")
            feeder = key.device if measures == "facility" else feeder
    for pdu in dict.fromkeys(pdu for _, pdu in links):
        lines.append(f"{pdu.node},{pdu.device},,{feeder},no,,")
    lines += [f"{outlet.node},{outlet.device},,{pdu.device},yes,," for outlet, pdu in links]
    return lines


def _offsets(fleet: Fleet, month: str) -> tuple[int, int]:
    first = date.fromisoformat(f"{month}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    last = min(fleet.last, after - timedelta(days=1))
    return (max(fleet.first, first) - fleet.first).days, (last - fleet.first).days
