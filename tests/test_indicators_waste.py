"""What runs out of hours: a share with its error, less what stays on, ranked, with exclusions."""

from math import sqrt

import pytest

from method.examples import published
from sobre_collector.indicators.quantiles import two_sided
from sobre_collector.indicators.waste import (
    Lever,
    OutOfHours,
    Share,
    avoidable,
    lever,
    ranked,
    share,
)

DEVICES = [
    OutOfHours(10.0, 4.0, 100.0),
    OutOfHours(20.0, 5.0, 100.0),
    OutOfHours(5.0, 4.5, 100.0),
    OutOfHours(15.0, 3.0, 100.0),
]


@pytest.mark.shared
def test_published_interval_of_a_share() -> None:
    example = published("WE18_ooh")
    # Its devices are not given; five of them, as its t of 2.7764 tells.
    found = Share(example["share"], example["se"], 4)
    assert found.interval() == pytest.approx(tuple(example["ci95"]), rel=1e-6)


def test_share_is_a_ratio_of_sums_with_its_linearised_error() -> None:
    found = share(DEVICES)
    assert found.ratio == pytest.approx(16.5 / 50)
    # Delete-one jackknife, which leans on no linearisation.
    deleted = []
    for k in range(4):
        rest = DEVICES[:k] + DEVICES[k + 1 :]
        deleted.append(sum(d.out_kwh for d in rest) / sum(d.kwh for d in rest))
    mean = sum(deleted) / 4
    jackknife = sqrt(3 / 4 * sum((d - mean) ** 2 for d in deleted))
    assert found.se_ratio == pytest.approx(jackknife, rel=0.25)
    square = sum((d.out_kwh - 0.33 * d.kwh) ** 2 for d in DEVICES)
    assert found.se_ratio == pytest.approx(sqrt(4 / 3 * square) / 50)
    assert found.df == 3
    assert share(DEVICES, inventory_n=4).se_ratio == 0
    assert share(DEVICES, inventory_n=16).se_ratio == pytest.approx(found.se_ratio * sqrt(0.75))
    low, high = found.interval()
    assert 0 <= low < found.ratio < high <= 1


def test_share_of_one_device_is_no_share() -> None:
    with pytest.raises(ValueError, match="two devices"):
        share(DEVICES[:1])


def test_what_it_would_use_when_off_is_not_avoidable() -> None:
    assert avoidable(OutOfHours(10.0, 4.0, 100.0), off_w=1.0).out_kwh == pytest.approx(3.9)
    assert avoidable(OutOfHours(10.0, 0.05, 100.0), off_w=1.0).out_kwh == 0.0


def test_lever_is_a_share_of_the_fleet_with_both_errors() -> None:
    found = lever(
        "printers",
        DEVICES,
        fleet_kwh=1_000.0,
        u_fleet_kwh=30.0,
        off_w=0.5,
        euros_per_kwh=0.2,
        kg_per_kwh=0.05,
    )
    left = share([avoidable(d, 0.5) for d in DEVICES])
    assert found.kwh == pytest.approx(left.ratio * 1_000)
    assert found.kwh == pytest.approx((16.5 - 0.2) / 50 * 1_000)
    assert (found.euros, found.kg_co2e) == pytest.approx((found.kwh * 0.2, found.kwh * 0.05))
    u = sqrt((left.se_ratio * 1_000) ** 2 + (left.ratio * 30) ** 2)
    assert found.low_kwh == pytest.approx(max(0.0, found.kwh - two_sided(0.95, 3) * u))
    assert "4 devices" in found.computed


def one(name: str, kwh: float) -> Lever:
    return Lever(name, kwh, 0.0, kwh, 0.0, 0.0, "")


def test_excluded_levers_stay_in_sight_with_their_reason() -> None:
    found = ranked([one("a", 5), one("b", 50), one("c", 20)], {"b": "on duty"})
    assert [(lever.name, lever.excluded) for lever in found] == [
        ("c", None),
        ("a", None),
        ("b", "on duty"),
    ]
    with pytest.raises(ValueError, match="without a reason: a"):
        ranked([one("a", 5)], {"a": " "})
