"""Strata with no device, one, or too many; days that nobody saw; errors that strata share."""

from dataclasses import replace
from math import inf, sqrt

import pytest

from sobre_collector.indicators.moments import (
    POOLED,
    DeviceMonth,
    Stratum,
    StratumMonth,
    stratum_month,
)
from sobre_collector.indicators.total import StratumTotal, month_total, year_total

A = Stratum("a", "nord", "workstation.laptop")
B = Stratum("a", "sud", "workstation.laptop")
C = Stratum("a", "est", "workstation.laptop")
FAR = Stratum("z", "nord", "workstation.laptop")
ROOM = Stratum("a", "dc1", "server")

Device = tuple[float, float, float, float]
# 10 kWh a unit and month, CV 0.2: complete months would be 8, 10 and 12 kWh.
THREE: list[Device] = [(3.0, 1.0, 10, 5), (4.0, 1.0, 10, 5), (5.0, 1.0, 10, 5)]
ONE: list[Device] = [(6.0, 2.0, 20, 10)]  # 8 kWh a unit and month


def month_of(stratum: Stratum, devices: list[Device], month: str = "2026-11") -> StratumMonth:
    rows = [DeviceMonth((x, y), (w, v), x + y, 0.0, 0.0) for x, y, w, v in devices]
    return stratum_month(month, stratum, (20, 10), rows)


def test_single_device_takes_the_spread_of_its_class() -> None:
    totals = month_total([month_of(A, THREE), month_of(B, ONE)], {A: (30, 0), B: (5, 0)})
    single = next(t for t in totals if t.stratum == B)
    assert single.total_kwh == pytest.approx(40)
    # f = 30 of 150 device-days
    assert single.variance == pytest.approx(0.8 * (0.2 * 40) ** 2)
    assert single.df == 2
    assert single.method == "class-cv"
    assert "cv-of-class" in single.flags


def test_two_devices_keep_no_squares_and_take_the_spread_of_their_class() -> None:
    totals = month_total([month_of(A, THREE), month_of(B, ONE * 2)], {A: (30, 0), B: (5, 0)})
    pair = next(t for t in totals if t.stratum == B)
    assert pair.variance == pytest.approx(0.6 * (0.2 * 40) ** 2 / 2)


def test_spread_is_assumed_and_flagged_where_the_class_cannot_tell() -> None:
    (single,) = month_total([month_of(B, ONE)], {B: (5, 0)})
    assert "cv-assumed" in single.flags
    assert single.variance == pytest.approx(0.8 * (0.8 * 40) ** 2)
    assert single.df == 2


def test_stratum_without_device_takes_the_mean_of_its_class() -> None:
    totals = month_total(
        [month_of(A, THREE), month_of(B, ONE)], {A: (30, 0), B: (5, 0), C: (10, 0)}
    )
    none = next(t for t in totals if t.stratum == C)
    # Mean (300 + 40)/35; between sites: variance of 10 and 8, which also makes the mean of two
    # sites uncertain: 2·(30² + 5²)/35²; devices sampled there: (1140 + 51.2)/35².
    of_sites, of_devices = 2 * 925 / 35**2, 1191.2 / 35**2
    assert none.total_kwh == pytest.approx(10 * 340 / 35)
    assert none.variance == pytest.approx(100 * (2 + of_sites + of_devices))
    assert none.extrapolated_kwh == none.total_kwh
    assert (none.method, none.devices_n) == ("class-mean", 0)
    assert "no-device" in none.flags
    squares = (1140 / 35**2) ** 2 / 2 + (51.2 / 35**2) ** 2 / 2 + (2 + of_sites) ** 2
    assert none.df == pytest.approx((2 + of_sites + of_devices) ** 2 / squares)
    # The borrowed mean errs with A and B, so its error joins theirs before squaring.
    year = year_total(totals)
    shared = 10 * sqrt(of_sites + of_devices)
    assert year.se_kwh**2 == pytest.approx((sqrt(1191.2) + shared) ** 2 + 200)
    together = shared**2 + 2 * shared * sqrt(1191.2)
    squares = 1140**2 / 2 + 51.2**2 / 2 + 200**2 / none.df + together**2 / none.df
    assert year.df == pytest.approx(year.se_kwh**4 / squares)


def test_borrowed_error_adds_linearly_over_months_and_strata() -> None:
    def one(
        month: str, stratum: Stratum, devices: int, variance: float, shared: float
    ) -> StratumTotal:
        flags = ("no-device",) if not devices else ()
        return StratumTotal(
            month, stratum, 9, devices, 9.0, variance, 4, 0, 0, 9.0, "", flags, shared_kwh=shared
        )

    months = ("2026-10", "2026-11")
    totals = [one(m, A, 5, 36.0, 0.0) for m in months]
    totals += [one(m, s, 0, 25.0, 3.0) for m in months for s in (B, C)]
    # A: 2·6; borrowed: 2·2·3 on top of it; B and C on their own: 2·√(25 − 9) each.
    assert year_total(totals).se_kwh ** 2 == pytest.approx((12 + 12) ** 2 + 2 * 8**2)


