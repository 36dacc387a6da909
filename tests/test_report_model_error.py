"""The error that all PCs of a class share: whole in kWh, and in R only where it cannot cancel."""

from dataclasses import replace
from math import exp, sqrt

import pytest

from report_fleet import FACTS, half_monitored, measured_before, perimeter
from sobre_collector.perimeter.facts import Baseline
from sobre_collector.report.figures import report
from sobre_collector.report.rows import figure_rows
from sobre_collector.report.source import common_u, meter_u
from sobre_collector.rows import Device, Key

MODEL = {"workstation.laptop": 0.1}


def test_the_error_of_a_power_model_is_whole_against_a_declared_baseline() -> None:
    found = report(half_monitored(), perimeter(), 2025, replace(FACTS, common_u=MODEL))
    # A tenth of the laptops' 54,000 kWh: it adds up over months and devices as it is.
    assert found.energy.u_kwh == pytest.approx(5_400)
    assert found.energy.interval is not None
    assert found.energy.interval.low_kwh == pytest.approx(90_000 - 1.959964 * 5_400, rel=1e-6)
    assert found.baseline.u_kwh == pytest.approx(1_732.0508)
    laptops = {one.name: one for one in found.classes}["workstations"]
    assert laptops.low_kwh == pytest.approx(54_000 - 1.959964 * 5_400, rel=1e-6)
    assert found.months[0].low_kwh == pytest.approx(7_500 - 1.959964 * 450, rel=1e-6)
    assert found.result is not None
    # cv² of Q: 0.0173205² of the baseline, and (0.1 × 54/90)².
    half = 1.959964 * sqrt(0.0003 + 0.0036)
    low = found.result.intervals[0].low_ratio
    assert low == pytest.approx(1 - 90 / 106 * exp(half), abs=1e-6)
    assert "model-whole" in [note.code for note in found.notes]


def test_the_same_power_model_in_both_years_cancels_but_for_the_weight_of_its_class() -> None:
    stated = replace(perimeter(), baseline=Baseline(2022, "measured"))
    rows = [*measured_before(), *half_monitored()]
    found = report(rows, stated, 2025, replace(FACTS, common_u=MODEL))
    assert found.result is not None
    # Laptops are 66/102 of the adjusted baseline and 54/90 of the year; nothing else is uncertain.
    half = 1.959964 * 0.1 * (66 / 102 - 54 / 90)
    low = found.result.intervals[0].low_ratio
    assert low == pytest.approx(1 - 90 / 102 * exp(half), abs=1e-6)
    assert found.baseline.u_kwh == pytest.approx(6_000)
    assert found.energy.u_kwh == pytest.approx(5_400)
    # What R takes is said apart: nothing of the baseline's own, and what does not cancel.
    assert found.baseline.u_compared_kwh == pytest.approx(0)
    assert found.energy.u_compared_kwh == pytest.approx(90_000 * 0.1 * (66 / 102 - 54 / 90))
    sure = figure_rows(found, "en")
    (told,) = [row[2] for row in sure if "standard deviation" in row[2]]
    assert "6.00\u202fMWh with the power models' error" in told
    notes = {note.code: note.values for note in found.notes}
    assert notes["model-offset"] == {"class": "workstation.laptop", "u_ratio": pytest.approx(0.2)}


def test_the_model_of_a_class_is_as_uncertain_as_its_devices_say() -> None:
    def device(name: str, device_class: str, u_ratio: float | None) -> Device:
        return Device(Key(name, name), device_class, "bx", "hdv", "model", 90.0, u_ratio, 0)

    devices = [
        device("a", "workstation.laptop", 0.2),
        device("b", "workstation.laptop", 0.4),
        device("c", "workstation.laptop", None),
        device("d", "server", 0.02),
        device("e", "server", 0.04),
    ]
    # Stated at 95 %: half of it is one standard uncertainty.
    assert common_u(devices) == {"workstation.laptop": pytest.approx(0.15)}
    assert meter_u(devices) == {"server": pytest.approx(0.02)}
