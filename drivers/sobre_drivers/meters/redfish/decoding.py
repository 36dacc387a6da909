"""What Redfish resources say of a chassis' power and energy (DMTF DSP2046).

EnvironmentMetrics is the newer place, Power the older one; where neither tells the whole, the power
supplies do together. What supplies give out, and what parts of a chassis draw, is not looked at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sobre_drivers.meters.figures import inside, positive

Json = Mapping[str, Any]
ROOT = "/redfish/v1"
CHASSIS = f"{ROOT}/Chassis"
SESSIONS = f"{ROOT}/SessionService/Sessions"


@dataclass(frozen=True, slots=True)
class Shown:
    """Power (W) and energy (kWh) of a chassis; None: not said.

    `counter` says which of its registers told the energy: from one to another there is no step.
    """

    power_w: float | None = None
    energy_kwh: float | None = None
    counter: str | None = None

    @property
    def empty(self) -> bool:
        """Whether it says neither."""
        return self.power_w is None and self.energy_kwh is None


def link(resource: Json, *path: str | int) -> str | None:
    """Where a resource leads to; None if it does not, or leads away from Redfish."""
    found = inside(resource, *path, "@odata.id")
    return found if isinstance(found, str) and found.startswith(f"{ROOT}/") else None


def members(collection: Json) -> list[str]:
    """The resources of a collection."""
    found = inside(collection, "Members")
    many = found if isinstance(found, list) else []
    return [path for each in range(len(many)) if (path := link(collection, "Members", each))]


def identifier(path: str) -> str:
    """A chassis' id as the name of a part: `/redfish/v1/Chassis/1U` is `1u`."""
    return path.rstrip("/").rpartition("/")[2].lower()


def environment(metrics: Json) -> Shown:
    """What EnvironmentMetrics says. The lifetime's energy is before one that somebody may reset."""
    return Shown(_drawn(positive(metrics, "PowerWatts", "Reading")), *_counted(metrics))


def power(resource: Json) -> Shown:
    """What Power says: its first control is the whole chassis, others are parts of it."""
    whole_w = _drawn(positive(resource, "PowerControl", 0, "PowerConsumedWatts"))
    supplies = inside(resource, "PowerSupplies")
    if whole_w is None and isinstance(supplies, list):
        inputs = [Shown(positive(each, "PowerInputWatts")) for each in supplies if present(each)]
        return together(inputs)
    return Shown(whole_w)


def supply(metrics: Json) -> Shown:
    """What the Metrics of one power supply say of its input."""
    return Shown(positive(metrics, "InputPowerWatts", "Reading"), *_counted(metrics))


def together(parts: Iterable[Shown]) -> Shown:
    """The sum of the power supplies; None where one of them does not say it."""
    listed = list(parts)
    powers = [each.power_w for each in listed if each.power_w is not None]
    energies = [each.energy_kwh for each in listed if each.energy_kwh is not None]
    counted = bool(listed) and len(energies) == len(listed)
    counters = ", ".join(each.counter or "" for each in listed)
    return Shown(
        _drawn(sum(powers)) if listed and len(powers) == len(listed) else None,
        sum(energies) if counted else None,
        f"supplies: {counters}" if counted else None,
    )


def present(resource: Json) -> bool:
    """Whether a supply is there at all: an empty bay has nothing to say."""
    return inside(resource, "Status", "State") not in ("Absent", "Disabled")


def either(first: Shown, second: Shown) -> Shown:
    """What the first says, and what only the second does."""
    return Shown(
        second.power_w if first.power_w is None else first.power_w,
        second.energy_kwh if first.energy_kwh is None else first.energy_kwh,
        second.counter if first.energy_kwh is None else first.counter,
    )


def inner(chassis: Mapping[str, Json]) -> set[str]:
    """Those of the chassis (by path) that stand within another one of them."""
    return {
        path
        for path, resource in chassis.items()
        if link(resource, "Links", "ContainedBy") in chassis.keys() - {path}
    }


def _counted(metrics: Json) -> tuple[float | None, str | None]:
    """Energy (kWh) and which register it is; the lifetime's is before one that may be reset."""
    for name in ("LifetimeReading", "Reading"):
        energy_kwh = positive(metrics, "EnergykWh", name)
        if energy_kwh is not None:
            return energy_kwh, name
    return None, None


def _drawn(power_w: float | None) -> float | None:
    # The controller that answers is itself fed: 0 is how some say that they cannot measure.
    return power_w or None