def test_class_is_looked_at_in_the_own_organisation_first() -> None:
    rows = [month_of(A, THREE), month_of(B, ONE), month_of(FAR, [(90.0, 9.0, 20, 10)] * 3)]
    inventory = {s: (10.0, 0.0) for s in (A, B, C, FAR)}
    none = next(t for t in month_total(rows, inventory) if t.stratum == C)
    assert none.total_kwh == pytest.approx(90)
    # One site of its own cannot tell how sites differ: then the other organisations' sites join.
    none = next(t for t in month_total([rows[0], rows[2]], inventory) if t.stratum == C)
    assert none.total_kwh == pytest.approx(10 * (10 + 99) / 2)


def test_joined_row_informs_its_class_and_has_no_total_of_its_own() -> None:
    joined = Stratum("a", POOLED, "workstation.laptop")
    totals = month_total([month_of(joined, THREE)], {A: (30, 0), B: (5, 0)})
    assert [t.stratum for t in totals] == [A, B]
    assert [t.total_kwh for t in totals] == pytest.approx([300, 50])
    assert {t.method for t in totals} == {"class-mean"}


def test_single_site_assumes_a_spread_between_sites() -> None:
    totals = month_total([month_of(A, THREE)], {A: (30, 0), C: (10, 0)})
    none = next(t for t in totals if t.stratum == C)
    assert none.variance == pytest.approx(100 * (2 * (0.3 * 10) ** 2 + 1140 / 900))
    assert "between-sites-assumed" in none.flags


def test_class_that_nobody_monitors_has_no_data_and_says_so() -> None:
    totals = month_total([month_of(A, THREE)], {A: (30, 0), ROOM: (4, 0)})
    room = next(t for t in totals if t.stratum == ROOM)
    assert (room.method, room.total_kwh) == ("no-data", 0)
    assert "no-data" in year_total(totals).flags


def test_month_that_nobody_saw_takes_the_rates_of_the_month_before() -> None:
    before = [month_of(A, THREE, "2026-10"), month_of(B, ONE, "2026-10")]
    (total,) = month_total([], {A: (30, 0)}, month="2026-11", calendar_days=(21, 9), earlier=before)
    assert total.month == "2026-11"
    # A weighs 30 units at 21·0.4 + 9·0.2, B the one that reports at 21·0.3 + 9·0.2.
    assert total.total_kwh == pytest.approx(30 * (30 * 10.2 + 8.1) / 31)
    assert {"no-device", "rate-of-earlier-month"} <= set(total.flags)
    (lost,) = month_total([], {A: (30, 0)}, month="2026-11", calendar_days=(21, 9))
    assert lost.method == "no-data"


@pytest.mark.parametrize(
    ("inventory_n", "flag"),
    [(2.5, "inventory-too-small"), (0.0, "inventory-too-small"), (None, "not-in-inventory")],
)
def test_more_device_days_than_the_inventory_has_room_for(
    inventory_n: float | None, flag: str
) -> None:
    full: list[Device] = [(8.0, 1.0, 20, 10), (6.0, 3.0, 20, 10), (4.0, 2.0, 20, 10)]
    inventory = {} if inventory_n is None else {A: (inventory_n, 0.0)}
    (total,) = month_total([month_of(A, full)], inventory)
    assert flag in total.flags
    assert total.inventory_n == 3
    assert total.total_kwh == pytest.approx(24)
    assert total.variance == 0
    assert total.method == "census"
    assert (total.measured_kwh, total.estimated_kwh, total.extrapolated_kwh) == pytest.approx(
        (24, 0, 0)
    )


def test_devices_that_are_in_no_inventory_count_whole_although_weekends_were_lost() -> None:
    blind: list[Device] = [(8.0, 0.0, 20, 0), (10.0, 0.0, 20, 0), (12.0, 0.0, 20, 0)]
    totals = month_total([month_of(A, THREE), month_of(C, blind)], {A: (30, 0)})
    lost = next(t for t in totals if t.stratum == C)
    assert lost.inventory_n == pytest.approx(3)
    assert lost.total_kwh == pytest.approx(30 + 3 * 10 * 0.2)


