"""What a month keeps of its devices before they are forgotten: who joined, who was silent."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean, variance

import pytest

from collected import PARIS, PERIMETER, STREAM, H
from sobre_collector.duties import House, close_month
from sobre_collector.indicators.moments import (
    DeviceMonth,
    Stratum,
    from_json,
    stratum_month,
    to_json,
)
from sobre_collector.indicators.month_checks import Joined, MonthChecks
from sobre_collector.month_checks import joiners
from sobre_collector.rows import Arrival, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import midnight
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin

LAPTOPS = Stratum("northtown", "hall", "workstation.laptop")


def device(name: str, first_seen: date) -> Device:
    at = midnight(first_seen, PARIS) + 6 * H
    return Device(Key(name, name), LAPTOPS.device_class, "northtown", "hall", "model", 90, 0.3, at)


def used(kwh: float) -> DeviceMonth:
    return DeviceMonth((kwh, 0.0), (20.0, 10.0), kwh, 0.0, 0.0)


# Day on which each was first seen, and its kWh in November 2026.
SEEN = {
    "old-1": (date(2026, 9, 20), 10.0),
    "old-2": (date(2026, 9, 30), 12.0),
    "old-3": (date(2026, 10, 1), 11.0),
    "old-4": (date(2025, 1, 1), 13.0),
    "new-1": (date(2026, 10, 2), 6.0),
    "new-2": (date(2026, 10, 31), 7.0),
    "new-3": (date(2026, 11, 1), 8.0),
    "late": (date(2026, 11, 2), 99.0),
}


def compared(names: list[str]) -> dict[Stratum, Joined]:
    known = {Key(n, n): device(n, SEEN[n][0]) for n in names}
    months = {Key(n, n): used(SEEN[n][1]) for n in names}
    return joiners("2026-11", (20, 10), {LAPTOPS: months}, known, PARIS)


def test_devices_in_their_first_whole_month_stand_against_those_of_before() -> None:
    found = compared(list(SEEN))[LAPTOPS]
    old, new = [10.0, 12.0, 11.0, 13.0], [6.0, 7.0, 8.0]
    assert (found.joined, found.present, found.df) == (3, 4, 5.0)
    mean = fmean(old + new)
    assert found.difference_ratio == pytest.approx((fmean(new) - fmean(old)) / mean)
    # All devices saw the same days: s² is the plain variance of their kWh, with n + m − 1.
    expected = variance(old + new) * (1 / 3 + 1 / 4) / mean**2
    assert found.variance == pytest.approx(expected)


@pytest.mark.parametrize(
    "names",
    [
        ["old-1", "old-2", "old-3", "new-1", "new-2"],
        ["old-1", "old-2", "new-1", "new-2", "new-3"],
        ["old-1", "old-2", "old-3", "old-4"],
    ],
    ids=["two-joined", "two-present", "nobody-joined"],
)
def test_a_side_of_fewer_than_three_keeps_nothing(names: list[str]) -> None:
    assert compared(names) == {}


def test_a_month_keeps_its_checks_through_text_and_an_old_one_has_none() -> None:
    joined = Joined(3, 9, -0.25, 0.0125, 10.0)
    row = stratum_month("2026-11", LAPTOPS, (20, 10), [used(1.0), used(2.0), used(4.0)])
    told = json.loads(json.dumps(to_json(row)))
    assert "checks" not in told
    assert from_json(told).checks is None
    told["checks"] = {
        "v": 1,
        "joined": {
            "joined": 3, "present": 9, "difference_ratio": -0.25, "variance": 0.0125, "df": 10.0,
        },
        "silent_days": [4, 2],
        "silent_devices": 2,
    }  # fmt: skip
    assert from_json(told).checks == MonthChecks(joined, (4, 2), 2)
    assert to_json(from_json(told))["checks"] == told["checks"]
    told["checks"]["v"] = 2
    with pytest.raises(StoreError, match="version 2"):
        from_json(told)


def test_silent_days_are_counted_when_the_month_is_closed_and_not_of_who_is_gone(
    tmp_path: Path,
) -> None:
    """Laptops: five heard all month, one until the 9th, one last heard in June."""
    series, ledger = SqliteSeries(tmp_path), Ledger(tmp_path / "ledger.db")
    told = {**dict.fromkeys("acdef", range(1, 31)), "b": range(1, 10), "gone": range(0)}
    months = {**dict.fromkeys("abcdef", 11), "gone": 6}
    try:
        for name in told:
            ledger.put_device(device(name, date(2026, 1, 1)))
        ledger.put_device(device("joiner", date(2026, 11, 27)))
        loads = []
        for name, days in {**told, "gone": range(10, 11)}.items():
            for seq, number in enumerate(days, 1):
                day = date(2026, months[name], number)
                begins, ends = (midnight(d, PARIS) for d in (day, day + timedelta(days=1)))
                states = {"on": 8 * H, "off": ends - begins - 8 * H}
                load = Load(name, seq, ends, ends - begins, 900_000, 10**9, Origin.MEASURED, states)
                loads.append(Arrival(name, STREAM, load, True, ends))
        series.append(loads)
        now = int(datetime(2027, 1, 5, 12, tzinfo=UTC).timestamp())
        close_month(House(series, ledger, PERIMETER), now, "2026-11")
        (row,) = ledger.months("2026-11", "2026-11")
    finally:
        series.close()
        ledger.close()
    assert row.devices == 6
    assert row.checks is not None
    # The 10th to the 30th of November 2026: 14 work days, of rest the 11th and three week-ends.
    assert row.checks.silent_days == (14.0, 7.0)
    assert row.checks.silent_devices == 1
