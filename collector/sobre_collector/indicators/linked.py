"""The reduction as devices seen in both periods tell it: a check on the result, never the result.

Chained over matched devices, the index does not care who was monitored first, but it is blind to
renewals, since new models enter unlinked. Where it is far from R, one of the two assumptions is
broken (method 2.2.6).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from sobre_collector.indicators.moments import DeviceMonth, Stratum
from sobre_collector.indicators.ratio import DAY_TYPES

ALARM_STANDARD_ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class Matched:
    """kWh of devices seen in the same month of both years, at the reporting month's days."""

    devices: int
    before_kwh: float
    after_kwh: float


@dataclass(frozen=True, slots=True)
class LinkedStratum:
    """A sampled stratum: its baseline kWh, mean units in both periods, and matched months."""

    stratum: Stratum
    baseline_kwh: float
    before_n: float
    after_n: float
    matched: tuple[Matched, ...] = ()


@dataclass(frozen=True, slots=True)
class Linked:
    """R_link, and the strata whose link was borrowed from their class (or from all classes)."""

    reduction_ratio: float
    borrowed: tuple[Stratum, ...]
    devices: int


def matched(
    before: Mapping[str, DeviceMonth],
    after: Mapping[str, DeviceMonth],
    calendar_days: tuple[int, int],
) -> Matched:
    """Devices (by pseudonym) with valid days of the same day type in both years of one month.

    kWh per valid day of each day type, times the `calendar_days` of the reporting month on both
    sides: otherwise a month with one Saturday more would look like a saving.
    """
    devices, before_kwh, after_kwh = 0, [], []
    for name in before.keys() & after.keys():
        both = [t for t in DAY_TYPES if _rate(before[name], t) is not None]
        both = [t for t in both if _rate(after[name], t) is not None]
        devices += bool(both)
        before_kwh += [calendar_days[t] * (_rate(before[name], t) or 0.0) for t in both]
        after_kwh += [calendar_days[t] * (_rate(after[name], t) or 0.0) for t in both]
    return Matched(devices, fsum(before_kwh), fsum(after_kwh))


def _rate(device: DeviceMonth, day_type: int) -> float | None:
    days = device.valid_days[day_type]
    return device.energy_kwh[day_type] / days if days > 0 else None


def link_ratio(months: Iterable[Matched]) -> float | None:
    """L = Σ kWh after / Σ kWh before of the matched devices; None if none was matched."""
    listed = list(months)
    before_kwh = fsum(one.before_kwh for one in listed)
    return fsum(one.after_kwh for one in listed) / before_kwh if before_kwh > 0 else None


def linked_reduction(
    strata: Sequence[LinkedStratum],
    *,
    census_before_kwh: float,
    census_after_kwh: float,
    users_before: float,
    users_after: float,
) -> Linked | None:
    """R_link = 1 − {[Σ E_B·(N_R/N_B)·L + E_R,census] / E_B} / (U_R/U_B); None without any link.

    The metered census stands on both sides: E_B includes `census_before_kwh`.
    """
    of_all = link_ratio(one for stratum in strata for one in stratum.matched)
    baseline_kwh = fsum(s.baseline_kwh for s in strata) + census_before_kwh
    if of_all is None or baseline_kwh <= 0:
        return None
    moved_kwh, borrowed = [census_after_kwh], []
    for stratum in strata:
        link = link_ratio(stratum.matched)
        if link is None:
            borrowed.append(stratum.stratum)
            same = [s for s in strata if s.stratum.device_class == stratum.stratum.device_class]
            of_class = link_ratio(one for s in same for one in s.matched)
            link = of_all if of_class is None else of_class
        moved_kwh.append(stratum.baseline_kwh * stratum.after_n / stratum.before_n * link)
    return Linked(
        1 - fsum(moved_kwh) / baseline_kwh / (users_after / users_before),
        tuple(borrowed),
        max((one.devices for s in strata for one in s.matched), default=0),
    )


def disagrees(reduction_ratio: float, se_ratio: float, linked: Linked) -> bool:
    """Whether |R − R_link| > 2 SE: the result then needs an explanation before it is published."""
    return abs(reduction_ratio - linked.reduction_ratio) > ALARM_STANDARD_ERRORS * se_ratio
