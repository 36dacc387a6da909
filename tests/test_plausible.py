"""Whether a value can be, and what is named as the likely cause where it cannot."""

import pytest

from sobre_drivers.meters.commissioning.plausible import verdict
from sobre_drivers.meters.commissioning.rate import rates
from sobre_drivers.meters.kind import Value


@pytest.mark.parametrize(
    ("name", "value", "unit", "turned", "level", "finding"),
    [
        ("voltage", 231.4, "V", None, "ok", ""),
        ("voltage_l1_l2", 401.0, "V", None, "ok", ""),
        ("voltage", 2314.0, "V", None, "wrong", "times 0.1 it would be 231.4 V"),
        ("voltage", 1.2e-38, "V", 231.4, "wrong", "in the other word order it would be 231.4 V"),
        ("voltage", 0.0, "V", 0.0, "doubt", "is this phase connected"),
        ("frequency", 49.98, "Hz", None, "ok", ""),
        ("frequency", 499.8, "Hz", None, "wrong", "times 0.1 it would be 49.98 Hz"),
        ("frequency", 60.0, "Hz", None, "ok", ""),
        ("frequency", 66.0, "Hz", None, "wrong", "are the model and the unit id right?"),
        ("power", 3300.0, "W", None, "ok", ""),
        ("power", 3400.0, "W", None, "wrong", "times 0.1 it would be 340 W"),
        ("power", 3.4, "kW", None, "wrong", "times 0.1"),
        ("power", 9e9, "W", None, "wrong", "3000 W is the most by rated_w"),
        ("power", 4.7e-39, "W", 1200.0, "wrong", "in the other word order it would be 1200 W"),
        ("power", -1200.0, "W", None, "doubt", "is a current transformer the wrong way round?"),
        ("power", 0.0, "W", None, "ok", ""),
        ("power_factor", 0.93, "", None, "ok", ""),
        ("power_factor", 930.0, "", None, "wrong", "times 0.001 it would be 0.93"),
        ("energy", -1.0, "kWh", None, "wrong", "-1 kWh cannot be"),
        ("energy", 12345.6, "kWh", None, "ok", ""),
        ("energy", 7e-40, "kWh", 12.5, "wrong", "in the other word order it would be 12.5 kWh"),
        ("current", 12.0, "A", None, "ok", ""),
        ("power", None, "W", None, "silent", ""),
        ("serial", "20260007", "", None, "none", ""),
        ("breaker", 3.0, "", None, "none", ""),
    ],
)
def test_a_value_is_judged_by_what_it_is(
    name: str, value: float | str | None, unit: str, turned: float | None, level: str, finding: str
) -> None:
    found = verdict(Value("m", name, value, unit), 3000.0, turned)
    assert found.level == level
    assert finding in found.finding
    assert bool(finding) == bool(found.finding)


def test_a_power_that_nobody_bounded_is_only_held_against_nonsense() -> None:
    assert verdict(Value("m", "power", 5e5, "W"), None).level == "ok"
    assert verdict(Value("m", "power", 1e-30, "W"), None).level == "wrong"


@pytest.mark.parametrize(
    ("power_w", "rise", "unit", "span_s", "step_wh", "level", "finding"),
    [
        (1200.0, 20.0, "Wh", 60, 1.0, "ok", "rises as power says"),
        (1200.0, 0.02, "kWh", 60, 1.0, "ok", "rises as power says"),
        (1200.0, 20.0, "kWh", 60, 1.0, "wrong", "rises 1000 times as fast as power says"),
        (1200.0, 0.02, "Wh", 60, 0.001, "wrong", "rises 0.001 times as fast as power says"),
        (1200.0, 0.0, "Wh", 60, 1.0, "wrong", "stands still"),
        (1200.0, 0.0, "Wh", 60, 10.0, "none", "too coarse to tell; watch it for 2 min"),
        (1200.0, 10.0, "Wh", 30, 10.0, "none", "too coarse"),
        (1200.0, 10000.0, "Wh", 30, 10.0, "wrong", "1000 times as fast"),
        (1200.0, -5.0, "Wh", 60, 1.0, "wrong", "fell by 5 Wh"),
        (1200.0, 50.0, "Wh", 60, 1.0, "doubt", "does not rise as power says"),
        (0.0, 0.0, "Wh", 60, 1.0, "none", "too coarse"),
    ],
)
def test_energy_must_rise_as_power_says(
    power_w: float, rise: float, unit: str, span_s: float, step_wh: float, level: str, finding: str
) -> None:
    rounds = [
        (at_s, [Value("m", "power", power_w, "W"), Value("m", "energy", energy, unit)])
        for at_s, energy in ((0.0, 500.0), (span_s, 500.0 + rise))
    ]
    found = rates(rounds, {"m": step_wh})["m"]
    assert (found.level, finding in found.finding) == (level, True), found


def test_nothing_is_said_of_a_rise_where_one_of_the_two_is_missing() -> None:
    rounds = [(0.0, [Value("m", "energy", 1.0, "kWh")]), (9.0, [Value("m", "energy", 2.0, "kWh")])]
    assert rates(rounds, {"m": 1.0}) == {}
    assert rates(rounds[:1], {}) == {}
