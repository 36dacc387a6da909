"""A change parted into its factors adds up, without a rest."""

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from method.examples import published
from sobre_collector.indicators.lmdi import decomposed, energy_effects_kwh, log_mean, points
from sobre_collector.indicators.printer_use import fewer_and_shorter

positive = st.floats(1e-6, 1e6)


@pytest.mark.shared
def test_published_fleet_of_printers() -> None:
    example = published("WE14_printer_fleet")
    found = fewer_and_shorter(120, 5.2, 96, 4.1, 250)
    assert found.reduction_ratio == pytest.approx(example["R_hours"], rel=1e-9)
    assert found.effects_h["fewer"] == pytest.approx(example["lmdi_printers_h"], rel=1e-9)
    assert found.effects_h["shorter"] == pytest.approx(example["lmdi_intensity_h"], rel=1e-9)
    # As the method publishes them: −17.9 and −19.0 points for −36.9 %.
    rounded = {name: round(100 * value, 1) for name, value in found.points.items()}
    assert rounded == {"fewer": -17.9, "shorter": -19.0}
    assert sum(found.points.values()) == pytest.approx(-found.reduction_ratio)


@given(positive, positive)
def test_logarithmic_mean_lies_between_and_is_that_of_equals(a: float, b: float) -> None:
    found = log_mean(a, b)
    assert min(a, b) * (1 - 1e-9) <= found <= max(a, b) * (1 + 1e-9)
    assert log_mean(a, a) == a
    assert found == pytest.approx(log_mean(b, a), rel=1e-9)


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 9e-6, 1e-8])
def test_logarithmic_mean_is_smooth_near_equality(gap: float) -> None:
    # ∫₀¹ a^s·b^(1−s) ds by Simpson's rule, which cancels nothing.
    a, n = 3.0 * (1 + gap), 100
    values = [exp(k / n * log(a) + (1 - k / n) * log(3.0)) for k in range(n + 1)]
    simpson = values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2])
    assert log_mean(a, 3.0) == pytest.approx(simpson / 3 / n, rel=1e-11)


@given(st.lists(st.tuples(positive, positive), min_size=2, max_size=4))
def test_effects_add_up_to_the_change(pairs: list[tuple[float, float]]) -> None:
    before = {str(k): b for k, (b, _) in enumerate(pairs)}
    after = {str(k): a for k, (_, a) in enumerate(pairs)}
    found = decomposed(before, after)
    change = 1.0
    start = 1.0
    for b, a in pairs:
        change, start = change * a, start * b
    assert sum(found.values()) == pytest.approx(
        change - start, rel=1e-6, abs=1e-9 * max(change, start)
    )


def test_energy_by_users_devices_and_use() -> None:
    found = energy_effects_kwh((1_000, 1_500, 300_000), (1_100, 1_500, 240_000))
    assert sum(found.values()) == pytest.approx(-60_000)
    assert found["users"] > 0
    # As many devices for more users: exactly what the users added.
    assert found["devices-per-user"] == pytest.approx(-found["users"])
    assert points(found, 300_000)["kwh-per-device"] == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("after", "message"),
    [({"users": 0.0, "use": 1.0}, "users are not above 0"), ({"users": 1.0}, "same ones")],
    ids=["zero", "another-factor"],
)
def test_zero_factors_are_refused(after: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decomposed({"users": 1.0, "use": 1.0}, after)
