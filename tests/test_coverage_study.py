"""Whole fleets with a known truth: few here, hundreds with `make coverage`."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from coverage_study import loads
from coverage_study.document import BEGIN, END, between_marks, coverage, document, summary
from coverage_study.fleet import DAYS, METERED, Fleet, Rollout, calendar, fleet
from coverage_study.loads import Proof, proved
from coverage_study.months import months
from coverage_study.result import Answer, answer
from sobre_collector.days import day_rows
from sobre_collector.months import day_types, device_month
from sobre_collector.rows import DayRow, Key
from sobre_drivers.calendar import WorkingHours

FLEETS = 10


@pytest.fixture(scope="module")
def found() -> dict[Rollout, list[Answer]]:
    rollouts: tuple[Rollout, ...] = ("even", "biased")
    return {r: [answer(seed, r, device_years=False) for seed in range(FLEETS)] for r in rollouts}


def test_product_finds_what_a_dashboard_takes_for_a_rise(
    found: dict[Rollout, list[Answer]],
) -> None:
    for one in found["even"]:
        assert one.truth == pytest.approx(0.16, abs=0.02)
        assert one.estimates["naive sum"] < 0
        assert one.estimates["product"] == pytest.approx(one.truth, abs=0.06)
    errors = [one.estimates["product"] - one.truth for one in found["even"]]
    assert fmean(errors) == pytest.approx(0.0, abs=0.02)


def test_intervals_hold_the_truth(found: dict[Rollout, list[Answer]]) -> None:
    # Of ten fleets one or two may miss at nominal 90 %.
    assert coverage(found["even"], "product", 0.90).ratio >= 0.7
    assert coverage(found["even"], "product", 0.95).ratio >= 0.8


def test_bias_test_fires_where_the_assumption_is_broken(
    found: dict[Rollout, list[Answer]],
) -> None:
    assert sum(one.alarm for one in found["biased"]) >= 9
    assert sum(one.alarm for one in found["even"]) <= 2
    linked = [abs(one.estimates["linked"] - one.truth) for one in found["biased"]]
    product = [abs(one.estimates["product"] - one.truth) for one in found["biased"]]
    assert fmean(linked) < fmean(product)


def small() -> Fleet:
    """A fleet of which a few devices are looked at day by day."""
    made = fleet(7, "even")
    chosen = np.r_[np.arange(0, 3396, 97), np.flatnonzero(made.stratum == made.stratum[-1])]
    return Fleet(
        made.strata,
        made.stratum[chosen],
        # A day's energy is whole joules, as in the store.
        np.rint(made.kwh[chosen] * 3.6e6) / 3.6e6,
        made.in_service[chosen],
        made.seen[chosen],
        made.adopted[chosen],
    )


def test_columns_of_days_are_the_products_days() -> None:
    made = small()
    hours = WorkingHours()
    names, _ = calendar()
    closed = months(made)
    assert len(closed) == 24
    for month in closed[::5]:
        assert month.calendar_days == day_types(month.name, hours)
        columns = [k for k in range(DAYS) if names[k] == month.name]
        for devices in month.devices.values():
            for key, one in devices.items():
                rows = [_day(made, int(key), k) for k in columns if made.seen[int(key), k]]
                expected = device_month(rows, hours)
                assert one.energy_kwh == pytest.approx(expected.energy_kwh, rel=1e-12)
                assert one.valid_days == expected.valid_days
                assert one.measured_kwh == pytest.approx(expected.measured_kwh, rel=1e-12)


def _day(made: Fleet, device: int, column: int) -> DayRow:
    day = date.fromordinal(date(2025, 1, 1).toordinal() + column)
    return DayRow(
        key=Key("n", str(device)),
        personal=False,
        day=day.isoformat(),
        length_s=86_400,
        observed_s=86_400,
        off_s=0,
        measured_j=round(float(made.kwh[device, column]) * 3.6e6),
        estimated_j=0,
        allocated_j=0,
        out_of_hours_j=0,
        valid=True,
    )


def test_loads_of_a_fleet_give_its_days_and_months() -> None:
    found = proved(small())
    assert found.loads > found.device_days > 10_000
    assert found.holds
    assert found.wrong_days == 0


def test_a_joule_that_is_lost_on_its_way_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(*words: Any) -> list[DayRow]:
        rows = day_rows(*words)
        return [replace(row, measured_j=max(0, row.measured_j - 1)) for row in rows[:1]] + rows[1:]

    monkeypatch.setattr(loads, "day_rows", losing)
    found = proved(small())
    assert found.wrong_days > 0
    assert not found.holds


def test_table_of_results_is_written_between_its_marks() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert between_marks(page, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    method = Path(__file__).parents[1] / "docs" / "method.md"
    assert between_marks(method.read_text("utf-8"), "new").count("new") >= 1
    with pytest.raises(ValueError, match="once each"):
        between_marks("nothing marked", "new")


def test_metered_room_is_a_census() -> None:
    month = months(fleet(3, "even"))[0]
    assert len(month.devices[METERED]) == month.inventory[METERED][0]


def test_document_says_whether_promises_are_kept() -> None:
    def one(low: float, high: float, alarm: bool) -> Answer:
        ways = ("product", "device-year", "device-year, matched")
        estimates = {"naive sum": -0.2, "pooled mean": 0.1, "product": low + 0.01, "linked": 0.16}
        intervals = {(way, level): (low, high) for way in ways for level in (0.90, 0.95)}
        return Answer(0.16, estimates, intervals, alarm, alarm)

    good = [one(0.1 + k / 1000, 0.2, False) for k in range(20)]
    warned = [one(0.2 + k / 1000, 0.3, True) for k in range(20)]
    text, kept = document({"even": good, "uneven": good, "biased": warned})
    assert kept
    assert "| régulier · even | 0.0 % | 0.0 % |" in text
    # Twenty of twenty hold; the estimate is 1.05 points below the truth on average, ± 0.13.
    table = summary({"even": good, "uneven": good, "biased": warned})
    assert "| régulier · even | -4.05 (0.13) | 100.0 % (0.0) | 100.0 % (0.0) | 0.0 % |" in table
    lossy = Proof(3, 2, 1, 24, 0.0)
    assert not document({"even": good, "uneven": good, "biased": warned}, lossy)[1]
    assert not document({"even": good, "uneven": good, "biased": good})[1]
    assert not document({"even": warned, "uneven": good, "biased": warned})[1]
