"""The report's figures against numbers worked out by hand.

Baseline 100,000 kWh (60 % laptops, φ = 1; 40 % servers, φ = 0), users 1,000 then 1,100:
factor 0.6 × 1.1 + 0.4 = 1.06, E* = 106,000. A month of 2025 is 200/100 × 2,250 kWh of laptops and
3,000 kWh of the server, the year 90,000. R = 1 − 90/106. One document: half-width 3,000 kWh, so
u = 3,000/√3 and cv = 0.0173205; all devices are alike, so the total adds no variance. With
z = 1.959964, exp(0.0339476) = 1.0345304 and exp(−0.0339476) = 0.9666222.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from report_fleet import (
    FACTS,
    LAPTOP,
    half_monitored,
    measured_before,
    month,
    perimeter,
    unequal_organisations,
)
from sobre_collector.indicators.moments import DeviceMonth, Stratum, stratum_month
from sobre_collector.perimeter.facts import Baseline, BaselineRow, Perimeter, months_of
from sobre_collector.report.figures import report
from sobre_collector.report.fingerprint import input_sha256
from sobre_collector.report.model import Conserved, Group

Change = Callable[[Perimeter], Perimeter]


def test_a_half_monitored_year_gives_the_figures_worked_out_by_hand() -> None:
    found = report(half_monitored(), perimeter(), 2025, FACTS)
    assert found.missing == ()
    result = found.result
    assert result is not None
    assert found.energy.energy_kwh == pytest.approx(90_000)
    assert found.energy.naive_kwh == pytest.approx(63_000)
    assert result.adjusted_baseline_kwh == pytest.approx(106_000)
    assert result.reduction_ratio == pytest.approx(0.150943396)
    assert result.evolution_ratio == pytest.approx(-0.150943396)
    at_95, at_90 = result.intervals
    assert (at_95.level_ratio, at_90.level_ratio) == (0.95, 0.90)
    assert at_95.low_ratio == pytest.approx(0.1216252, abs=1e-6)
    assert at_95.high_ratio == pytest.approx(0.1792830, abs=1e-6)
    assert at_95.low_ratio < at_90.low_ratio < at_90.high_ratio < at_95.high_ratio
    assert result.avoided_kwh == pytest.approx(16_000)
    assert result.avoided_interval is not None
    assert result.avoided_interval.low_kwh == pytest.approx(12_892.3, abs=0.5)
    assert result.avoided_interval.high_kwh == pytest.approx(19_004.0, abs=0.5)
    assert result.baseline_kwh_per_user == pytest.approx(100)
    assert result.reporting_kwh_per_user == pytest.approx(81.818182)
    assert found.baseline.u_kwh == pytest.approx(1_732.0508)


def test_the_shares_add_up_and_are_those_of_the_parts() -> None:
    energy = report(half_monitored(), perimeter(), 2025, FACTS).energy
    # Of 7,500 kWh a month, 5,000 are measured, 250 estimated, 2,250 extrapolated.
    assert energy.measured_share_ratio == pytest.approx(5 / 7.5)
    assert energy.estimated_share_ratio == pytest.approx(0.25 / 7.5)
    assert energy.extrapolated_share_ratio == pytest.approx(2.25 / 7.5)


def test_what_stands_beside_the_result_is_signed_like_it() -> None:
    beside = report(half_monitored(), perimeter(), 2025, FACTS).beside
    assert beside.raw_ratio == pytest.approx(0.10)
    assert beside.phi0_ratio == pytest.approx(0.10)
    # 63,000 kWh for 1,100 users against 100,000 for 1,000.
    assert beside.naive_ratio == pytest.approx(1 - 63 / 110)


def test_the_trajectory_sets_the_year_against_its_path() -> None:
    found = report(half_monitored(), perimeter(), 2025, FACTS).trajectory
    # Three of four years to 15 %: 11.25 %.
    assert found.path_ratio == pytest.approx(0.1125)
    assert found.gap_ratio == pytest.approx(0.038443396)
    assert found.gap_low_ratio == pytest.approx(0.0091252, abs=1e-6)
    assert found.status == "ahead"
    assert found.required_yearly_ratio == pytest.approx(-0.000943396)
    assert found.window_end == "2025-12"


def test_coverage_counts_units_devices_and_device_days() -> None:
    found = {
        one.device_class: one for one in report(half_monitored(), perimeter(), 2025, FACTS).coverage
    }
    laptops = found["workstation.laptop"]
    assert (laptops.inventory, laptops.devices, laptops.coverage_ratio) == (200, 100, 0.5)
    assert (found["server"].devices, found["server"].coverage_ratio) == (1, 1.0)


def test_a_measured_baseline_takes_its_own_year() -> None:
    # 2022: the laptops all monitored, 5,000 kWh a month; the server 3,000. E_B = 96,000.
    before = measured_before()
    stated = replace(perimeter(), baseline=Baseline(2022, "measured"))
    found = report([*before, *half_monitored()], stated, 2025, FACTS)
    assert found.result is not None
    # E* = 60,000 × 1.1 + 36,000 = 102,000; the sum of a dashboard fell from 96,000 to 63,000.
    assert found.result.adjusted_baseline_kwh == pytest.approx(102_000)
    assert found.result.reduction_ratio == pytest.approx(1 - 90 / 102)
    assert found.beside.naive_ratio == pytest.approx(1 - (63 / 1.1) / 96)
    december = next(one for one in found.months if one.month == "2025-12")
    assert december.baseline_kwh == pytest.approx(8_000)
    # 8,000 × 102/96 × (1 − 11.25 %).
    assert december.path_kwh == pytest.approx(7_543.75)


def test_a_running_year_reports_the_last_twelve_complete_months() -> None:
    rows = half_monitored(2024)[12:] + half_monitored(2025)[:14]
    facts = replace(FACTS, this_month="2025-07")
    found = report(rows, perimeter(), 2025, facts)
    assert (found.period.start, found.period.end, found.period.complete) == (
        "2024-07-01",
        "2025-06-30",
        False,
    )
    assert found.result is not None
    # The month that is not over takes no part.
    assert len(found.period.months) == 12
    assert found.trajectory.path_ratio == pytest.approx(0.15 * 2.5 / 4)


def test_fewer_than_twelve_months_give_no_percentage_and_say_which_lack() -> None:
    found = report(half_monitored()[:22], perimeter(), 2025, FACTS)
    assert found.result is None
    assert found.trajectory.status == "insufficient"
    assert found.trajectory.gap_ratio is None
    assert [(note.code, note.values["months"]) for note in found.missing] == [
        ("months-missing", "2025-12")
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: replace(p, headcount={}), "no-users"),
        (lambda p: replace(p, baseline=Baseline(2022, "declared")), "no-baseline"),
        (lambda p: replace(p, baseline=Baseline(2022, "measured")), "baseline-months-missing"),
        (lambda p: replace(p, baseline=replace(p.baseline, year=2025)), "not-after-baseline"),
        (
            lambda p: replace(
                p,
                baseline=Baseline(
                    2022, "declared", (BaselineRow("bx", "server", 1e5, 2e4, "bilan.pdf"),)
                ),
            ),
            "baseline-too-uncertain",
        ),
    ],
    ids=["no-headcount", "no-rows", "not-measured", "same-year", "cv-above-a-tenth"],
)
def test_what_is_missing_is_named(change: Change, code: str) -> None:
    found = report(half_monitored(), change(perimeter()), 2025, FACTS)
    assert found.result is None
    assert code in [note.code for note in found.missing]


def test_a_class_that_nobody_monitors_stands_in_the_way_and_is_named() -> None:
    stated = perimeter()
    units = {**stated.inventory["2022-01"], Stratum("bx", "hdv", "monitor"): (300.0, 9.0)}
    found = report(half_monitored(), replace(stated, inventory={"2022-01": units}), 2025, FACTS)
    assert found.result is None
    assert {note.code: note.values for note in found.missing} == {"no-data": {"class": "monitor"}}


def test_nothing_at_all_is_insufficient_rather_than_an_error() -> None:
    found = report([], perimeter(), 2025, FACTS)
    assert found.result is None
    assert found.energy.energy_kwh is None
    assert "no-months" in [note.code for note in found.missing]


def test_an_organisation_that_left_is_outside_both_years() -> None:
    stated = perimeter()
    gone = replace(stated.organisations[0], id="old", name="Old", until="2024-12")
    stated = replace(stated, organisations=(*stated.organisations, gone))
    extra = [month(name, Stratum("old", "s", "server"), 20, 9e4) for name in months_of(2025)]
    found = report([*half_monitored(), *extra], stated, 2025, FACTS)
    assert found.energy.energy_kwh == pytest.approx(90_000)
    assert "left-out" in [note.code for note in found.notes]


def _known(groups: tuple[Group, ...]) -> dict[str, float]:
    return {one.name: one.energy_kwh for one in groups if one.energy_kwh is not None}


def test_a_small_organisation_does_not_come_back_by_subtraction() -> None:
    found = report(*unequal_organisations(), 2025, FACTS)
    shown = _known(found.organisations)
    # Three laptops are hidden, and the smallest other with them: the rest leaves fifteen.
    assert shown == {"C": pytest.approx(4_800), "D": pytest.approx(3_600)}
    assert found.energy.energy_kwh is not None
    assert found.energy.energy_kwh - sum(shown.values()) == pytest.approx(12 * (37 + 120))
    assert _known(found.classes) == {"workstations": pytest.approx(12 * 857)}


def test_laptops_and_desktops_are_one_group_so_that_classes_give_nobody_away() -> None:
    rows, stated = unequal_organisations()
    desktops = [
        month(n, Stratum("c", "s", "workstation.desktop"), 40, 80.0) for n in months_of(2025)
    ]
    servers = [month(n, Stratum("c", "s", "server"), 2, 55.0) for n in months_of(2025)]
    found = report([*rows, *desktops, *servers], stated, 2025, FACTS)
    assert {one.name for one in found.classes} == {"workstations", "server"}


def test_a_fleet_of_fewer_than_ten_workstations_publishes_no_energy() -> None:
    rows = [month(name, LAPTOP, 9, 90.0) for name in months_of(2025)]
    stated = replace(perimeter(), inventory={"2022-01": {LAPTOP: (9.0, 0.0)}})
    found = report(rows, stated, 2025, FACTS)
    assert found.result is None
    assert "too-few-workstations" in [note.code for note in found.missing]
    assert found.energy.energy_kwh is None
    assert len(found.months) == 12
    assert all(one.energy_kwh is None and one.naive_kwh is None for one in found.months)
    assert (found.organisations, found.classes, found.coverage) == ((), (), ())


def test_a_month_of_too_few_counts_nowhere_so_that_no_later_total_gives_it_back() -> None:
    rows = [*half_monitored(2024), *half_monitored(2025)]
    rows[0] = month("2024-01", LAPTOP, 4, 80.0, 10.0)
    facts = replace(FACTS, this_month="2024-12")
    early = report(rows[:24], perimeter(), 2024, facts)
    assert early.result is None
    assert {note.code for note in early.missing} == {"months-missing", "too-few-workstations"}
    # February to November: January is in no sum.
    assert early.energy.energy_kwh == pytest.approx(10 * 7_500)
    late = report(rows, perimeter(), 2025, FACTS)
    assert late.result is not None
    assert late.energy.energy_kwh == pytest.approx(90_000)
    assert [one.month for one in late.months if one.energy_kwh is None] == ["2024-01"]
    assert "too-few-workstations" in [note.code for note in late.notes]


def test_one_device_that_makes_more_than_a_fifth_hides_its_month() -> None:
    small = DeviceMonth((1.0, 0.0), (20, 10), 1.0, 0.0, 0.0)
    large = DeviceMonth((10.0, 0.0), (20, 10), 10.0, 0.0, 0.0)
    rows = [stratum_month(n, LAPTOP, (20, 10), [small] * 30 + [large]) for n in months_of(2025)]
    found = report(rows, perimeter(), 2025, FACTS)
    assert [one.energy_kwh for one in found.months] == [None] * 12


def test_joules_that_do_not_balance_stand_among_the_weaknesses() -> None:
    facts = replace(FACTS, conservation=Conserved(10, 0, 0, 0, 3, 4))
    notes = {note.code: note.values for note in report([], perimeter(), 2025, facts).notes}
    assert notes["unaccounted"] == {"missing_j": 3, "doubled_j": 4}


def test_the_fingerprint_follows_months_and_perimeter_but_not_their_order() -> None:
    rows = half_monitored()
    first = input_sha256(rows, perimeter(), FACTS)
    assert input_sha256(rows[::-1], perimeter(), FACTS) == first
    assert input_sha256(rows[1:], perimeter(), FACTS) != first
    assert input_sha256(rows, replace(perimeter(), user_definition="comptes"), FACTS) != first
    other = replace(FACTS, common_u={"workstation.laptop": 0.1})
    assert input_sha256(rows, perimeter(), other) != first
    assert input_sha256(rows, perimeter(), replace(FACTS, generated_at="2027-01-01")) == first
