"""What printing costs and what changed: kWh per page, fewer printers against shorter hours.

Reductions are those of method 2.3, with hours or pages in the place of kWh; here stands what only
printers have (method 2.5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, hypot, inf, sqrt

from sobre_collector.indicators.lmdi import decomposed, points
from sobre_collector.indicators.quantiles import two_sided
from sobre_collector.indicators.unit_month import PageSums

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class PageEnergy:
    """Energy per page with all standby in it, per further page, and without any page.

    The slope and standby are None where pages never varied, standby also where the line would
    cut below nothing; per page is None without pages.
    """

    wh_per_page: float | None
    wh_per_further_page: float | None
    standby_kwh_per_day: float | None
    kwh_per_week: float


@dataclass(frozen=True, slots=True)
class Change:
    """A ratio of falling use with its parts in points, which add up to −reduction."""

    reduction_ratio: float
    effects_h: Mapping[str, float]
    points: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Saving:
    """kWh per year with standard error and degrees of freedom."""

    kwh: float
    u_kwh: float
    df: float = inf

    def interval_kwh(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided interval at `level`."""
        half = two_sided(level, self.df) * self.u_kwh
        return self.kwh - half, self.kwh + half


def page_energy(kwh: Sequence[float], pages: Sequence[int], days: float) -> PageEnergy:
    """From kWh and pages of the same periods (days, or printer-days of a model), over `days` days.

    The ratio of sums, not the mean of ratios: a day without pages would have none. The slope is
    that of the least squares line, its intercept the standby of one period.
    """
    if len(kwh) != len(pages) or not kwh or days <= 0:
        raise ValueError(f"{len(kwh)} energies and {len(pages)} page counts over {days} days")
    sums = PageSums(
        len(kwh),
        fsum(kwh),
        sum(pages),
        sum(p * p for p in pages),
        fsum(p * e for p, e in zip(pages, kwh, strict=True)),
    )
    return page_energy_of(sums, days)


def page_energy_of(sums: PageSums, days: float) -> PageEnergy:
    """The same from the sums of `sums.days` periods that last `days` days together."""
    n = sums.days
    # Whole numbers until the last step: without any spread this is exactly 0.
    spread = n * sums.pages_square - sums.pages**2
    slope = standby = None
    if spread > 0:
        slope = (n * sums.kwh_pages - sums.pages * sums.kwh) / spread
        standby = (sums.kwh - slope * sums.pages) / days
        # A line that cuts below nothing does not describe these printers without pages.
        standby = standby if standby >= 0 else None
    return PageEnergy(
        1000 * sums.kwh / sums.pages if sums.pages else None,
        None if slope is None else 1000 * slope,
        standby,
        tec_kwh_per_week(sums.kwh, days),
    )


def tec_kwh_per_week(kwh: float, days: float) -> float:
    """Typical energy consumption as measured, E/days·7.

    Not comparable with a nameplate: its test changed between versions of the label.
    """
    return kwh / days * WEEK_DAYS


def fewer_and_shorter(
    before_n: float, before_h: float, after_n: float, after_h: float, days: float
) -> Change:
    """Running hours of the fleet per year: printers × hours per printer and day × days.

    Effects "fewer" and "shorter" in hours, and in points of the first year's hours.
    """
    effects = decomposed(
        {"fewer": before_n, "shorter": before_h * days},
        {"fewer": after_n, "shorter": after_h * days},
    )
    whole_h = before_n * before_h * days
    return Change(1 - after_n * after_h * days / whole_h, effects, points(effects, whole_h))


@dataclass(frozen=True, slots=True)
class WindowUse:
    """One printer within the hours that a schedule would switch off, over `days` seen days.

    `printed_kwh` is what it used there for pages, which would be printed at another time.
    """

    kwh: float
    printed_kwh: float
    hours: float
    days: float


def schedule_saving(
    printers: Sequence[WindowUse],
    *,
    fleet_n: float,
    off_w: float,
    restart_kwh: float,
    u_restart_kwh: float,
    days_per_year: float,
) -> Saving:
    """What "off from 20 h to 7 h" would save in a year, before it is decided.

    Per printer-day: energy in the window, less that of its pages, less `off_w` that stays, less one
    warm-up in the morning. A ratio over printers, so that one seen for long weighs accordingly;
    its error is that of sampling, and of the warm-up, which is the same for all.
    """
    n = len(printers)
    seen_days = fsum(p.days for p in printers)
    if n < 2 or seen_days <= 0:
        raise ValueError(
            f"{n} printers over {seen_days} days: a saving needs two printers at least"
        )
    saved = [
        p.kwh - p.printed_kwh - off_w * p.hours / 1000 - restart_kwh * p.days for p in printers
    ]
    per_day = fsum(saved) / seen_days
    square = fsum((s - per_day * p.days) ** 2 for s, p in zip(saved, printers, strict=True))
    f = min(1.0, n / fleet_n)
    u_per_day = sqrt((1 - f) * n / (n - 1) * square) / seen_days
    scale = fleet_n * days_per_year
    return Saving(
        scale * per_day, hypot(scale * u_per_day, scale * u_restart_kwh), n - 1 if f < 1 else inf
    )


def smaller_range_saving(
    larger: tuple[float, float], smaller: tuple[float, float], printers_n: float
) -> Saving:
    """Does the smaller range pay? kWh per year from each range's kWh per printer-year and its u.

    The ranges are compared as they are used: print volumes differ, and that must be said beside it.
    """
    kwh = printers_n * (larger[0] - smaller[0])
    return Saving(kwh, printers_n * hypot(larger[1], smaller[1]))
