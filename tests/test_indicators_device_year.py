"""One number per device and year: exact, and refused where it would be about a person."""

import json
import random

import pytest

from sobre_collector.indicators.device_year import (
    DeviceYear,
    correlation_ratio,
    covariance_kwh2,
    degrees_of_freedom,
    from_json,
    month_closed,
    to_json,
    variance_kwh2,
)
from sobre_collector.indicators.moments import DeviceMonth, Stratum, stratum_month
from sobre_collector.indicators.total import month_total, year_total
from sobre_drivers.errors import ConfigError, StoreError

PRINTERS = Stratum("a", "nord", "printer")
MONTHS = [f"2026-{n:02d}" for n in range(1, 7)]
UNITS = 120.0


def device(kwh: float, days: int = 30) -> DeviceMonth:
    return DeviceMonth((kwh, 0.0), (days, 0), kwh, 0.0, 0.0)


def panel(draw: random.Random, n: int = 30) -> dict[str, float]:
    return {f"p{k}": draw.lognormvariate(0, 0.6) for k in range(n)}


def closed(months: dict[str, dict[str, DeviceMonth]]) -> DeviceYear:
    year = DeviceYear(PRINTERS)
    for month, devices in months.items():
        row = stratum_month(month, PRINTERS, (30, 0), devices.values())
        year = month_closed(year, row, devices, UNITS)
    return year


def test_one_month_has_the_variance_of_the_ratio_estimator() -> None:
    draw = random.Random(1)
    devices = {name: device(kwh, draw.randint(10, 30)) for name, kwh in panel(draw).items()}
    row = stratum_month("2026-01", PRINTERS, (30, 0), devices.values())
    (total,) = month_total([row], {PRINTERS: (UNITS, 0.0)})
    assert variance_kwh2(closed({"2026-01": devices})) == pytest.approx(total.variance, rel=1e-9)


def test_equal_months_add_linearly_and_others_below_the_bound() -> None:
    draw = random.Random(2)
    levels = panel(draw)
    same = {m: {name: device(kwh) for name, kwh in levels.items()} for m in MONTHS}
    drifting = {
        m: {name: device(kwh * draw.lognormvariate(0, 0.4)) for name, kwh in levels.items()}
        for m in MONTHS
    }

    def bound(months: dict[str, dict[str, DeviceMonth]]) -> float:
        rows = [stratum_month(m, PRINTERS, (30, 0), d.values()) for m, d in months.items()]
        inventory = {PRINTERS: (UNITS, 0.0)}
        return year_total(t for r in rows for t in month_total([r], inventory)).se_kwh

    assert variance_kwh2(closed(same)) ** 0.5 == pytest.approx(bound(same), rel=1e-9)
    assert variance_kwh2(closed(drifting)) ** 0.5 < 0.97 * bound(drifting)


def test_year_of_a_changing_panel_varies_as_its_total_does() -> None:
    """The variance against what the total really does over many samples of one fleet."""
    draw = random.Random(5)
    fleet = {
        f"p{k}": [10 * draw.lognormvariate(0, 0.6) * draw.lognormvariate(0, 0.2) for _ in MONTHS]
        for k in range(int(UNITS))
    }
    totals, variances = [], []
    for _ in range(300):
        order = draw.sample(sorted(fleet), 60)
        months = {
            m: {name: device(fleet[name][k]) for name in order[: 20 + 8 * k]}
            for k, m in enumerate(MONTHS)
        }
        variances.append(variance_kwh2(closed(months)))
        totals.append(
            sum(
                UNITS * sum(d.energy_kwh[0] for d in ds.values()) / len(ds)
                for ds in months.values()
            )
        )
    middle = sum(totals) / len(totals)
    observed = sum((t - middle) ** 2 for t in totals) / (len(totals) - 1)
    assert sum(variances) / len(variances) == pytest.approx(observed, rel=0.2)


def test_covariance_is_that_of_devices_seen_in_both_years() -> None:
    before = DeviceYear(PRINTERS, ("2025-01",), {"p": 3.0, "q": -4.0, "gone": 9.0})
    after = DeviceYear(PRINTERS, ("2026-01",), {"p": 2.0, "q": 1.0, "new": -9.0})
    assert covariance_kwh2(before, after) == pytest.approx(2.0)
    assert correlation_ratio(before, before) == pytest.approx(1.0)
    assert correlation_ratio(before, DeviceYear(PRINTERS)) == 0.0


def test_degrees_of_freedom_follow_the_few_large_ones() -> None:
    even = DeviceYear(PRINTERS, (), {f"p{k}": (-1.0) ** k for k in range(40)})
    uneven = DeviceYear(PRINTERS, (), {**even.values_kwh, "big": 50.0})
    assert degrees_of_freedom(even) == 39
    assert degrees_of_freedom(uneven) < 3


@pytest.mark.parametrize("name", ["workstation.laptop", "monitor"])
def test_nothing_of_single_persons_is_accumulated(name: str) -> None:
    with pytest.raises(ConfigError, match="personal"):
        DeviceYear(Stratum("a", "nord", name))


def test_a_month_counts_once_and_with_its_own_devices() -> None:
    devices = {"p": device(1), "q": device(2), "r": device(3)}
    row = stratum_month("2026-01", PRINTERS, (30, 0), devices.values())
    year = month_closed(DeviceYear(PRINTERS), row, devices, 9)
    with pytest.raises(ValueError, match="twice"):
        month_closed(year, row, devices, 9)
    with pytest.raises(ValueError, match="2 devices for a row of 3"):
        month_closed(DeviceYear(PRINTERS), row, {"p": device(1), "q": device(2)}, 9)


def test_stored_accumulator_comes_back_equal() -> None:
    year = DeviceYear(PRINTERS, ("2026-01",), {"p": 0.1 + 0.2, "q": -1e-17})
    assert from_json(json.loads(json.dumps(to_json(year)))) == year
    with pytest.raises(StoreError):
        from_json({"class": "printer"})
