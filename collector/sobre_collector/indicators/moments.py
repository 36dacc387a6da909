"""Sufficient statistics of a stratum-month: what stays when the devices' own rows are forgotten.

At the close of a month the ledger keeps these sums and second moments for ever. The total and the
variance for any inventory can be recomputed from them exactly, and no device can be read in them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum, sqrt
from typing import Any

from sobre_collector.indicators import month_checks
from sobre_collector.indicators.month_checks import MonthChecks
from sobre_drivers.errors import StoreError

# Second moments of two devices and their sums give both devices away.
MIN_DEVICES_FOR_SQUARES = 3
# The days seen, which are small integers, can be puzzled out; then ten figures are kept of the
# devices' energies (sums, squares, the largest), and five devices have ten energies by day type.
MIN_PEOPLE = 6
# With the largest of three known, sum and squares leave but the other two.
MIN_DEVICES_FOR_LARGEST = 4
# Stands for "several" in the site or organisation of a row that joins strata too small to keep.
POOLED = "*"
# Upper triangle of the 4×4 matrix over (x_work, x_rest, w_work, w_rest), row by row.
PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))


@dataclass(frozen=True, slots=True, order=True)
class Stratum:
    """Where sampling happens: organisation × site × class."""

    organisation: str
    site: str
    device_class: str


@dataclass(frozen=True, slots=True)
class DeviceMonth:
    """One device in one month; pairs are by day type: index 0 "work" days, 1 "rest" days.

    `energy_kwh` counts valid days only; `measured_kwh` and `estimated_kwh` add up to it.
    """

    energy_kwh: tuple[float, float]
    valid_days: tuple[float, float]
    measured_kwh: float
    estimated_kwh: float
    out_of_hours_kwh: float


@dataclass(frozen=True, slots=True)
class StratumMonth:
    """One stratum in one month ("2026-11"); `squares` and `largest_kwh` are None below 3 devices.

    Of three devices `largest_kwh` is what the squares allow at most, not the largest itself.

    `sums` is Σ of (x_work, x_rest, w_work, w_rest) over devices, x in kWh and w in valid
    device-days; `squares` holds the ten second moments in the order of `PAIRS`.

    `billed_u_kwh` (k = 1) is only given where a bill says it all: one unit, seen each day, never
    sampled; with no day at all, the bill of that month is missing. `calibration` is the number in
    the ledger of the factor that estimated energy was multiplied by, if any. `checks` is what is
    kept of its single devices, None in months closed before that was kept.
    """

    month: str
    stratum: Stratum
    devices: int
    calendar_days: tuple[int, int]
    sums: tuple[float, float, float, float]
    squares: tuple[float, ...] | None
    measured_kwh: float
    estimated_kwh: float
    out_of_hours_kwh: float
    largest_kwh: float | None
    billed_u_kwh: float | None = None
    calibration: int | None = None
    checks: MonthChecks | None = None


def stratum_month(
    month: str, stratum: Stratum, calendar_days: tuple[int, int], rows: Iterable[DeviceMonth]
) -> StratumMonth:
    """Reduce device rows to what is kept; devices without a valid day are not monitored.

    Sums are correctly rounded (`fsum`), so the order of the rows changes no bit: a month that is
    rebuilt from the same days is equal.
    """
    seen = [row for row in rows if row.valid_days[0] > 0 or row.valid_days[1] > 0]
    vectors = [(*row.energy_kwh, *row.valid_days) for row in seen]
    keeps_squares = len(seen) >= MIN_DEVICES_FOR_SQUARES
    largest_kwh = None
    if keeps_squares:
        each = [sum(row.energy_kwh) for row in seen]
        largest_kwh = max(each) if len(each) >= MIN_DEVICES_FOR_LARGEST else _at_most(each)
    return StratumMonth(
        month=month,
        stratum=stratum,
        devices=len(seen),
        calendar_days=calendar_days,
        sums=(
            fsum(v[0] for v in vectors),
            fsum(v[1] for v in vectors),
            fsum(v[2] for v in vectors),
            fsum(v[3] for v in vectors),
        ),
        squares=tuple(fsum(v[i] * v[j] for v in vectors) for i, j in PAIRS)
        if keeps_squares
        else None,
        measured_kwh=fsum(row.measured_kwh for row in seen),
        estimated_kwh=fsum(row.estimated_kwh for row in seen),
        out_of_hours_kwh=fsum(row.out_of_hours_kwh for row in seen),
        largest_kwh=largest_kwh,
    )


def _at_most(kwh: Sequence[float]) -> float:
    """What the largest can be at most, from sum and squares alone (Samuelson's inequality)."""
    n, whole = len(kwh), fsum(kwh)
    squared = fsum(one * one for one in kwh) - whole * whole / n
    return min(whole, whole / n + sqrt(max(0.0, squared) * (n - 1) / n))


def billed_month(
    month: str, stratum: Stratum, calendar_days: tuple[int, int], kwh: float, u_kwh: float
) -> StratumMonth:
    """A month that a bill tells, spread evenly over its days; when in the day it does not say."""
    work, rest = calendar_days
    per_day_kwh = kwh / (work + rest)
    sums = (per_day_kwh * work, kwh - per_day_kwh * work, float(work), float(rest))
    return StratumMonth(
        month, stratum, 1, calendar_days, sums, None, kwh, 0.0, 0.0, None, billed_u_kwh=u_kwh
    )


def unbilled_month(month: str, stratum: Stratum, calendar_days: tuple[int, int]) -> StratumMonth:
    """The month of a bill that is missing: it stands there, so that no total passes it over."""
    nothing = (0.0, 0.0, 0.0, 0.0)
    return StratumMonth(
        month, stratum, 0, calendar_days, nothing, None, 0.0, 0.0, 0.0, None, billed_u_kwh=0.0
    )


def month_rows(
    month: str,
    calendar_days: tuple[int, int],
    devices: Mapping[Stratum, Sequence[DeviceMonth]],
    is_personal: Callable[[str], bool],
) -> list[StratumMonth]:
    """The rows to keep of a month, in which no personal stratum of fewer than six is left.

    Such strata are joined over the sites of their organisation, and if that is still too few, over
    organisations. The joined row (`POOLED`) tells about the class; its strata then borrow from it.
    What is still too few even then is forgotten: its sums would be its people's.
    """
    kept: dict[Stratum, list[DeviceMonth]] = {}
    small: dict[Stratum, list[DeviceMonth]] = defaultdict(list)
    smallest: dict[Stratum, list[DeviceMonth]] = defaultdict(list)
    for stratum, rows in devices.items():
        seen = [row for row in rows if sum(row.valid_days) > 0]
        if is_personal(stratum.device_class) and 0 < len(seen) < MIN_PEOPLE:
            small[replace(stratum, site=POOLED)] += seen
        else:
            kept[stratum] = seen
    for stratum, rows in small.items():
        if len(rows) >= MIN_PEOPLE:
            kept[stratum] = rows
        else:
            smallest[replace(stratum, organisation=POOLED)] += rows
    for stratum, rows in smallest.items():
        # The empty row says that there was somebody, so that nobody takes the month for whole.
        kept[stratum] = rows if len(rows) >= MIN_PEOPLE else []
    return [
        stratum_month(month, stratum, calendar_days, rows) for stratum, rows in sorted(kept.items())
    ]


def to_json(m: StratumMonth) -> dict[str, Any]:
    """A JSON object; `from_json` gives back an equal row, bit for bit, even through text."""
    # Left out where they say nothing, so that months which were closed before stay as they are.
    checks = None if m.checks is None else month_checks.to_json(m.checks)
    more = {"billed_u_kwh": m.billed_u_kwh, "calibration": m.calibration, "checks": checks}
    return {
        **{name: value for name, value in more.items() if value is not None},
        "month": m.month,
        "organisation": m.stratum.organisation,
        "site": m.stratum.site,
        "class": m.stratum.device_class,
        "devices": m.devices,
        "calendar_days": list(m.calendar_days),
        "sums": list(m.sums),
        "squares": None if m.squares is None else list(m.squares),
        "measured_kwh": m.measured_kwh,
        "estimated_kwh": m.estimated_kwh,
        "out_of_hours_kwh": m.out_of_hours_kwh,
        "largest_kwh": m.largest_kwh,
    }


def from_json(d: Mapping[str, Any]) -> StratumMonth:
    """The row that `to_json` wrote; StoreError if it is another shape."""
    try:
        x_work, x_rest, w_work, w_rest = d["sums"]
        work, rest = d["calendar_days"]
        squares = None if d["squares"] is None else tuple(d["squares"])
        if squares is not None and len(squares) != len(PAIRS):
            raise ValueError(f"{len(squares)} second moments where there are {len(PAIRS)}")
        return StratumMonth(
            month=d["month"],
            stratum=_stratum(d["organisation"], d["site"], d["class"]),
            devices=d["devices"],
            calendar_days=(work, rest),
            sums=(x_work, x_rest, w_work, w_rest),
            squares=squares,
            measured_kwh=d["measured_kwh"],
            estimated_kwh=d["estimated_kwh"],
            out_of_hours_kwh=d["out_of_hours_kwh"],
            largest_kwh=d["largest_kwh"],
            billed_u_kwh=d.get("billed_u_kwh"),
            calibration=d.get("calibration"),
            checks=month_checks.from_json(d["checks"]) if "checks" in d else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"stored month: {error!r} in {sorted(d)}; rebuild it or restore the ledger's back-up"
        ) from error


@lru_cache(maxsize=65_536)
def _stratum(organisation: str, site: str, device_class: str) -> Stratum:
    # One object a stratum: a dictionary finds what is the same without comparing its fields.
    return Stratum(organisation, site, device_class)
