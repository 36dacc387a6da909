"""The path to the target, and the four answers to whether it is kept."""

import pytest

from sobre_collector.indicators.baseline import Baseline
from sobre_collector.indicators.reduction import Energy, Reduction, Users, reduction
from sobre_collector.indicators.trajectory import (
    Path,
    Target,
    elapsed_years,
    path_ratio,
    required,
    required_on_rest,
    standing,
    trailing_months,
)

MILESTONES = {2023: 0.04, 2024: 0.08, 2025: 0.12}


def found(reduction_ratio: float, se_ratio: float) -> Reduction:
    return reduction(
        Baseline("measured", 1.0, 0.0),
        Energy(1 - reduction_ratio, se_ratio),
        before=Users(1),
        after=Users(1),
    )


@pytest.mark.parametrize(
    ("path", "years", "expected"),
    [
        ("linear", 0.0, 0.0),
        ("linear", -1.0, 0.0),
        ("linear", 1.0, 0.0375),
        ("linear", 4.0, 0.15),
        ("linear", 5.0, 0.15),
        ("stepwise", 0.99, 0.0),
        ("stepwise", 1.0, 0.04),
        ("stepwise", 2.99, 0.08),
        ("stepwise", 4.0, 0.15),
        ("compound", 2.0, 1 - 0.85**0.5),
        ("compound", 4.0, 0.15),
    ],
)
def test_path_at_a_moment(path: Path, years: float, expected: float) -> None:
    target = Target(0.15, 2022, 2026, path, MILESTONES)
    assert path_ratio(target, years) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("month", "years"), [("2022-12", 0.0), ("2025-09", 2.75), ("2026-12", 4.0), ("2022-06", -0.5)]
)
def test_value_is_dated_at_the_end_of_its_twelve_months(month: str, years: float) -> None:
    assert elapsed_years(month, 2022) == pytest.approx(years)


@pytest.mark.parametrize(
    ("reduction_ratio", "se_ratio", "status"),
    [
        (0.10, 0.01, "ahead"),
        (0.05, 0.01, "behind"),
        (0.078, 0.003, "on-path"),
        (0.085, 0.02, "not-conclusive"),
        (0.075, 0.006, "not-conclusive"),
        (0.079, 0.001, "ahead"),
        (0.071, 0.001, "behind"),
    ],
    ids=[
        "far-above",
        "far-below",
        "within-a-point",
        "too-wide",
        "centred-but-wide",
        "above-by-little",
        "below-by-little",
    ],
)
def test_status_is_one_of_four_answers(
    reduction_ratio: float, se_ratio: float, status: str
) -> None:
    # Half-way to 15 % the path is at 7.5 %.
    at = standing(found(reduction_ratio, se_ratio), Target(0.15, 2022, 2026), 2.0)
    assert at.status == status
    assert at.path_ratio == pytest.approx(0.075)
    assert at.gap_ratio == pytest.approx(reduction_ratio - 0.075)


def test_margin_of_on_path_is_a_setting() -> None:
    target = Target(0.15, 2022, 2026)
    wide = found(0.075, 0.006)
    assert standing(wide, target, 2.0).status == "not-conclusive"
    assert standing(wide, target, 2.0, margin_ratio=0.02).status == "on-path"


def test_interval_of_the_gap_is_that_of_the_reduction() -> None:
    value = found(0.10, 0.02)
    at = standing(value, Target(0.15, 2022, 2026), 2.0)
    assert value.low_ratio is not None
    assert value.high_ratio is not None
    assert at.gap_interval == pytest.approx((value.low_ratio - 0.075, value.high_ratio - 0.075))


def test_no_reduction_gives_no_status() -> None:
    unsure = reduction(Baseline("modelled", 1, 0.2), Energy(1, 0), before=Users(1), after=Users(1))
    at = standing(unsure, Target(0.15, 2022, 2026), 2.0)
    assert (at.status, at.gap_ratio) == ("insufficient", None)
    assert at.path_ratio == pytest.approx(0.075)


def test_required_rate_reaches_the_goal() -> None:
    target = Target(0.15, 2022, 2026)
    linear, compound = required(target, 0.05, 2.0)
    assert linear == pytest.approx(0.05)
    assert compound is not None
    assert 0.95 * (1 + compound) ** 2 == pytest.approx(0.85)
    assert required(target, 0.05, 4.0) == (None, None)


def test_rest_of_the_year_must_make_up_for_what_is_used() -> None:
    # 600 of 1000 kWh used; 500 would be normal for the rest.
    assert required_on_rest(1000, 600, 500) == pytest.approx(0.2)
    assert required_on_rest(1000, 600, 0) is None


def test_trailing_twelve_months_need_all_twelve() -> None:
    months = [f"2025-{n:02d}" for n in range(1, 13)] + [f"2026-{n:02d}" for n in range(1, 4)]
    assert trailing_months(months, "2026-03") == tuple(months[-12:])
    assert trailing_months(months, "2025-12") == tuple(months[:12])
    assert trailing_months(months, "2026-04") is None
    assert trailing_months(months[:5] + months[6:], "2026-03") is None


@pytest.mark.parametrize(
    ("goal", "baseline", "last"), [(15.0, 2022, 2026), (0.15, 2026, 2026)], ids=["percent", "order"]
)
def test_impossible_target_is_refused(goal: float, baseline: int, last: int) -> None:
    with pytest.raises(ValueError, match=r"goal|not after"):
        Target(goal, baseline, last)
