"""The datacentre: PUE as a ratio of sums, and outlets that idle (method 2.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum, hypot
from typing import Literal

from sobre_collector.indicators.quantiles import two_sided

Category = Literal[1, 2, 3]
Standing = Literal["whole", "interim", "metering-error"]

# Where IT energy is measured decides the category (EN 50600-4-2).
MEASURED_AT: Mapping[Category, str] = {1: "UPS output", 2: "PDU output", 3: "IT equipment input"}
WHOLE_MONTHS = 12
IDLE_W = 8.0
IDLE_DAYS = 60


@dataclass(frozen=True, slots=True)
class Month:
    """kWh of a month: all that entered the building, and what reached the IT equipment."""

    month: str
    facility_kwh: float
    it_kwh: float


@dataclass(frozen=True, slots=True)
class Pue:
    """Facility over IT energy, standard uncertainty, and how it may be called ("PUE2, 2025").

    `value` is None when nothing reached the IT equipment. "metering-error" stands for a value below
    1 in the whole or in one month: more came out than went in.
    """

    value: float | None
    u: float
    category: Category
    standing: Standing
    months: tuple[str, ...]
    wrong_months: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Category and period, which a PUE never goes without."""
        first, last = self.months[0], self.months[-1]
        year = {month[:4] for month in self.months}
        whole_year = len(year) == 1 and len(self.months) == WHOLE_MONTHS
        period = first[:4] if whole_year else first if first == last else f"{first}–{last}"
        return f"PUE{self.category}, {period}"

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """The two-sided interval at `level`; None without a value."""
        if self.value is None:
            return None
        half = two_sided(level) * self.u
        return self.value - half, self.value + half


def pue(
    months: Sequence[Month],
    category: Category,
    *,
    facility_u_ratio: float,
    it_u_ratio: float,
) -> Pue:
    """PUE over months, as Σ facility / Σ IT; fewer than 12 of them make it interim.

    The uncertainties (k = 1, relative) are those of the two meterings, each the same in all months.
    ValueError if there is no month, or one stands twice.
    """
    names = tuple(sorted(one.month for one in months))
    if not names or len(set(names)) != len(names):
        raise ValueError(f"months {names}: give each month once, and one at least")
    facility, it = fsum(m.facility_kwh for m in months), fsum(m.it_kwh for m in months)
    wrong = tuple(sorted(m.month for m in months if m.facility_kwh < m.it_kwh))
    if it <= 0:
        return Pue(None, 0.0, category, "metering-error" if wrong else "interim", names, wrong)
    value = facility / it
    standing: Standing = "whole" if len(names) >= WHOLE_MONTHS else "interim"
    if wrong:
        standing = "metering-error"
    return Pue(value, value * hypot(facility_u_ratio, it_u_ratio), category, standing, names, wrong)


@dataclass(frozen=True, slots=True)
class IdleOutlet:
    """An outlet below 8 W for 60 days: mean watts, and kWh per year if nothing changes.

    `drawing` is False where it drew nothing: then there is nothing to switch off.
    """

    device: str
    mean_w: float
    kwh_per_year: float
    days: int
    drawing: bool


def idle_outlets(
    daily_w: Mapping[str, Mapping[str, float]],
    last_day: str,
    *,
    below_w: float = IDLE_W,
    days: int = IDLE_DAYS,
) -> list[IdleOutlet]:
    """Outlets whose mean power was below `below_w` on each of the `days` days up to `last_day`.

    `daily_w` is mean W by ISO day. An outlet with a day missing is not listed: it may have worked
    on that day. The largest come first.
    """
    end = date.fromisoformat(last_day)
    wanted = [(end - timedelta(days=n)).isoformat() for n in range(days)]
    found = []
    for device, by_day in daily_w.items():
        powers = [by_day[day] for day in wanted if day in by_day]
        if len(powers) == days and max(powers) < below_w:
            mean_w = fsum(powers) / days
            found.append(IdleOutlet(device, mean_w, mean_w * 8.766, days, mean_w > 0))
    return sorted(found, key=lambda outlet: (-outlet.mean_w, outlet.device))
