"""Examples of what people state: bills, degree-days, and the way from E_B to E*; in fractions."""

from fractions import Fraction as F
from math import sqrt
from typing import Any


def billed() -> dict[str, Any]:
    """A billed room over three months beside a sampled stratum of the same class."""
    bills = {"2026-01": (1840, 18), "2026-02": (1712, 17), "2026-03": (1795, 18)}
    total = sum(F(kwh) for kwh, _ in bills.values())
    # One meter reads high or low for all three months: half-widths add, then u = a/√3.
    half = sum(F(half) for _, half in bills.values())
    return {
        "how": "by hand: Σ bills; u = Σ half-widths / √3; all of it measured, none extrapolated",
        "given": {"bills": {month: list(bill) for month, bill in bills.items()}},
        "total_kwh": float(total),
        "se_kwh": float(half) / sqrt(3),
        "measured_share": 1.0,
    }


def adjusted() -> dict[str, Any]:
    """E* of a town hall and a room: users, degree-days, one entity that joined, one site closed."""
    laptops, room = F(60_000), F(40_000)
    before_users, after_users = F(1000), F(1100)
    joined, closed = F(4000), F(-2500)
    slope = F(25, 2)
    before_days = [F(964, 10), F(1712, 10), F(1889, 10)]
    after_days = [F(1217, 10), F(2005, 10), F(2102, 10)]
    base = laptops + room
    share = laptops / base
    factor = (1 - share) + share * after_users / before_users
    weather = slope * (sum(after_days) - sum(before_days))
    star = (base + joined) * factor + weather + closed
    u_base, u_joined, u_closed, u_slope, half_days = 1800, 300, 500, F(5, 2), 1
    u_users = (F(10), F(12))
    # Each input is moved by its u; squares of what E* moves by are added.
    driven = share * after_users / before_users
    days = sum(after_days) - sum(before_days)
    per_user = (base + joined) * driven
    squares = [
        (factor * u_base) ** 2,
        (factor * u_joined) ** 2,
        F(u_closed) ** 2,
        (days * u_slope) ** 2,
        slope**2 * 2 * F(3 * half_days) ** 2 / 3,
        (per_user * u_users[0] / before_users) ** 2,
        (per_user * u_users[1] / after_users) ** 2,
    ]
    return {
        "how": (
            "fractions: (E_B + joined)·factor + slope·ΔDD + closed; u² adds the square of what "
            "each input's u moves E* by; half-widths of three months of one station add up"
        ),
        "given": {
            "kwh": {"workstation.laptop": float(laptops), "server": float(room)},
            "u_base_kwh": u_base,
            "users": [float(before_users), float(after_users)],
            "u_users": [float(u) for u in u_users],
            "joined_kwh": [float(joined), u_joined],
            "closed_kwh": [float(closed), u_closed],
            "slope_kwh": [float(slope), float(u_slope)],
            "before_degree_days": [float(d) for d in before_days],
            "after_degree_days": [float(d) for d in after_days],
            "half_width_degree_days": half_days,
        },
        "factor": float(factor),
        "weather_kwh": float(weather),
        "total_kwh": float(star),
        "u_kwh": sqrt(float(sum(squares))),
    }


def inventory_days() -> dict[str, Any]:
    """Units of a month as a mean over its days, from the dates of GLPI's items."""
    # November has 30 days: whole, from the 16th, until the 9th, gone before, not yet there.
    days = [30, 15, 9, 0, 0]
    units = sum(F(n, 30) for n in days)
    return {
        "how": "by hand: days in service / 30, the day of decommissioning itself not counted",
        "given": {
            "month": "2026-11",
            "items": [
                ["2020-01-01", None],
                ["2026-11-16", None],
                ["2020-01-01", "2026-11-10"],
                ["2020-01-01", "2026-11-01"],
                ["2026-12-01", None],
            ],
            "half_width_ratio": 0.05,
        },
        "units": float(units),
        "half_width": float(units / 20),
    }
