"""Days of a month become stratum-months: what the indicators read, and what stays for ever."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from sobre_collector.day_sums import rounded
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, month_rows
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.perimeter.metering import Tree, change_days, counted
from sobre_collector.rows import DayRow, Device, Key
from sobre_drivers.calendar import WorkingHours, rests
from sobre_drivers.load import personal

J_PER_KWH = 3_600_000


def stratum_months(
    month: str,
    days: Iterable[DayRow],
    devices: Mapping[Key, Device],
    perimeter: Perimeter,
    through: date | None = None,
) -> list[StratumMonth]:
    """The strata of a month, from the days of its devices that count (method.md 2.2.2).

    `through` is the last day that counts, for a month that is not over: its totals are of the days
    so far. Days of devices that are not in the ledger count nowhere: they belong to no stratum.
    One or two workstations of a stratum are joined with others (`month_rows`).
    ConfigError if the metering tree would count a joule twice.
    """
    strata = device_months(days, devices, perimeter, through)
    return reduced(month, day_types(month, perimeter.working_hours, through), strata)


def device_months(
    days: Iterable[DayRow],
    devices: Mapping[Key, Device],
    perimeter: Perimeter,
    through: date | None = None,
) -> dict[Stratum, dict[Key, DeviceMonth]]:
    """The month of each device that counts, by stratum; arguments as in `stratum_months`."""
    counting = Counting(devices, perimeter.metering)
    by_device: dict[Key, list[DayRow]] = {}
    for row in days:
        day = date.fromisoformat(row.day)
        if through is not None and day > through:
            continue
        if row.key in devices and counting.on(row.key, day):
            by_device.setdefault(row.key, []).append(row)
    strata: dict[Stratum, dict[Key, DeviceMonth]] = {}
    for key, rows in by_device.items():
        device = devices[key]
        stratum = Stratum(device.organisation, device.site, device.device_class)
        strata.setdefault(stratum, {})[key] = device_month(rows, perimeter.working_hours)
    return strata


def reduced(
    month: str,
    calendar_days: tuple[int, int],
    strata: Mapping[Stratum, Mapping[Key, DeviceMonth]],
) -> list[StratumMonth]:
    """What is kept of the devices' months."""
    listed = {stratum: list(members.values()) for stratum, members in strata.items()}
    return month_rows(month, calendar_days, listed, personal)


def device_month(days: Iterable[DayRow], hours: WorkingHours) -> DeviceMonth:
    """One device's valid days, each with weight 1, by day type.

    What the day itself filled with its own mean is filled again here with the device's mean for
    that day type, which only the whole month knows (method.md 2.0).
    """
    by_type: tuple[list[DayRow], list[DayRow]] = ([], [])
    for row in days:
        if row.valid:
            by_type[rests(date.fromisoformat(row.day), hours)].append(row)
    energy_j, measured_j, out_j = [0, 0], 0, 0
    for day_type, rows in enumerate(by_type):
        known_j = sum(row.energy_j - row.filled_j for row in rows)
        observed_s = sum(row.observed_s for row in rows)
        for row in rows:
            blank_s = row.length_s - row.observed_s - row.state_s.get("unknown", 0)
            day_known_j = row.energy_j - row.filled_j
            own_j = rounded(blank_s * day_known_j, row.observed_s)
            typical_j = rounded(blank_s * known_j, observed_s)
            day_j = row.energy_j - own_j + typical_j
            energy_j[day_type] += day_j
            # A total on a meter is measured, whatever is guessed about its moment.
            measured_j += row.measured_j + row.allocated_j
            out_j += rounded(day_j * row.out_of_hours_j, row.energy_j) if row.energy_j else 0
    whole_j = sum(energy_j)
    return DeviceMonth(
        energy_kwh=(energy_j[0] / J_PER_KWH, energy_j[1] / J_PER_KWH),
        valid_days=(float(len(by_type[0])), float(len(by_type[1]))),
        measured_kwh=measured_j / J_PER_KWH,
        estimated_kwh=(whole_j - measured_j) / J_PER_KWH,
        out_of_hours_kwh=out_j / J_PER_KWH,
    )


class Counting:
    """Which devices count on which day, worked out once for each state of the metering tree."""

    def __init__(self, devices: Iterable[Key], tree: Tree) -> None:
        self._devices, self._tree = frozenset(devices), tree
        self._changes = change_days(tree)
        self._found: dict[int, frozenset[Key]] = {}

    def on(self, key: Key, day: date) -> bool:
        """Whether a device counts on a local day."""
        state = sum(change <= day for change in self._changes)
        if state not in self._found:
            self._found[state] = counted(self._devices, self._tree, day)
        return key in self._found[state]


def day_types(month: str, hours: WorkingHours, through: date | None = None) -> tuple[int, int]:
    """How many days of a month, up to `through`, are work days and days of rest."""
    first, last = month_bounds(month)
    if through is not None:
        last = min(last, through)
    whole = max(0, (last - first).days + 1)
    resting = sum(rests(first + timedelta(days=n), hours) for n in range(whole))
    return whole - resting, resting


def month_bounds(month: str) -> tuple[date, date]:
    """The first and the last day of a month ("2026-11")."""
    first = date(int(month[:4]), int(month[5:]), 1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def month_after(month: str) -> str:
    """The month that follows."""
    after = month_bounds(month)[1] + timedelta(days=1)
    return f"{after.year:04}-{after.month:02}"
