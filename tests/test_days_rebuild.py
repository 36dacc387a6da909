"""Rebuilding: what a commit touched is built again, whatever came in which order."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from collected import PERIMETER, H, Place, arrivals, at, days_in
from sobre_collector.rebuild import rebuild_days


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "data")
    made.devices()
    yield made
    made.close()


def test_order_and_repetition_of_arrivals_change_nothing(tmp_path: Path) -> None:
    first = date(2026, 10, 23)
    loads = arrivals(first, 5)
    now = at(first + timedelta(days=6), 12)
    found = []
    for seed in (None, 1, 2):
        place = Place(tmp_path / f"data-{seed}")
        place.devices()
        mixed = list(loads)
        if seed is not None:
            random.Random(seed).shuffle(mixed)
        for n in range(0, len(mixed), 7):
            place.series.append(sorted(mixed[n : n + 7], key=lambda a: a.load.seq))
            rebuild_days(place.series, place.ledger, PERIMETER, now)
        place.series.append(loads)
        place.run(now)
        found.append((days_in(place), place.ledger.months("2026-01", "2026-12")))
        place.close()
    assert found[1] == found[0]
    assert found[2] == found[0]
    assert {row.length_s for row in found[0][0]} == {24 * H, 25 * H}


def test_days_of_a_closed_month_are_not_built_again_from_what_is_left(place: Place) -> None:
    place.ledger.close_month("2026-09", 0)
    place.series.append(arrivals(date(2026, 9, 30), 2))
    rebuild_days(place.series, place.ledger, PERIMETER, 0)
    assert {(row.personal, row.day) for row in days_in(place)} == {
        (False, "2026-09-30"),
        (False, "2026-10-01"),
        (True, "2026-10-01"),
    }
    assert place.series.touched() == []


def test_a_rebuild_that_is_asked_to_stop_goes_on_at_the_next_call(place: Place) -> None:
    place.series.append(arrivals(date(2026, 11, 2), 4))
    asked = iter([False, False, True, True])
    assert rebuild_days(place.series, place.ledger, PERIMETER, 0, lambda: next(asked)) == 2 * 7
    assert place.series.touched()
    assert rebuild_days(place.series, place.ledger, PERIMETER, 0) == 4 * 7
    assert place.series.touched() == []
