"""Whether devices that join are like those present: it fires when not, and seldom otherwise."""

import json
import random
from dataclasses import replace
from itertools import combinations
from statistics import mean, pvariance, variance

import pytest

from sobre_collector.indicators.exchangeability import (
    Comparison,
    compare,
    from_json,
    to_json,
    together,
    verdict,
)
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_drivers.errors import StoreError

STRATUM = Stratum("a", "nord", "workstation.laptop")


def group(kwh: list[float], month: str = "2026-11", stratum: Stratum = STRATUM) -> StratumMonth:
    rows = [DeviceMonth((x, 0.0), (20, 0), x, 0.0, 0.0) for x in kwh]
    return stratum_month(month, stratum, (20, 10), rows)


def test_variance_is_that_of_drawing_the_joining_devices_from_all() -> None:
    new, old = [4.0, 5.0, 7.5], [6.0, 8.2, 9.9, 7.7, 5.1]
    found = compare(group(new), group(old))
    assert found is not None
    assert found.difference_ratio == pytest.approx((mean(new) - mean(old)) / mean(new + old))
    # Every way in which three of the eight could have been those that joined.
    every = []
    for chosen in combinations(range(8), 3):
        values = new + old
        side = [values[k] for k in chosen]
        rest = [values[k] for k in range(8) if k not in chosen]
        every.append((mean(side) - mean(rest)) / mean(values))
    assert mean(every) == pytest.approx(0.0, abs=1e-12)
    assert found.variance == pytest.approx(pvariance(every))
    assert found.df == 6


def test_only_day_types_that_both_saw_are_compared() -> None:
    weekend = [DeviceMonth((x, 99.0), (20, 10), x + 99, 0.0, 0.0) for x in (4.0, 5.0, 6.0)]
    joined = stratum_month("2026-11", STRATUM, (20, 10), weekend)
    found = compare(joined, group([4.0, 5.0, 6.0]))
    assert found is not None
    assert found.difference_ratio == pytest.approx(0.0)
    assert found.variance == pytest.approx(2 / 3 * variance([4, 5, 6, 4, 5, 6]) / 25)


def test_days_that_lack_make_no_difference() -> None:
    """Each device uses 0.2 kWh a day, whatever the number of days that were seen of it."""
    sides = [
        stratum_month(
            "2026-11",
            STRATUM,
            (20, 10),
            [DeviceMonth((0.2 * d, 0.0), (d, 0), 0.2 * d, 0.0, 0.0) for d in days],
        )
        for days in ((5, 9, 20), (20, 19, 20, 3))
    ]
    found = compare(*sides)
    assert found is not None
    assert found.difference_ratio == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("joined", [[], [1.0], [1.0, 2.0]], ids=["none", "one", "two"])
def test_too_few_devices_compare_with_nothing(joined: list[float]) -> None:
    assert compare(group(joined), group([1.0, 2.0, 3.0])) is None


def test_only_the_same_month_and_stratum_compare() -> None:
    with pytest.raises(ValueError, match="one month"):
        compare(group([1, 2, 3]), group([1, 2, 3], "2026-12"))


def test_months_are_put_together_by_their_devices() -> None:
    # 4·12/16 = 3 and 12·12/24 = 6: one part against two.
    few = Comparison("2026-10", STRATUM, 4, 12, 0.3, 0.09, 10)
    many = Comparison("2026-11", STRATUM, 12, 12, 0.0, 0.045, 10)
    found = together([few, many])
    assert found is not None
    assert found.difference_ratio == pytest.approx(0.1)
    assert found.variance == pytest.approx(0.09 / 9 + 0.045 * 4 / 9)
    assert (found.month, found.stratum) == (None, STRATUM)
    assert together([]) is None


def rollout(draw: random.Random, early_ratio: float, size: int = 20) -> bool:
    """Twelve months in four strata: whoever joins in the first three is an early adopter."""
    found = []
    for site in "nswe":
        stratum = Stratum("a", site, STRATUM.device_class)
        present: list[float] = []
        for number in range(1, 13):
            level = early_ratio if number <= 3 else 1.0
            joining = [level * draw.lognormvariate(0, 0.6) for _ in range(size)]
            month = f"2026-{number:02d}"
            if present:
                one = compare(group(joining, month, stratum), group(present, month, stratum))
                found += [one] if one else []
            present += joining
    return verdict(found).alarm


def test_alarm_fires_for_early_adopters_and_seldom_otherwise() -> None:
    draw = random.Random(3)
    assert sum(rollout(draw, 1.35) for _ in range(40)) >= 36
    assert sum(rollout(draw, 1.0) for _ in range(100)) <= 5
    # A few devices a month are skewed more than many.
    assert sum(rollout(draw, 1.0, size=5) for _ in range(200)) <= 8


def test_a_single_strange_stratum_is_named() -> None:
    other = Stratum("a", "sud", STRATUM.device_class)
    usual = Comparison("2026-11", STRATUM, 50, 90, 0.01, 0.01, 80)
    strange = Comparison("2026-11", other, 50, 90, -0.5, 0.01, 80)
    found = verdict([usual, strange])
    assert found.doubtful == (other,)
    assert found.alarm
    assert not verdict([]).alarm


def test_stored_comparison_comes_back_equal() -> None:
    one = Comparison("2026-11", STRATUM, 4, 12, 0.1 + 0.2, 0.09, 14.0)
    assert from_json(json.loads(json.dumps(to_json(one)))) == one
    both = together([one, one])
    assert both is not None
    with pytest.raises(ValueError, match="store each"):
        to_json(replace(both, stratum=None))
    with pytest.raises(StoreError):
        from_json({"month": "2026-11"})
