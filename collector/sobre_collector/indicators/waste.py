"""What runs when nobody works: the out-of-hours share, what of it could be saved, in which order.

It advises. Equipment that has a reason to stay on (on duty, kept on for a disability) is excluded
with that reason, not by silence: it stays in the list (method 2.6).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, inf, sqrt

from sobre_collector.indicators.quantiles import two_sided


@dataclass(frozen=True, slots=True)
class OutOfHours:
    """One device over a period: its kWh, of which outside working hours, and those hours."""

    kwh: float
    out_kwh: float
    out_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """A share of kWh with its standard error and degrees of freedom."""

    ratio: float
    se_ratio: float
    df: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided interval, within what a share can be."""
        half = two_sided(level, self.df) * self.se_ratio if self.se_ratio else 0.0
        return max(0.0, self.ratio - half), min(1.0, self.ratio + half)


@dataclass(frozen=True, slots=True)
class Lever:
    """One thing to switch off sooner: kWh per year, its interval, euros and kgCO₂e.

    `excluded` is the reason why it is no waste, None where it is; `computed` says how, in words.
    """

    name: str
    kwh: float
    low_kwh: float
    high_kwh: float
    euros: float
    kg_co2e: float
    computed: str
    excluded: str | None = None


def share(devices: Sequence[OutOfHours], inventory_n: float | None = None) -> Share:
    """q = Σ out-of-hours / Σ all, with its linearised error; exact if all of the inventory is seen.

    The ratio of sums: a mean of the devices' shares would let an idle one weigh as much as a rack.
    """
    n = len(devices)
    whole = fsum(d.kwh for d in devices)
    if n < 2 or whole <= 0:
        raise ValueError(f"{n} devices with {whole} kWh: a share needs two devices that use energy")
    q = fsum(d.out_kwh for d in devices) / whole
    square = fsum((d.out_kwh - q * d.kwh) ** 2 for d in devices)
    f = 0.0 if inventory_n is None else min(1.0, n / inventory_n)
    return Share(q, sqrt((1 - f) * n / (n - 1) * square) / whole, n - 1 if f < 1 else inf)


def avoidable(device: OutOfHours, off_w: float) -> OutOfHours:
    """The device's out-of-hours kWh less what it would use there when off; never below 0."""
    left_kwh = max(0.0, device.out_kwh - off_w * device.out_hours / 1000)
    return OutOfHours(device.kwh, left_kwh, device.out_hours)


def lever(
    name: str,
    devices: Sequence[OutOfHours],
    *,
    fleet_kwh: float,
    u_fleet_kwh: float,
    off_w: float,
    euros_per_kwh: float,
    kg_per_kwh: float,
    inventory_n: float | None = None,
    level: float = 0.95,
) -> Lever:
    """What a stratum of devices, using `fleet_kwh` a year in all, would save if off out of hours.

    The avoidable share of the monitored devices times the fleet's energy; both errors count.
    """
    found = share([avoidable(device, off_w) for device in devices], inventory_n)
    kwh = found.ratio * fleet_kwh
    u_kwh = sqrt((found.se_ratio * fleet_kwh) ** 2 + (found.ratio * u_fleet_kwh) ** 2)
    half = two_sided(level, found.df) * u_kwh if u_kwh else 0.0
    return Lever(
        name,
        kwh,
        max(0.0, kwh - half),
        min(fleet_kwh, kwh + half),
        kwh * euros_per_kwh,
        kwh * kg_per_kwh,
        f"{found.ratio:.4f} × {fleet_kwh:.6g} kWh; {len(devices)} devices, {off_w:g} W when off",
    )


def ranked(levers: Iterable[Lever], exclusions: Mapping[str, str] | None = None) -> list[Lever]:
    """Levers by kWh, the largest first; those excluded come last and say why.

    ValueError for an exclusion without a reason.
    """
    reasons = exclusions or {}
    empty = sorted(name for name, reason in reasons.items() if not reason.strip())
    if empty:
        raise ValueError(f"excluded without a reason: {', '.join(empty)}; say why it stays on")
    listed = [replace(one, excluded=reasons.get(one.name, one.excluded)) for one in levers]
    return sorted(listed, key=lambda one: (one.excluded is not None, -one.kwh, one.name))
