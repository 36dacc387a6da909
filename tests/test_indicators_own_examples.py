"""Our own worked examples, one for each precision of the method that the published ones lack."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from method import derive, examples
from sobre_collector.indicators.calibration import Applied, class_factor, restated
from sobre_collector.indicators.forecast import estimated_rho, forecast, month_names, number
from sobre_collector.indicators.least_squares import least_squares
from sobre_collector.indicators.linked import LinkedStratum, Matched, linked_reduction
from sobre_collector.indicators.moments import DeviceMonth, Stratum, StratumMonth, stratum_month
from sobre_collector.indicators.outlook import target_probability
from sobre_collector.indicators.privacy import Cell, is_personal, shown
from sobre_collector.indicators.total import StratumTotal, month_total, year_total
from sobre_drivers.comparison import Comparison
from sobre_drivers.registers import Limits, Register, Shown, Step, settle

LAPTOP = "workstation.laptop"


def row(site: str, devices: Sequence[Sequence[float]], days: tuple[int, int]) -> StratumMonth:
    """The reduction of devices given as Wh and valid days by day type."""
    rows = [
        DeviceMonth((x / 1000, y / 1000), (v, w), (x + y) / 1000, 0.0, 0.0)
        for x, y, v, w in devices
    ]
    return stratum_month("2026-11", Stratum("a", site, LAPTOP), days, rows)


def at(site: str, totals: list[StratumTotal]) -> StratumTotal:
    return next(total for total in totals if total.stratum.site == site)


@pytest.mark.parametrize("name", derive.EXAMPLES)
def test_example_is_what_its_derivation_gives(name: str) -> None:
    stored, derived = examples.own(name), derive.EXAMPLES[name]()
    assert stored["how"]
    numbers = {key: value for key, value in derived.items() if isinstance(value, (int, float))}
    assert {key: stored[key] for key in numbers} == pytest.approx(numbers, rel=1e-9)


def test_day_types() -> None:
    example = examples.own("day_types")
    given = example["given"]
    days = tuple(given["calendar_days"])
    only = row("nord", given["devices_wh"], (days[0], days[1]))
    (total,) = month_total([only], {only.stratum: (given["units"], 0.0)})
    assert total.total_kwh == pytest.approx(example["total_kwh"], rel=1e-12)
    assert total.variance == pytest.approx(example["variance_kwh2"], rel=1e-12)
    assert total.df == example["df"]


@pytest.mark.parametrize(("name", "site"), [("no_device", "unseen"), ("one_device", "alone")])
def test_stratum_that_borrows(name: str, site: str) -> None:
    example = examples.own(name)
    given = example["given"]
    days = tuple(given["calendar_days"])
    rows = [
        row(key.removesuffix("_wh"), given[key], (days[0], days[1]))
        for key in given
        if key.endswith("_wh")
    ]
    inventory = {Stratum("a", s, LAPTOP): (n, 0.0) for s, n in given["units"].items()}
    total = at(site, month_total(rows, inventory))
    assert total.total_kwh == pytest.approx(example["total_kwh"], rel=1e-12)
    assert total.variance == pytest.approx(example["variance_kwh2"], rel=1e-12)
    assert total.df == pytest.approx(example.get("df", total.df))


def test_factor_of_a_class_is_one_error_for_all_its_strata_and_months() -> None:
    example = examples.own("calibration")
    given = example["given"]
    one = class_factor(
        [
            Comparison(LAPTOP, "", "model 1", a, b, 0.0, given["plug_error"], 8.0, "2026-11-01")
            for a, b in given["pairs_w"]
        ]
    )
    assert one.factor_ratio == pytest.approx(example["factor"], rel=1e-12)
    assert one.u_ratio == pytest.approx(example["u_ratio"], rel=1e-9)
    applied = Applied(1, LAPTOP, "2026-10", one.factor_ratio, one.u_ratio or 0.0)
    days = (given["calendar_days"][0], given["calendar_days"][1])
    inventory = {Stratum("a", s, LAPTOP): (n, 0.0) for s, n in given["units"].items()}
    totals: list[StratumTotal] = []
    for k, month in enumerate(("2026-10", "2026-11")):
        # As agents estimate it: none of it is on a meter.
        closed = [
            replace(each, month=month, measured_kwh=0.0, estimated_kwh=each.measured_kwh)
            for each in (row(site, given[f"{site}_wh"][k], days) for site in ("north", "south"))
        ]
        counted = [restated(each, applied) for each in closed]
        totals += month_total(counted, inventory, common_u={LAPTOP: applied.u_ratio})
    whole = year_total(totals)
    assert whole.total_kwh == pytest.approx(example["total_kwh"], rel=1e-12)
    assert whole.se_kwh**2 == pytest.approx(example["variance_kwh2"], rel=1e-9)


def test_churn() -> None:
    example = examples.own("churn")
    given = example["given"]
    days = (given["calendar_days"][0], given["calendar_days"][1])
    five = row("nord", given["devices_wh"], days)
    (census,) = month_total([five], {five.stratum: (example["units"], 0.0)})
    assert (census.total_kwh, census.variance) == pytest.approx((example["census_kwh"], 0.0))
    assert "inventory-too-small" not in census.flags
    six = row("nord", [*given["devices_wh"], given["sixth_wh"]], days)
    (raised,) = month_total([six], {six.stratum: (example["units"], 0.0)})
    assert raised.inventory_n == pytest.approx(example["raised_units"])
    assert raised.total_kwh == pytest.approx(example["raised_kwh"])
    assert "inventory-too-small" in raised.flags


def test_linked_reduction() -> None:
    example = examples.own("linked")
    given = example["given"]

    def stratum(name: str, device_class: str) -> LinkedStratum:
        one = given[name]
        return LinkedStratum(
            Stratum("a", "nord", device_class),
            one["baseline_kwh"],
            one["before_n"],
            one["after_n"],
            (Matched(9, *one["link"]),),
        )

    found = linked_reduction(
        [stratum("laptops", LAPTOP), stratum("printers", "printer")],
        census_before_kwh=given["census_kwh"][0],
        census_after_kwh=given["census_kwh"][1],
        users_before=given["users"][0],
        users_after=given["users"][1],
    )
    assert found is not None
    assert found.reduction_ratio == pytest.approx(example["reduction"], rel=1e-12)


@pytest.mark.parametrize("name", ["spike", "coarse"])
def test_register(name: str) -> None:
    given = examples.own("registers")[name]
    count_uj = given["count_wh"] * 3_600_000_000
    limits = Limits(given["power_max_w"], count_uj)
    state = Register()
    steps: list[Step] = []
    for k, counts in enumerate(given["counts"]):
        state, settled = settle(state, Shown(k * given["step_s"], counts * count_uj), limits)
        steps += settled
    assert [step.verdict.value for step in steps] == given["verdicts"]
    assert sum(step.energy_uj or 0 for step in steps) == int(given["wh"]) * 3_600_000_000


def test_suppression() -> None:
    example = examples.own("suppression")

    def cells(rows: list[list[Any]]) -> list[Cell]:
        return [Cell(o, c, n, kwh, top, is_personal(c)) for o, c, n, kwh, top in rows]

    table = cells(example["cells"])
    first = shown(table)
    assert first.cells == {tuple(cell) for cell in example["shown"]}
    assert first.organisations == set(example["organisations"])
    assert first.whole == example["whole"]
    later = example["next_month"]
    grown = [
        [*c[:2], later["desktops"], *c[3:]] if "desktop" in c[1] else c for c in example["cells"]
    ]
    hidden = {(c.organisation, c.device_class) for c in table} - first.cells
    assert shown(cells(grown), frozenset(hidden)).cells == {tuple(c) for c in later["shown"]}


def series(given: dict[str, Any]) -> dict[str, float]:
    start = number(given["first_month"])
    names = [m for year in range(start // 12, start // 12 + 9) for m in month_names(year)]
    return dict(zip(names, given["kwh_per_user"], strict=False))


def test_estimated_rho() -> None:
    example = examples.own("estimated_rho")
    history = series(example["given"])
    found = forecast(history, month_names(2025))
    assert found is not None
    assert found.rho_ratio == pytest.approx(example["rho"], rel=1e-9)


def test_target_probability_with_all_its_errors() -> None:
    example = examples.own("target_probability")
    given = example["given"]
    found = forecast(
        series(given),
        month_names(given["target_year"]),
        cv_panel_ratio=given["cv_panel"],
        cv_seen_ratio=given["cv_seen"],
    )
    assert found is not None
    assert found.total_kwh == pytest.approx(example["total_kwh"], rel=1e-9)
    assert found.se_log == pytest.approx(example["se_log"], rel=1e-9)
    assert found.cv_panel_ratio == pytest.approx(example["cv_common"], rel=1e-9)
    assert found.df == example["df"]
    probability = target_probability(
        found,
        goal_ratio=given["goal"],
        baseline_kwh_per_user=given["baseline_kwh_per_user"],
        cv_baseline_ratio=given["cv_baseline"],
        correlation_ratio=given["correlation"],
    )
    assert probability == pytest.approx(example["probability"], rel=1e-9)


@pytest.mark.parametrize(
    ("residuals", "rho"),
    [
        ([1.0, -1.0] * 18, 0.3),
        ([1.0] * 60, 0.85),
    ],
    ids=["alternating-is-raised", "persistent-is-bounded"],
)
def test_rho_stays_within_its_bounds(residuals: list[float], rho: float) -> None:
    assert estimated_rho(residuals) == rho


def test_least_squares_refuses_what_it_cannot_tell_apart() -> None:
    with pytest.raises(ValueError, match="depend on one another"):
        least_squares([[1, 2, 4], [1, 3, 6], [1, 4, 8], [1, 7, 14]], [1, 2, 3, 4])
