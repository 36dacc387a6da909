"""PUE with its category, its period, and what makes it wrong; outlets that idle."""

from datetime import date, timedelta
from math import sqrt

import pytest

from method.examples import published
from sobre_collector.indicators.datacentre import Month, Pue, idle_outlets, pue
from sobre_collector.indicators.forecast import month_names

CLASS_1 = 0.01 / sqrt(3)


def of(months: list[Month]) -> Pue:
    return pue(months, 2, facility_u_ratio=CLASS_1, it_u_ratio=CLASS_1)


@pytest.mark.shared
def test_published_pue() -> None:
    example = published("WE17_pue")
    pairs = zip(example["E_DC"], example["E_IT"], strict=True)
    found = of([Month(f"2025-0{k}", dc, it) for k, (dc, it) in enumerate(pairs, 1)])
    assert found.value == pytest.approx(example["PUE"], rel=1e-9)
    assert found.u == pytest.approx(example["u"], rel=1e-9)
    # This example was computed with 1.96.
    assert found.interval() == pytest.approx(tuple(example["ci95"]), rel=1e-4)
    assert found.standing == "interim"
    assert found.label == "PUE2, 2025-01–2025-03"


def test_twelve_months_make_a_whole_pue_and_one_month_names_itself() -> None:
    year = [Month(name, 150.0, 100.0) for name in month_names(2025)]
    assert (of(year).standing, of(year).label) == ("whole", "PUE2, 2025")
    assert of(year[:1]).label == "PUE2, 2025-01"
    across = [*year[1:], Month("2026-01", 150.0, 100.0)]
    assert (of(across).standing, of(across).label) == ("whole", "PUE2, 2025-02–2026-01")


@pytest.mark.parametrize(
    ("months", "value"),
    [
        ([Month("2025-01", 90.0, 100.0)], 0.9),
        ([Month("2025-01", 90.0, 100.0), Month("2025-02", 200.0, 100.0)], 1.45),
        ([Month("2025-01", -1.0, 0.0)], None),
    ],
    ids=["below-one", "one-month-below-one", "nothing-reached-the-it"],
)
def test_more_out_than_in_is_a_metering_error(months: list[Month], value: float | None) -> None:
    found = of(months)
    assert found.value == (None if value is None else pytest.approx(value))
    assert found.standing == "metering-error"
    assert found.wrong_months == ("2025-01",)


def test_a_month_counts_once() -> None:
    with pytest.raises(ValueError, match="once"):
        of([Month("2025-01", 2.0, 1.0)] * 2)


def test_idle_outlets() -> None:
    last = date(2026, 11, 23)
    days = [(last - timedelta(days=k)).isoformat() for k in range(60)]
    outlets = {
        "idle": dict.fromkeys(days, 5.0),
        "idle-but-once": dict.fromkeys(days, 5.0) | {days[7]: 9.0},
        "a-day-missing": {day: 5.0 for day in days if day != days[30]},
        "at-the-limit": dict.fromkeys(days, 8.0),
        "empty": dict.fromkeys(days, 0.0),
        "long-ago-busy": dict.fromkeys(days, 7.0) | {"2026-01-01": 300.0},
    }
    found = idle_outlets(outlets, last.isoformat())
    assert [(o.device, o.drawing) for o in found] == [
        ("long-ago-busy", True),
        ("idle", True),
        ("empty", False),
    ]
    assert found[1].kwh_per_year == pytest.approx(5.0 * 8.766)
