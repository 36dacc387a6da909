"""Totals from partial coverage: figures worked out by hand, and independent estimators."""

import random
from dataclasses import replace
from math import inf, sqrt

import pytest

from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.stratified import Complete, stratified_total
from sobre_collector.indicators.total import (
    StratumTotal,
    Total,
    added,
    month_total,
    year_total,
)

A = Stratum("a", "nord", "workstation.laptop")
B = Stratum("a", "sud", "workstation.laptop")


def month_of(
    stratum: Stratum,
    devices: list[tuple[float, float, float, float]],
    days: tuple[int, int] = (20, 10),
    month: str = "2026-11",
) -> StratumMonth:
    rows = [DeviceMonth((x, y), (w, v), x + y, 0.0, 0.0) for x, y, w, v in devices]
    return stratum_month(month, stratum, days, rows)


# Rates: 12/30 = 0.4 and 3/15 = 0.2 kWh a day; N = 30: 30·20·0.4 + 30·10·0.2 = 300 kWh.
# u_i = 600·(x − 4)/30 + 300·(y − 1)/15 = −30, 0, 30; f = 45/900.
EVEN = [(3.0, 0.5, 10.0, 5.0), (4.0, 1.0, 10.0, 5.0), (5.0, 1.5, 10.0, 5.0)]


def test_ratio_total_with_day_types_is_as_worked_out_by_hand() -> None:
    (total,) = month_total([month_of(A, EVEN)], {A: (30, 0)})
    assert total.method == "ratio"
    assert total.total_kwh == pytest.approx(300)
    assert total.variance == pytest.approx(0.95 * 3 / 2 * 1800)
    assert total.df == 2
    assert total.covered_ratio == pytest.approx(0.05)
    # 15 kWh seen; three devices missed 30 + 15 of their days: 12 + 3; 27 others at 10.
    assert total.measured_kwh == pytest.approx(15)
    assert total.estimated_kwh == pytest.approx(15)
    assert total.extrapolated_kwh == pytest.approx(270)
    # 45 of 90 device-days were seen.
    assert total.flags == ("inventory-without-uncertainty", "few-devices", "half-month")


def test_weekend_outage_does_not_pull_the_total() -> None:
    # Nine devices seen on work days only, one on all: pooled days would give 0.56 × 30.
    devices = [(20.0, 0.0, 20.0, 0.0)] * 9 + [(20.0, 1.0, 20.0, 10.0)]
    (total,) = month_total([month_of(A, devices)], {A: (100, 0)})
    assert total.total_kwh == pytest.approx(100 * (20 * 1.0 + 10 * 0.1))


def test_uncertain_inventory_widens_the_total() -> None:
    (sure,) = month_total([month_of(A, EVEN)], {A: (30, 0)})
    (unsure,) = month_total([month_of(A, EVEN)], {A: (30, 1.5)})
    assert unsure.total_kwh == sure.total_kwh
    assert unsure.variance == pytest.approx(sure.variance + (10 * 1.5) ** 2)
    assert unsure.df == pytest.approx(unsure.variance**2 / (sure.variance**2 / 2))
    assert "inventory-without-uncertainty" not in unsure.flags


def test_ratio_variance_agrees_with_a_delete_one_jackknife() -> None:
    draw = random.Random(3)
    devices = []
    for _ in range(150):
        level, w, v = draw.lognormvariate(0, 0.5), draw.randint(3, 20), draw.randint(0, 10)
        devices.append((level * w * draw.uniform(0.8, 1.2), level * v * 0.3, float(w), float(v)))
    inventory = {A: (600.0, 0.0)}
    (total,) = month_total([month_of(A, devices)], inventory)
    without = [
        month_total([month_of(A, devices[:i] + devices[i + 1 :])], inventory)[0].total_kwh
        for i in range(len(devices))
    ]
    middle = sum(without) / len(without)
    jackknife = (len(without) - 1) / len(without) * sum((t - middle) ** 2 for t in without)
    f = sum(w + v for _, _, w, v in devices) / (600 * 30)
    assert sqrt(total.variance) == pytest.approx(sqrt(jackknife * (1 - f)), rel=0.03)


