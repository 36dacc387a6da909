"""What is kept of a month once its devices are forgotten."""

import json
import random
from dataclasses import replace
from math import sqrt

import pytest

from sobre_collector.indicators.moments import (
    POOLED,
    DeviceMonth,
    Stratum,
    from_json,
    month_rows,
    stratum_month,
    to_json,
)
from sobre_collector.indicators.privacy import is_personal
from sobre_drivers.errors import StoreError

LAPTOPS = Stratum("mairie", "nord", "workstation.laptop")


def device(x_work: float, x_rest: float, w_work: float, w_rest: float) -> DeviceMonth:
    return DeviceMonth((x_work, x_rest), (w_work, w_rest), x_work, x_rest, x_rest)


THREE = [device(2.0, 1.0, 10, 4), device(3.0, 0.5, 20, 8), device(5.0, 0.0, 5, 0)]


def test_sums_and_second_moments_are_those_of_the_devices() -> None:
    kept = stratum_month("2026-11", LAPTOPS, (20, 10), THREE)
    assert kept.devices == 3
    assert kept.sums == (10.0, 1.5, 35.0, 12.0)
    # xx, xy, xw, xv, yy, yw, yv, ww, wv, vv by hand
    assert kept.squares == (38.0, 3.5, 105.0, 32.0, 1.25, 20.0, 8.0, 525.0, 200.0, 80.0)
    assert (kept.measured_kwh, kept.estimated_kwh, kept.out_of_hours_kwh) == (10.0, 1.5, 1.5)


def test_the_largest_of_three_is_not_kept_since_it_would_give_the_other_two() -> None:
    kept = stratum_month("2026-11", LAPTOPS, (20, 10), THREE)
    assert kept.largest_kwh is not None
    assert kept.squares is not None
    # 3, 3.5 and 5 kWh: by hand 11.5/3 + √(2/3·(46.25 − 11.5²/3)).
    assert kept.largest_kwh == pytest.approx(23 / 6 + sqrt(2 / 3 * (46.25 - 11.5**2 / 3)))
    whole, squares = 11.5, kept.squares[0] + 2 * kept.squares[1] + kept.squares[4]
    left, left_squares = whole - kept.largest_kwh, squares - kept.largest_kwh**2
    other = (left + sqrt(max(0.0, 2 * left_squares - left**2))) / 2
    assert min(abs(other - one) for one in (3.0, 3.5)) > 0.2
    four = stratum_month("2026-11", LAPTOPS, (20, 10), [*THREE, device(1.0, 0.0, 5, 0)])
    assert four.largest_kwh == 5.0


@pytest.mark.parametrize("devices", [0, 1, 2])
def test_fewer_than_three_devices_keep_no_squares_and_no_largest(devices: int) -> None:
    kept = stratum_month("2026-11", LAPTOPS, (20, 10), THREE[:devices])
    assert kept.devices == devices
    assert kept.squares is None
    assert kept.largest_kwh is None


def test_device_without_a_valid_day_is_not_monitored() -> None:
    silent = DeviceMonth((0.0, 0.0), (0, 0), 0.0, 0.0, 0.0)
    assert stratum_month("2026-11", LAPTOPS, (20, 10), [*THREE, silent]) == stratum_month(
        "2026-11", LAPTOPS, (20, 10), THREE
    )


def test_order_of_devices_changes_no_bit() -> None:
    draw = random.Random(7)
    rows = [
        device(draw.lognormvariate(1, 1), draw.lognormvariate(-1, 1), draw.randrange(1, 22), 8.0)
        for _ in range(500)
    ]
    kept = stratum_month("2026-11", LAPTOPS, (21, 9), rows)
    for _ in range(5):
        draw.shuffle(rows)
        assert stratum_month("2026-11", LAPTOPS, (21, 9), rows) == kept


def test_personal_strata_of_few_devices_are_joined_before_they_are_kept() -> None:
    room = Stratum("mairie", "dc1", "server")
    devices = {
        LAPTOPS: [*THREE, *THREE],
        replace(LAPTOPS, site="sud"): [*THREE, *THREE[:2]],
        replace(LAPTOPS, site="est"): THREE[2:],
        replace(LAPTOPS, organisation="ecole"): THREE[:1],
        replace(LAPTOPS, organisation="musee"): [*THREE, *THREE[:2]],
        room: THREE[:1],
    }
    rows = month_rows("2026-11", (20, 10), devices, is_personal)
    by_stratum = {row.stratum: row for row in rows}
    joined = replace(LAPTOPS, site=POOLED)
    everywhere = replace(joined, organisation=POOLED)
    assert set(by_stratum) == {LAPTOPS, joined, everywhere, room}
    assert by_stratum[joined].sums == by_stratum[LAPTOPS].sums
    assert [by_stratum[s].devices for s in (joined, everywhere, room)] == [6, 6, 1]
    assert [row.stratum for row in rows] == sorted(by_stratum)


@pytest.mark.parametrize("devices", [1, 3], ids=["without-squares", "with-squares"])
def test_json_round_trip_is_exact(devices: int) -> None:
    thirds = [device(1 / 3, 2 / 7, 1 / 9, 3.0), device(0.1, 1e-17, 11, 1), device(9.9, 0.3, 1, 1)]
    kept = stratum_month("2026-11", LAPTOPS, (20, 10), thirds[:devices])
    assert from_json(json.loads(json.dumps(to_json(kept)))) == kept


@pytest.mark.parametrize(
    "damage",
    [{"sums": [1.0, 2.0]}, {"squares": [1.0]}, {"calendar_days": 30}, {"devices": ...}],
    ids=["sums-short", "squares-short", "days-not-a-pair", "key-missing"],
)
def test_damaged_row_is_refused_with_a_remedy(damage: dict[str, object]) -> None:
    row = to_json(stratum_month("2026-11", LAPTOPS, (20, 10), THREE)) | damage
    row = {key: value for key, value in row.items() if value is not ...}
    with pytest.raises(StoreError, match="rebuild it or restore"):
        from_json(row)


def test_strata_sort_and_serve_as_keys() -> None:
    other = replace(LAPTOPS, site="sud")
    assert sorted({other: 1, LAPTOPS: 2}) == [LAPTOPS, other]
