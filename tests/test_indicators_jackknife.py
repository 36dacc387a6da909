"""The delete-one jackknife, which knows nothing of linearised values, as a witness of variances."""

import random
from math import sqrt

import pytest

from method.examples import published
from sobre_collector.indicators.moments import DeviceMonth, Stratum, stratum_month
from sobre_collector.indicators.total import StratumTotal, month_total

STRATUM = Stratum("a", "nord", "printer")


def total(devices: list[DeviceMonth], days: tuple[int, int], units: float) -> StratumTotal:
    row = stratum_month("2026-11", STRATUM, days, devices)
    return month_total([row], {STRATUM: (units, 0.0)})[0]


def jackknife_se(devices: list[DeviceMonth], days: tuple[int, int], units: float) -> float:
    """√((n−1)/n·Σ(T_(i) − T̄)²), without the correction for a finite fleet."""
    n = len(devices)
    without = [total(devices[:k] + devices[k + 1 :], days, units).total_kwh for k in range(n)]
    middle = sum(without) / n
    return sqrt((n - 1) / n * sum((t - middle) ** 2 for t in without))


@pytest.mark.shared
def test_published_jackknife() -> None:
    given = published("WE4_ratio")
    devices = [DeviceMonth((x, 0.0), (w, 0.0), x, 0.0, 0.0) for x, w in given["devices"]]
    found = jackknife_se(devices, (given["D"], 0), given["N"])
    # The example corrects by devices.
    by_devices = sqrt(1 - len(devices) / given["N"])
    assert found * by_devices == pytest.approx(given["SE_jackknife"], rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_linearised_variance_agrees_with_the_jackknife(seed: int) -> None:
    draw = random.Random(seed)
    devices = []
    for _ in range(80):
        level, work, rest = draw.lognormvariate(0, 0.6), draw.randint(8, 20), draw.randint(0, 10)
        x, y = level * work, 0.3 * level * rest * draw.lognormvariate(0, 0.3)
        devices.append(DeviceMonth((x, y), (work, rest), x + y, 0.0, 0.0))
    units = 1_000.0
    one = total(devices, (20, 10), units)
    whole = sqrt(one.variance / (1 - one.covered_ratio))
    assert whole == pytest.approx(jackknife_se(devices, (20, 10), units), rel=0.03)
