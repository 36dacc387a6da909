"""From E_B to E*: users, signed rows and the weather, and months without degree-days as holes."""

from dataclasses import replace

import pytest

from method import examples
from sobre_collector.indicators.adjustments import Entry, Slope, applied, energy_uses
from sobre_collector.indicators.baseline import Baseline
from sobre_collector.indicators.degree_days import Hole, weather_uses
from sobre_collector.indicators.reduction import Users, adjusted_baseline, user_factor

BEFORE, AFTER = ["2022-06", "2022-07", "2022-08"], ["2026-06", "2026-07", "2026-08"]
COOLING = Entry(
    name="cooling",
    kind="weather",
    kwh=0.0,
    u_kwh=0.0,
    on="2022-01-01",
    reason="The room follows the weather",
    evidence="fit of 2023",
    evidence_sha256="",
    approver="head of energy",
    approved_on="2024-01-05",
    slope=Slope("dc1", 18.0, 12.5, 2.5),
)


def signed(name: str, kind: str, kwh: float, u_kwh: float) -> Entry:
    return replace(
        COOLING,
        name=name,
        kind=kind,  # type: ignore[arg-type]
        kwh=kwh,
        u_kwh=u_kwh,
        slope=None,
    )


def test_adjusted_baseline_as_worked_out_in_fractions() -> None:
    example = examples.own("adjusted")
    given = example["given"]
    half = given["half_width_degree_days"]
    days = zip(
        [*BEFORE, *AFTER],
        [*given["before_degree_days"], *given["after_degree_days"]],
        strict=True,
    )
    table = {("dc1", 18.0): {month: (value, half) for month, value in days}}
    entries = [
        COOLING,
        signed("joined", "perimeter", *given["joined_kwh"]),
        signed("closed", "non-routine", *given["closed_kwh"]),
    ]
    weather = weather_uses(entries, table, BEFORE, AFTER)
    assert weather.holes == ()
    before, after = (
        Users(count, u) for count, u in zip(given["users"], given["u_users"], strict=True)
    )
    uses = energy_uses(given["kwh"])
    assert user_factor(uses, before, after) == pytest.approx(example["factor"], rel=1e-12)
    star = adjusted_baseline(
        Baseline("billed", sum(given["kwh"].values()), given["u_base_kwh"]),
        uses,
        before,
        after,
        applied(entries, weather.uses, "2026-12-31", "2026-01-01"),
    )
    assert star.total_kwh == pytest.approx(example["total_kwh"], rel=1e-12)
    assert star.u_kwh == pytest.approx(example["u_kwh"], rel=1e-12)


def test_a_month_without_degree_days_is_a_hole_and_never_another_month() -> None:
    known = {month: (100.0, 1.0) for month in [*BEFORE, "2026-06"]}
    found = weather_uses([COOLING], {("dc1", 18.0): known}, BEFORE, AFTER)
    assert found.uses == ()
    assert found.holes == (Hole("cooling", "dc1", 18.0, ("2026-07", "2026-08")),)
    # Degree-days above another base are others.
    other = weather_uses([COOLING], {("dc1", 20.0): known}, BEFORE, ["2026-06"])
    assert other.holes[0].months == (*BEFORE, "2026-06")


@pytest.mark.parametrize(
    ("changes", "acts"),
    [
        ({}, True),
        ({"on": "2026-08-31"}, True),
        ({"on": "2026-09-01"}, False),
        ({"until": "2026-05-31"}, False),
        ({"until": "2026-06-01"}, True),
    ],
    ids=["whole", "from-the-last-day", "later", "over", "until-the-first-day"],
)
def test_only_what_touches_the_period_acts(changes: dict[str, str], acts: bool) -> None:
    table = {("dc1", 18.0): {month: (100.0, 1.0) for month in [*BEFORE, *AFTER]}}
    entry = replace(COOLING, **changes)  # type: ignore[arg-type]
    assert bool(weather_uses([entry], table, BEFORE, AFTER).uses) is acts
    row = replace(signed("x", "non-routine", 5.0, 1.0), **changes)  # type: ignore[arg-type]
    assert bool(applied([row], (), "2026-08-31", "2026-06-01")) is acts