def test_churn_is_no_inconsistency() -> None:
    # Three devices followed one another on two desks: n = 3 > N = 2, but Σw = 30 of 60.
    (total,) = month_total(
        [month_of(A, [(4.0, 2.0, 7, 3), (3.0, 2.0, 7, 3), (3.0, 2.0, 6, 4)])], {A: (2, 0)}
    )
    assert "inventory-too-small" not in total.flags
    assert total.inventory_n == 2
    assert total.covered_ratio == pytest.approx(0.5)
    assert total.variance > 0
    assert total.extrapolated_kwh == pytest.approx(0)
    assert total.measured_kwh + total.estimated_kwh == pytest.approx(total.total_kwh)


def test_missing_days_are_no_census() -> None:
    # All three devices of the inventory report, each on half of its days.
    (total,) = month_total([month_of(A, THREE)], {A: (3, 0)})
    assert total.covered_ratio == pytest.approx(0.5)
    assert total.variance == pytest.approx(0.5 * 3 / 2 * 3**2 / 9 * (4 + 0 + 4))


def test_day_type_that_nobody_saw_takes_the_rate_of_the_class() -> None:
    blind: list[Device] = [(8.0, 0.0, 20, 0), (10.0, 0.0, 20, 0), (12.0, 0.0, 20, 0)]
    rows = [month_of(A, THREE), month_of(B, ONE), month_of(C, blind)]
    totals = month_total(rows, {A: (30, 0), B: (5, 0), C: (10, 0)})
    half = next(t for t in totals if t.stratum == C)
    # 0.5 kWh on each of 20 work days, and the class's 0.2 on 10 rest days.
    assert half.total_kwh == pytest.approx(10 * (20 * 0.5 + 10 * 0.2))
    assert "day-type-of-class" in half.flags
    # Three devices missed 30 rest days at 0.2 kWh: filled, while seven units are extrapolated.
    assert half.measured_kwh == pytest.approx(30)
    assert half.estimated_kwh == pytest.approx(6)
    assert half.extrapolated_kwh == pytest.approx(84)
    alone = month_total([month_of(C, blind)], {C: (10, 0)})[0]
    assert "day-type-missing" in alone.flags


def test_meter_accuracy_counts_only_where_sampling_leaves_no_variance() -> None:
    full: list[Device] = [(20.0, 10.0, 20, 10), (30.0, 10.0, 20, 10), (0.0, 0.0, 20, 10)]
    census, sample = month_total(
        [month_of(ROOM, full), month_of(A, THREE)],
        {ROOM: (3, 0), A: (30, 0)},
        meter_u={"server": 0.01, "workstation.laptop": 0.01},
    )
    # Meters are independent: 1 % of 30 and of 40 kWh.
    assert sqrt(census.variance) == pytest.approx(0.5)
    assert census.df == inf
    assert sample.variance == pytest.approx(0.95 * 3 / 2 * 800)


def test_common_factor_adds_linearly_over_strata_of_a_class() -> None:
    rows = [month_of(A, [(20.0, 10.0, 20, 10)] * 3), month_of(B, [(20.0, 10.0, 20, 10)] * 3)]
    totals = month_total(rows, {A: (10, 0), B: (10, 0)}, common_u={"workstation.laptop": 0.05})
    assert [t.common_kwh for t in totals] == pytest.approx([15, 15])
    # Quadrature would make it 21.2.
    assert year_total(totals).se_kwh == pytest.approx(30)
    later = [replace(t, month="2026-12") for t in totals]
    assert year_total([*totals, *later]).se_kwh == pytest.approx(60)


@pytest.mark.parametrize(("devices", "few"), [(9, True), (10, False)])
def test_fewer_than_ten_devices_are_flagged(devices: int, few: bool) -> None:
    (total,) = month_total([month_of(A, ONE * devices)], {A: (30, 1)})
    assert ("few-devices" in total.flags) is few


@pytest.mark.parametrize(
    "rows",
    [
        [(A, THREE)],
        [(A, THREE), (B, ONE), (C, [(8.0, 0.0, 20.0, 0.0)] * 4)],
        [(A, [(9.0, 1.0, 20.0, 1.0), (9.0, 1.0, 20.0, 2.0), (1.0, 1.0, 5.0, 2.0)])],
    ],
    ids=["partial", "mixed", "lopsided"],
)
@pytest.mark.parametrize("units", [1.0, 2.0, 3.0, 40.0])
def test_parts_add_up_to_the_total_and_none_is_negative(
    rows: list[tuple[Stratum, list[Device]]], units: float
) -> None:
    inventory = {s: (units, 0.0) for s in (A, B, C)}
    for total in month_total([month_of(s, d) for s, d in rows], inventory):
        parts = (total.measured_kwh, total.estimated_kwh, total.extrapolated_kwh)
        assert sum(parts) == pytest.approx(total.total_kwh)
        assert min(parts) >= 0
