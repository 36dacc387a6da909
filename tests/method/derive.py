"""Derives the examples of this folder: `python tests/method/derive.py` writes them anew.

Each takes another route than the product: exact fractions device by device where the product works
on sums, explicit covariance matrices where it transforms, integration where it has a series. It
imports nothing of ours, so that no example can repeat a fault of the code that it is held against.
"""

import json
from collections.abc import Callable, Sequence
from fractions import Fraction as F
from pathlib import Path
from typing import Any

from method import derive_calibration
from method.derive_forecast import estimated_rho, t_cdf, target_probability
from method.derive_statements import adjusted, billed, inventory_days

Device = tuple[int, int, int, int]  # Wh on work days and on rest days, valid days of each


def _linear(devices: Sequence[Device], calendar: tuple[int, int], units: F) -> tuple[F, list[F]]:
    """Total kWh and each device's linearised value, from the devices themselves."""
    total, values = F(0), [F(0)] * len(devices)
    for t in (0, 1):
        days = sum(device[2 + t] for device in devices)
        if days == 0:
            continue
        rate = F(sum(device[t] for device in devices), 1000) / days
        total += units * calendar[t] * rate
        for k, device in enumerate(devices):
            off = F(device[t], 1000) - rate * device[2 + t]
            values[k] += units * calendar[t] * off / days
    return total, values


def _variance(devices: Sequence[Device], calendar: tuple[int, int], units: F) -> F:
    _, values = _linear(devices, calendar, units)
    n = len(devices)
    seen = sum(device[2] + device[3] for device in devices)
    f = min(F(1), F(seen) / (units * sum(calendar)))
    return (1 - f) * F(n, n - 1) * sum((u * u for u in values), F(0))


def _cv2(devices: Sequence[Device], calendar: tuple[int, int]) -> F:
    """Squared CV between devices: the variance of one unit's value, from linearised values."""
    n = len(devices)
    mean, values = _linear(devices, calendar, F(1))
    # u of a mean of n is 1/n of a device's own deviation.
    return sum(((n * u) ** 2 for u in values), F(0)) / (n - 1) / mean**2


NORTH: list[Device] = [
    (4100, 600, 20, 9),
    (2950, 150, 18, 6),
    (5200, 980, 20, 10),
    (1800, 90, 12, 3),
    (3600, 0, 20, 8),
    (4400, 420, 19, 0),
]
SOUTH: list[Device] = [(6100, 900, 20, 10), (5400, 700, 19, 9), (7300, 880, 20, 10)]
ALONE: list[Device] = [(4000, 500, 20, 10)]
CALENDAR = (20, 10)


def day_types() -> dict[str, Any]:
    units = F(25)
    total, _ = _linear(NORTH, CALENDAR, units)
    return {
        "how": "fractions, device by device: u_i from each device, squared and added",
        "given": {"devices_wh": NORTH, "calendar_days": CALENDAR, "units": 25},
        "total_kwh": float(total),
        "variance_kwh2": float(_variance(NORTH, CALENDAR, units)),
        "df": len(NORTH) - 1,
    }


def no_device() -> dict[str, Any]:
    """Two seen strata of one organisation, a third with 40 units and nobody monitored."""
    north_n, south_n, unseen_n = F(25), F(15), F(40)
    north, _ = _linear(NORTH, CALENDAR, F(1))
    south, _ = _linear(SOUTH, CALENDAR, F(1))
    whole = north_n + south_n
    mean = (north_n * north + south_n * south) / whole
    middle = (north + south) / 2
    between = (north - middle) ** 2 + (south - middle) ** 2
    within = _variance(NORTH, CALENDAR, north_n) + _variance(SOUTH, CALENDAR, south_n)
    of_mean = within / whole**2 + between * (north_n**2 + south_n**2) / whole**2
    return {
        "how": (
            "fractions: class mean weighted by units; V = N²(s²_between + V(class mean)), where "
            "V(class mean) holds the sampling of both strata and how two sites stand for all"
        ),
        "given": {
            "north_wh": NORTH,
            "south_wh": SOUTH,
            "calendar_days": CALENDAR,
            "units": {"north": 25, "south": 15, "unseen": 40},
        },
        "total_kwh": float(unseen_n * mean),
        "variance_kwh2": float(unseen_n**2 * (between + of_mean)),
    }


def one_device() -> dict[str, Any]:
    units = F(12)
    total, _ = _linear(ALONE, CALENDAR, units)
    f = F(30) / (units * 30)
    together = NORTH + SOUTH
    return {
        "how": (
            "fractions: s = CV of the class × own mean. The CV is that of the nine devices of the "
            "strata which keep squares, as one stratum"
        ),
        "given": {
            "north_wh": NORTH,
            "south_wh": SOUTH,
            "alone_wh": ALONE,
            "calendar_days": CALENDAR,
            "units": {"north": 25, "south": 15, "alone": 12},
        },
        "total_kwh": float(total),
        "variance_kwh2": float((1 - f) * _cv2(together, CALENDAR) * total**2),
        "df": len(together) - 1,
    }


