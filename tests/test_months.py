"""Months: days of devices that count, by stratum and day type."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.duties import House, close_month, month_totals
from sobre_collector.indicators.moments import Stratum
from sobre_collector.months import day_types, device_month, month_after, stratum_months
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.perimeter.metering import Link
from sobre_collector.rows import DayRow, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import WorkingHours
from sobre_drivers.errors import ConfigError

HOURS = WorkingHours()
KWH = 3_600_000


def perimeter(*tree: Link) -> Perimeter:
    return Perimeter(Baseline(2022, "measured"), metering=tree)


def device(name: str, device_class: str = "server", site: str = "dc") -> Device:
    return Device(Key("n", name), device_class, "northtown", site, "meter", 500.0, None, 0)


def day(name: str, number: int, kwh: float, **more: Any) -> DayRow:
    fields: dict[str, Any] = {
        "key": Key("n", name),
        "personal": False,
        "day": date(2026, 11, number).isoformat(),
        "length_s": 86_400,
        "observed_s": 86_400,
        "off_s": 0,
        "measured_j": round(kwh * KWH),
        "estimated_j": 0,
        "allocated_j": 0,
        "out_of_hours_j": 0,
        "valid": True,
    }
    return DayRow(**{**fields, **more})


def test_a_month_has_its_work_days_and_its_days_of_rest() -> None:
    # November 2026: nine weekend days; the 1st is a Sunday, the 11th a Wednesday.
    assert day_types("2026-11", HOURS) == (20, 10)
    assert day_types("2026-11", HOURS, date(2026, 11, 11)) == (7, 4)
    assert day_types("2026-11", HOURS, date(2026, 10, 31)) == (0, 0)
    assert (month_after("2026-11"), month_after("2026-12")) == ("2026-12", "2027-01")


def test_days_are_parted_by_day_type_and_invalid_ones_left_out() -> None:
    rows = [
        day("a", 10, 2.0),
        day("a", 11, 0.5),
        day("a", 12, 1.0, measured_j=0, estimated_j=KWH // 4, allocated_j=3 * KWH // 4),
        day("a", 13, 9.0, valid=False),
    ]
    found = device_month(rows, HOURS)
    assert found.energy_kwh == (3.0, 0.5)
    assert found.valid_days == (2.0, 1.0)
    # The total of an allocated load is on a meter; only its moment is a guess.
    assert (found.measured_kwh, found.estimated_kwh) == (3.25, 0.25)


def test_missing_time_at_the_edge_of_a_day_takes_the_power_of_its_day_type() -> None:
    # 100 W over 21.6 h with 2.4 h missing, between days of 50 W: (100·21.6 + 50·48)/69.6 W.
    length_s, hole_s = 86_400, 8_640
    own_j = 100 * hole_s
    rows = [
        day(
            "a",
            10,
            0,
            observed_s=length_s - hole_s,
            measured_j=100 * (length_s - hole_s),
            estimated_j=own_j,
            filled_j=own_j,
        ),
        day("a", 12, 0, measured_j=50 * length_s),
        day("a", 13, 0, measured_j=50 * length_s),
        day("a", 14, 0, measured_j=10 * length_s),
    ]
    mean_w = (100 * 21.6 + 50 * 48) / 69.6
    found = device_month(rows, HOURS)
    assert found.energy_kwh[0] * KWH == pytest.approx(
        100 * 77_760 + 100 * length_s + mean_w * hole_s, abs=2
    )
    assert found.estimated_kwh * KWH == pytest.approx(mean_w * hole_s, abs=2)
    assert found.energy_kwh[1] * KWH == pytest.approx(10 * length_s, abs=1e-6)


def test_time_filled_between_samples_in_use_stays_as_it_was_filled() -> None:
    row = day(
        "a", 10, 0, observed_s=82_800, measured_j=828_000, estimated_j=99_000, filled_j=99_000
    )
    other = day("a", 12, 0, measured_j=86_400)
    bridged = DayRow(**{**_fields(row), "state_s": {"unknown": 3_600}})
    found = device_month([bridged, other], HOURS)
    assert found.energy_kwh[0] * KWH == pytest.approx(828_000 + 99_000 + 86_400, abs=1e-6)


def _fields(row: DayRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def test_strata_gather_the_devices_of_an_organisation_site_and_class() -> None:
    devices = {d.key: d for d in (device("a"), device("b"), device("c", site="hall"))}
    rows = [day("a", 10, 2.0), day("b", 10, 3.0), day("c", 10, 4.0), day("stranger", 10, 99.0)]
    first, second = stratum_months("2026-11", rows, devices, perimeter())
    assert first.stratum == Stratum("northtown", "dc", "server")
    assert (first.devices, first.sums) == (2, (5.0, 0.0, 2.0, 0.0))
    assert (second.devices, second.sums) == (1, (4.0, 0.0, 1.0, 0.0))
    assert first.calendar_days == (20, 10)


def test_a_month_that_is_not_over_counts_its_days_so_far() -> None:
    devices = {d.key: d for d in (device("a"),)}
    rows = [day("a", 10, 2.0), day("a", 12, 3.0)]
    (found,) = stratum_months("2026-11", rows, devices, perimeter(), date(2026, 11, 11))
    assert (found.sums, found.calendar_days) == ((2.0, 0.0, 1.0, 0.0), (7, 4))


def test_what_a_feeder_counts_its_children_do_not_count_again() -> None:
    devices = {d.key: d for d in (device("feeder", "facility"), device("a"), device("b"))}
    # The feeder counts from the 12th on, its child until then.
    change, eve = date(2026, 11, 12), date(2026, 11, 11)
    tree = (
        _link("feeder", None, counts=False, until=eve),
        _link("feeder", None, counts=True, since=change),
        _link("a", "feeder", counts=True, until=eve),
        _link("a", "feeder", counts=False, since=change),
    )
    rows = [day(name, n, 1.0) for n in (10, 12, 13) for name in ("feeder", "a", "b")]
    found = {
        row.stratum.device_class: row.sums
        for row in stratum_months("2026-11", rows, devices, perimeter(*tree))
    }
    assert found["facility"] == (2.0, 0.0, 2.0, 0.0)
    # One day of a, three of b.
    assert found["server"] == (4.0, 0.0, 4.0, 0.0)


def test_a_total_that_would_count_a_joule_twice_is_refused() -> None:
    devices = {d.key: d for d in (device("feeder"), device("a"))}
    tree = (_link("a", "feeder", counts=True),)
    with pytest.raises(ConfigError, match="and so does feeder"):
        stratum_months("2026-11", [day("a", 10, 1.0)], devices, perimeter(*tree))


def test_the_order_of_the_days_changes_no_bit() -> None:
    devices = {d.key: d for d in (device(str(n)) for n in range(7))}
    rows = [day(str(n), d, 0.1 * n + 0.01 * d) for n in range(7) for d in range(1, 31)]
    assert _months(rows, devices) == _months(reversed(rows), devices)


def _months(rows: Iterable[DayRow], devices: dict[Key, Device]) -> Any:
    return stratum_months("2026-11", rows, devices, perimeter())


def _link(name: str, feeder: str | None, **more: Any) -> Link:
    return Link(Key("n", name), Key("n", feeder) if feeder else None, **more)


def test_a_year_of_days_of_one_type_has_the_year_as_its_days() -> None:
    months = [f"2026-{n:02}" for n in range(1, 13)]
    whole = [day_types(month, HOURS) for month in months]
    # 2026: 104 weekend days, and nine of the eleven holidays on a weekday.
    assert sum(rest for _, rest in whole) == 104 + 9
    assert sum(work + rest for work, rest in whole) == (date(2027, 1, 1) - date(2026, 1, 1)).days


def _workstations(places: Mapping[tuple[str, str], int]) -> tuple[list[DayRow], dict[Key, Device]]:
    """A day of 1, 2, 3… kWh for so many laptops of each (organisation, site)."""
    rows: list[DayRow] = []
    devices: dict[Key, Device] = {}
    for (organisation, site), count in places.items():
        for _ in range(count):
            key = Key("n", f"pc-{len(devices)}")
            devices[key] = Device(
                key, "workstation.laptop", organisation, site, "model", 90.0, 0.3, 0
            )
            rows.append(day(key.device, 10, float(len(devices)), personal=True))
    return rows, devices


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({("a", "s"): 6}, {("a", "s"): 6}),
        ({("a", "s"): 5, ("a", "t"): 1}, {("a", "*"): 6}),
        ({("a", "s"): 9, ("b", "s"): 5, ("c", "s"): 1}, {("*", "*"): 6, ("a", "s"): 9}),
        # Five people and nobody to join them with: that they were there stays, their kWh do not.
        ({("a", "s"): 9, ("b", "s"): 5}, {("*", "*"): 0, ("a", "s"): 9}),
        ({("a", "s"): 1}, {("*", "*"): 0}),
    ],
    ids=["six", "of-an-organisation", "of-several", "five-left-over", "one-alone"],
)
def test_no_row_that_is_kept_is_about_a_few_people(
    places: Mapping[tuple[str, str], int], expected: Mapping[tuple[str, str], int]
) -> None:
    found = stratum_months("2026-11", *_workstations(places), perimeter())
    assert {(r.stratum.organisation, r.stratum.site): r.devices for r in found} == expected
    assert all(row.devices == 0 or row.devices >= 6 for row in found)
    assert all(sum(row.sums) == 0 for row in found if row.devices == 0)


def test_a_server_alone_keeps_its_row() -> None:
    (found,) = stratum_months(
        "2026-11", [day("a", 10, 2.0)], {d.key: d for d in (device("a"),)}, perimeter()
    )
    assert (found.stratum.site, found.devices, found.sums[0]) == ("dc", 1, 2.0)


def test_a_closed_ledger_holds_nothing_of_a_stratum_that_fell_to_one_person(
    tmp_path: Path,
) -> None:
    rows, devices = _workstations({("a", "s"): 6, ("b", "s"): 7})
    series, ledger = SqliteSeries(tmp_path), Ledger(tmp_path / "ledger.db")
    now = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    house = House(series, ledger, perimeter())
    for one in devices.values():
        ledger.put_device(one)
    series.put_days(rows, ())
    month_totals(house, now, "2026-11")
    first = {row.stratum.organisation: row.devices for row in ledger.months("2026-11", "2026-11")}
    assert first == {"a": 6, "b": 7}
    # Five of six turn out to belong elsewhere: the sixth must not stay as what was there before.
    for key in list(devices)[:5]:
        ledger.put_device(replace(devices[key], organisation="b"))
    close_month(house, now, "2026-11")
    kept = {row.stratum.organisation: row for row in ledger.months("2026-11", "2026-11")}
    series.close()
    ledger.close()
    assert {name: row.devices for name, row in kept.items()} == {"*": 0, "a": 0, "b": 12}
    assert sum(kept["a"].sums) == 0
    assert kept["a"].squares is None