@pytest.mark.parametrize("devices", [3, 7, 50, 333])
def test_devices_all_alike_leave_no_negative_variance(devices: int) -> None:
    alike = [(0.1 * 3, 0.7 / 9, 3.0, 9.0)] * devices
    (total,) = month_total([month_of(A, alike)], {A: (1000, 0)})
    assert 0 <= total.variance < 1e-9


def test_months_add_linearly_in_a_stratum_and_strata_in_quadrature() -> None:
    def one(month: str, stratum: Stratum, variance: float, df: float) -> StratumTotal:
        return StratumTotal(
            month, stratum, 10, 5, 100.0, variance, df, 60.0, 10.0, 30.0, "ratio", ()
        )

    months = [f"2026-{n:02d}" for n in range(1, 13)]
    year = year_total(
        [one(m, A, 9.0, 7.0) for m in months]
        + [one(m, B, 16.0, 5.0 + n) for n, m in enumerate(months)]
    )
    assert year.total_kwh == pytest.approx(2400)
    assert year.se_kwh == pytest.approx(sqrt(36**2 + 48**2))
    # The smallest df of its months stands for each stratum.
    assert year.df == pytest.approx((36**2 + 48**2) ** 2 / (36**4 / 7 + 48**4 / 5))
    assert year.months == tuple(months)
    assert (year.measured_share, year.estimated_share, year.extrapolated_share) == pytest.approx(
        (0.6, 0.1, 0.3)
    )
    assert not year.provisional


def test_month_lacking_in_a_stratum_is_flagged() -> None:
    rows = {
        m: month_total([month_of(A, EVEN, month=m)], {A: (30, 1)}) for m in ("2026-01", "2026-02")
    }
    (other,) = month_total([month_of(B, EVEN, month="2026-01")], {B: (30, 1)})
    assert "month-lacking" not in year_total([*rows["2026-01"], *rows["2026-02"]]).flags
    assert "month-lacking" in year_total([*rows["2026-01"], *rows["2026-02"], other]).flags


def test_same_stratum_month_twice_is_refused() -> None:
    totals = month_total([month_of(A, EVEN)], {A: (30, 0)})
    with pytest.raises(ValueError, match="count twice"):
        year_total([*totals, *totals])
    with pytest.raises(ValueError, match="stands twice"):
        month_total([month_of(A, EVEN), month_of(A, EVEN)], {})
    with pytest.raises(ValueError, match="one month at a time"):
        month_total([month_of(A, EVEN), month_of(B, EVEN, month="2026-12")], {})


def test_independent_totals_add_in_quadrature() -> None:
    left = Total(100.0, 3.0, 4.0, 0.5, 0.5, 0.0, ("few-devices",), ("2026-01",))
    right = Total(300.0, 4.0, inf, 1.0, 0.0, 0.0, (), ("2026-01",))
    both = added([left, right])
    assert (both.total_kwh, both.se_kwh) == pytest.approx((400.0, 5.0))
    assert both.df == pytest.approx(25**2 / (81 / 4))
    assert (both.measured_share, both.estimated_share) == pytest.approx((0.875, 0.125))
    assert both.flags == ("few-devices",)
    assert "months-differ" in added([left, replace(right, months=())]).flags


def test_stratified_mean_is_as_worked_out_by_hand() -> None:
    # y = 1, 2, 3 of 12 units: 12·2 = 24, V = 144·(1 − 1/4)·1/3 = 36; census of two units: 7.
    total = stratified_total([Complete(12, 3, 6.0, 14.0), Complete(2, 2, 7.0, 29.0)])
    assert (total.total_kwh, total.se_kwh, total.df) == pytest.approx((31.0, 6.0, 2.0))
    assert total.measured_share == pytest.approx(13 / 31)
    assert total.extrapolated_share == pytest.approx(18 / 31)
    # t(0.975; 2) = 4.302653
    assert total.interval() == pytest.approx((31 - 25.815918, 31 + 25.815918), abs=1e-5)


@pytest.mark.parametrize(("n", "units"), [(0, 4), (1, 4)])
def test_stratified_mean_refuses_what_has_no_spread(n: int, units: int) -> None:
    with pytest.raises(ValueError, match="no spread"):
        stratified_total([Complete(units, n, 1.0, 1.0)])
