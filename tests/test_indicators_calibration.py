"""From PCs beside plugs to a factor, and what a factor makes of a month that is closed."""

from math import sqrt
from random import Random
from statistics import fmean

import pytest

from method.examples import published
from sobre_collector.indicators.calibration import (
    Applied,
    brought_forward,
    class_factor,
    in_force,
    restated,
    source,
    sources_u,
)
from sobre_collector.indicators.moments import (
    DeviceMonth,
    Stratum,
    StratumMonth,
    from_json,
    stratum_month,
    to_json,
)
from sobre_collector.indicators.total import month_total
from sobre_drivers.comparison import Comparison
from sobre_drivers.errors import ConfigError

LAPTOP = "workstation.laptop"
STRATUM = Stratum("a", "nord", LAPTOP)


def session(model_w: float, plug_w: float, meter: float = 0.0, hours: float = 8.0) -> Comparison:
    return Comparison(
        LAPTOP, "Zen", "model 2 (usual)", model_w, plug_w, 0.01, meter, hours, "2026-11-03"
    )


@pytest.mark.shared
def test_published_double_sampling() -> None:
    example = published("WE20_double")
    found = class_factor([session(soft, wall) for soft, wall in example["pairs"]])
    assert found.factor_ratio == pytest.approx(example["k"], rel=1e-6)
    assert found.se_ratio == pytest.approx(example["rel"], rel=1e-6)
    kwh, se = example["soft_kwh"], found.se_ratio or 0.0
    assert kwh * found.factor_ratio == pytest.approx(example["wall_kwh"], rel=1e-6)
    assert kwh * found.factor_ratio * se == pytest.approx(example["u"], rel=1e-6)


def test_one_pc_gives_a_factor_and_no_interval() -> None:
    found = class_factor([session(10.0, 12.0)])
    assert found.factor_ratio == pytest.approx(1.2)
    assert (found.se_ratio, found.u_ratio, found.interval()) == (None, None, None)


def test_few_pcs_widen_the_interval_by_their_degrees_of_freedom() -> None:
    found = class_factor([session(10.0, 12.0), session(10.0, 14.0)])
    # By hand: k = 1.3, residuals ∓1 W, s = √2, se = √2/√2/10 = 0.1; t(0.975, 1) = 12.7062.
    assert found.factor_ratio == pytest.approx(1.3)
    assert (found.se_ratio or 0) * 1.3 == pytest.approx(0.1)
    low, high = found.interval() or (0.0, 0.0)
    assert (high - low) / 2 == pytest.approx(12.7062 * 0.1, rel=1e-5)


def test_error_of_the_plugs_does_not_average_out() -> None:
    pairs = [(10.0, 12.0), (11.0, 13.6), (9.0, 10.5), (10.5, 12.5)] * 25
    found = class_factor([session(*pair, meter=0.02) for pair in pairs])
    assert found.meter_ratio == pytest.approx(0.01)
    assert (found.u_ratio or 0) > 0.01
    assert (found.se_ratio or 1) < 0.003


def test_longer_session_counts_no_more_than_a_shorter_one() -> None:
    short = class_factor([session(10.0, 12.0), session(20.0, 22.0)])
    mixed = class_factor([session(10.0, 12.0, hours=200.0), session(20.0, 22.0)])
    assert short.factor_ratio == mixed.factor_ratio == pytest.approx(34 / 30)


def test_two_classes_have_no_common_factor() -> None:
    other = Comparison("server", "x", "model 1", 1.0, 1.0, 0.0, 0.0, 8.0, "2026-11-03")
    with pytest.raises(ConfigError, match="one class"):
        class_factor([session(1.0, 1.0), other])


WH = [(4100, 600, 20, 9), (2950, 150, 18, 6), (5200, 980, 20, 10), (1800, 90, 12, 3)]


def row(factor: float, calibration: int | None = None, measured: float = 0.0) -> StratumMonth:
    """A month in which each device's energy, of which a part is measured, has the factor."""
    devices = [
        DeviceMonth(
            (x * mean / 1000, y * mean / 1000),
            (v, w),
            measured * (x + y) / 1000,
            (1 - measured) * factor * (x + y) / 1000,
            0.3 * mean * (x + y) / 1000,
        )
        for x, y, v, w in WH
        for mean in [measured + (1 - measured) * factor]
    ]
    made = stratum_month("2026-10", STRATUM, (22, 9), devices)
    return StratumMonth(
        **{f: getattr(made, f) for f in made.__dataclass_fields__ if f != "calibration"},
        calibration=calibration,
    )


def applied(number: int, factor: float, since: str = "2026-01", restates: bool = True) -> Applied:
    return Applied(number, LAPTOP, since, factor, 0.02, restates)


