"""Where loads end: at the minute, or at midnight and the edges of the working day."""

from dataclasses import dataclass
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from sobre_drivers.calendar import WorkingHours, day_bounds, local_day, working_span

LoadLength = Literal["minute", "ten-minutes", "hour", "day"]

_SECONDS = {"minute": 60, "ten-minutes": 600, "hour": 3600}


class Cutter(Protocol):
    """Boundaries in Unix seconds, each strictly after the one asked about."""

    def after(self, wall_s: float) -> int:
        """Where a load that is open at this second ends."""
        ...

    def midnight(self, wall_s: float) -> int:
        """Where the local day of this second ends: no load is longer."""
        ...


@dataclass(frozen=True, slots=True)
class Midnights:
    """Loads of a local day, cut at the edges of its working hours."""

    zone: ZoneInfo
    hours: WorkingHours

    def after(self, wall_s: float) -> int:
        day = local_day(wall_s, self.zone)
        edges = working_span(day, self.hours, self.zone) or ()
        return next((edge for edge in edges if edge > wall_s), self.midnight(wall_s))

    def midnight(self, wall_s: float) -> int:
        return day_bounds(local_day(wall_s, self.zone), self.zone)[1]


@dataclass(frozen=True, slots=True)
class Every:
    """Loads of a fixed length, aligned to the clock."""

    length_s: int
    zone: ZoneInfo

    def after(self, wall_s: float) -> int:
        return (int(wall_s) // self.length_s + 1) * self.length_s

    def midnight(self, wall_s: float) -> int:
        return day_bounds(local_day(wall_s, self.zone), self.zone)[1]


@dataclass(frozen=True, slots=True)
class Never:
    """No boundaries, while nobody knows what time it is."""

    def after(self, wall_s: float) -> int:
        return 2**62

    def midnight(self, wall_s: float) -> int:
        return 2**62


def cutter_for(load: LoadLength, zone: ZoneInfo, hours: WorkingHours) -> Cutter:
    """The cutter for a configured load length."""
    return Midnights(zone, hours) if load == "day" else Every(_SECONDS[load], zone)