def churn() -> dict[str, Any]:
    """Four units in service; one device was replaced in mid-month, so that five reported."""
    devices: list[Device] = [
        (4000, 500, 20, 10),
        (3000, 300, 20, 10),
        (5000, 700, 20, 10),
        (1900, 200, 10, 5),
        (2100, 350, 10, 5),
    ]
    extra: list[Device] = [*devices, (3300, 330, 15, 6)]
    days = sum(d[2] + d[3] for d in extra)
    total, _ = _linear(extra, CALENDAR, F(days, 30))
    return {
        "how": (
            "by hand: Σw = N·D is a census, T = Σx, no sampling variance although n = 5 > N = 4; "
            "with a sixth device Σw > N·D, and N becomes Σw/D"
        ),
        "given": {"devices_wh": devices, "sixth_wh": extra[-1], "calendar_days": CALENDAR},
        "units": 4,
        "census_kwh": float(F(sum(d[0] + d[1] for d in devices), 1000)),
        "raised_units": float(F(days, 30)),
        "raised_kwh": float(total),
    }


def linked() -> dict[str, Any]:
    """Two strata whose laptops and printers were renewed or not, and a metered room."""
    laptops = (F(60000), F(1000), F(1100), F(88, 100))
    printers = (F(20000), F(100), F(80), F(97, 100))
    room_before, room_after = F(40000), F(38000)
    baseline = laptops[0] + printers[0] + room_before
    moved = sum(((e * after / n * link) for e, n, after, link in (laptops, printers)), room_after)
    users = F(2100, 2000)
    return {
        "how": "fractions, from R_link = 1 − {[Σ E_B·(N_R/N_B)·L + E_R,census]/E_B}/(U_R/U_B)",
        "given": {
            "laptops": {"baseline_kwh": 60000, "before_n": 1000, "after_n": 1100, "link": [50, 44]},
            "printers": {"baseline_kwh": 20000, "before_n": 100, "after_n": 80, "link": [100, 97]},
            "census_kwh": [40000, 38000],
            "users": [2000, 2100],
        },
        "reduction": float(1 - moved / baseline / users),
    }


def registers() -> dict[str, Any]:
    return {
        "how": (
            "by hand. 1 Wh counts, at most 1000 W, hourly: 100 → 5000 would be 4900 Wh in an hour, "
            "set aside; 300 is 200 Wh after 100 in two hours, so 5000 was a spike and 200 Wh are "
            "booked. Then 300 → 40: a reset, 40 Wh at least. Coarse: 0.1 kWh counts at 60 W, every "
            "10 minutes (10 Wh each): one count is ten times what fits, and must still be booked"
        ),
        "spike": {
            "count_wh": 1,
            "power_max_w": 1000,
            "step_s": 3600,
            "counts": [100, 5000, 300, 40, 140],
            "verdicts": ["spike", "ok", "reset_lower_bound", "ok"],
            "wh": 340,
        },
        "coarse": {
            "count_wh": 100,
            "power_max_w": 60,
            "step_s": 600,
            "counts": [7, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9],
            "verdicts": ["ok"] * 12,
            "wh": 200,
        },
    }


def suppression() -> dict[str, Any]:
    return {
        "how": (
            "by hand: in organisation A 6 desktops are too few. Alone hidden, A's sum minus 200 "
            "laptops gives them back, so the laptops, A's only other personal class, are hidden "
            "too. 6 + 200 devices remain hidden inside A's sum: it may be shown. In B every class "
            "is large enough; the servers tell about nobody"
        ),
        "cells": [
            ["A", "workstation.laptop", 200, 2000.0, 30.0],
            ["A", "workstation.desktop", 6, 500.0, 100.0],
            ["A", "server", 4, 9000.0, 3000.0],
            ["B", "workstation.laptop", 50, 500.0, 20.0],
            ["B", "monitor", 40, 200.0, 10.0],
        ],
        "shown": [["A", "server"], ["B", "monitor"], ["B", "workstation.laptop"]],
        "organisations": ["A", "B"],
        "whole": True,
        "next_month": {
            "how": "the 6 desktops have become 60: what was hidden before stays hidden",
            "desktops": 60,
            "shown": [["A", "server"], ["B", "monitor"], ["B", "workstation.laptop"]],
        },
    }


def calibration() -> dict[str, Any]:
    """Two strata of one class over two months, estimated by a model that five plugs calibrate."""
    units = (F(25), F(15))
    months = [
        (NORTH, SOUTH),
        tuple([(x + 300, y + 60, v, w) for x, y, v, w in s] for s in (NORTH, SOUTH)),
    ]
    totals = [[_linear(month[h], CALENDAR, units[h])[0] for month in months] for h in (0, 1)]
    variances = [[_variance(month[h], CALENDAR, units[h]) for month in months] for h in (0, 1)]
    return {
        "given": {
            "pairs_w": derive_calibration.PAIRS,
            "plug_error": float(derive_calibration.PLUG_ERROR),
            "north_wh": [month[0] for month in months],
            "south_wh": [month[1] for month in months],
            "calendar_days": CALENDAR,
            "units": {"north": 25, "south": 15},
        },
        **derive_calibration.example(totals, variances, t_cdf),
    }


EXAMPLES: dict[str, Callable[[], dict[str, Any]]] = {
    "day_types": day_types,
    "no_device": no_device,
    "one_device": one_device,
    "churn": churn,
    "linked": linked,
    "registers": registers,
    "suppression": suppression,
    "estimated_rho": estimated_rho,
    "target_probability": target_probability,
    "billed": billed,
    "adjusted": adjusted,
    "inventory_days": inventory_days,
    "calibration": calibration,
}


def text(name: str) -> str:
    """The example as it stands in its file."""
    return json.dumps(EXAMPLES[name](), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for each in EXAMPLES:
        (Path(__file__).parent / f"{each}.json").write_text(text(each), encoding="utf-8")