@pytest.mark.parametrize("measured", [0.0, 0.25], ids=["all-estimated", "a-quarter-measured"])
def test_closed_month_is_what_it_would_have_been_with_the_factor(measured: float) -> None:
    found, wanted = restated(row(1.0, None, measured), applied(4, 1.3)), row(1.3, 4, measured)
    assert found.calibration == 4
    for name in ("sums", "squares", "measured_kwh", "estimated_kwh", "largest_kwh"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=1e-12)
    assert found.out_of_hours_kwh == pytest.approx(wanted.out_of_hours_kwh)


def test_later_factor_takes_the_place_of_the_one_that_a_month_was_closed_with() -> None:
    factors = [applied(3, 1.2), applied(5, 1.3)]
    (found,) = brought_forward([row(1.2, 3)], factors, {"2026-10"})
    assert found.calibration == 5
    assert found.sums == pytest.approx(row(1.3).sums, rel=1e-12)


@pytest.mark.parametrize(
    ("factor", "closed"),
    [
        (applied(4, 1.3), set[str]()),
        (applied(4, 1.3, since="2026-11"), {"2026-10"}),
        (applied(4, 1.3, restates=False), {"2026-10"}),
        (Applied(4, "workstation.desktop", "2026-01", 1.3, 0.02), {"2026-10"}),
    ],
    ids=["open", "before-it-holds", "metered-among-them", "other-class"],
)
def test_months_stay_where_no_factor_holds_for_them(factor: Applied, closed: set[str]) -> None:
    assert brought_forward([row(1.0)], [factor], closed) == [row(1.0)]


def test_the_last_decision_holds_from_its_month_on() -> None:
    first, second, back = applied(3, 1.2), applied(5, 1.3, "2026-06"), applied(7, 1.25, "2026-03")
    holding = {
        month: in_force([back, first, second], month)[LAPTOP].number
        for month in ("2026-01", "2026-05", "2026-06")
    }
    assert holding == {"2026-01": 3, "2026-05": 7, "2026-06": 7}
    assert in_force([first], "2025-12") == {}


def test_number_of_the_factor_stands_in_what_is_kept() -> None:
    marked = row(1.3, 4)
    assert to_json(marked)["calibration"] == 4
    assert from_json(to_json(marked)) == marked
    # What was closed before there were calibrations keeps its exact text.
    assert "calibration" not in to_json(row(1.0))


def test_strata_that_borrow_carry_the_number_of_their_class() -> None:
    inventory = {STRATUM: (9.0, 0.1), Stratum("a", "sud", LAPTOP): (5.0, 0.1)}
    totals = month_total([row(1.3, 4)], inventory)
    assert [total.calibration for total in totals] == [4, 4]
    assert totals[0].total_kwh == pytest.approx(
        1.3 * month_total([row(1.0)], inventory)[0].total_kwh
    )


def test_models_and_calibrations_are_sources_of_error_of_their_own() -> None:
    us = sources_u({LAPTOP: 0.3}, [applied(4, 1.3)])
    assert us == {LAPTOP: 0.3, source(LAPTOP, 4): 0.02}
    assert source(LAPTOP, None) == LAPTOP


def test_jackknife_over_pcs_agrees_with_the_linearised_error() -> None:
    draw = Random(11)
    pairs = [(a := draw.lognormvariate(3, 0.4), a * draw.gauss(1.2, 0.2)) for _ in range(60)]
    n, whole = len(pairs), class_factor([session(*pair) for pair in pairs])
    without = [
        class_factor([session(*pair) for pair in pairs[:k] + pairs[k + 1 :]]).factor_ratio
        for k in range(n)
    ]
    middle = fmean(without)
    jackknife = sqrt((n - 1) / n * sum((k - middle) ** 2 for k in without))
    assert whole.factor_ratio * (whole.se_ratio or 0) == pytest.approx(jackknife, rel=0.03)


def test_factor_is_unbiased_and_its_interval_holds_in_simulation() -> None:
    # PCs of a class whose true ratios scatter about 1.25, drawn at random.
    draw = Random(5)
    fleet = [
        (soft := draw.lognormvariate(3.0, 0.5), soft * draw.gauss(1.25, 0.25)) for _ in range(4000)
    ]
    truth = sum(wall for _, wall in fleet) / sum(soft for soft, _ in fleet)
    held, factors = 0, []
    for _ in range(400):
        found = class_factor([session(*pair) for pair in draw.sample(fleet, 8)])
        low, high = found.interval() or (0.0, 0.0)
        held += low <= truth <= high
        factors.append(found.factor_ratio)
    assert fmean(factors) == pytest.approx(truth, abs=3 * 0.09 / sqrt(400))
    # Nominal 95 %: a ratio of eight falls a little short.
    assert 0.91 <= held / 400 <= 0.98
