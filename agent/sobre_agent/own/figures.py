"""Today, the week and the year of this PC, from its facts: what text and page show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sobre_drivers.errors import StoreError
from sobre_drivers.load import Origin

J_PER_KWH = 3_600_000


@dataclass(frozen=True, slots=True)
class Period:
    """Energy (J) from the local day `first` on, and of it outside working hours."""

    first: date
    energy_j: int
    night_j: int

    @property
    def night_ratio(self) -> float | None:
        """Share outside working hours; None if nothing was used."""
        return self.night_j / self.energy_j if self.energy_j else None


@dataclass(frozen=True, slots=True)
class Delivered:
    """Loads that the collector has confirmed, that wait, and that were refused; last answer."""

    confirmed: int
    waiting: int
    refused: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Mine:
    """All that is shown. `since` is the first local day that is known, None if none is yet.

    `days` are the last fourteen, `months` those of this year. `at` is when it was told.
    """

    device: str
    at: datetime
    hours: tuple[int, int]
    since: str | None
    periods: Mapping[str, Period]
    days: Sequence[Period]
    months: Sequence[Period]
    method: str
    origin: Origin
    uncertainty_ratio: float | None
    delivered: Delivered


def of(facts: Mapping[str, Any], today: date) -> Mine:
    """The figures as they are today; StoreError if the facts are not what they should be."""
    try:
        return _of(facts, today)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"what was written of this PC lacks {error}; restart the agent") from error


def _of(facts: Mapping[str, Any], today: date) -> Mine:
    zone = ZoneInfo(facts["timezone"])
    days = [Period(date.fromisoformat(day), *sums) for day, *sums in facts["days"]]
    months = [Period(date.fromisoformat(f"{month}-01"), *sums) for month, *sums in facts["months"]]
    monday, new_year = today - timedelta(days=today.weekday()), today.replace(month=1, day=1)
    this_year = [month for month in months if month.first >= new_year]
    answered, (start_h, end_h) = facts["answered"], facts["hours"]
    return Mine(
        device=facts["device"],
        at=datetime.fromtimestamp(facts["time"], zone),
        hours=(start_h, end_h),
        since=facts["since"],
        periods={
            "today": _sum(today, days),
            "week": _sum(monday, days),
            "year": _sum(new_year, this_year),
        },
        days=days,
        months=this_year,
        method=facts["method"],
        origin=Origin(facts["origin"]),
        uncertainty_ratio=facts["uncertainty_ratio"],
        delivered=Delivered(
            facts["confirmed"],
            facts["waiting"],
            facts["refused"],
            None if answered is None else datetime.fromtimestamp(answered, zone),
        ),
    )


def _sum(first: date, parts: Sequence[Period]) -> Period:
    within = [part for part in parts if part.first >= first]
    return Period(first, sum(p.energy_j for p in within), sum(p.night_j for p in within))
