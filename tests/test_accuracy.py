"""What docs/accuracy.md says of the estimates, held against the tables and the code."""

from pathlib import Path

import pytest

from accuracy import fits
from accuracy.document import DOCUMENT, END, START, tables, within, write
from accuracy.estimators import estimators
from accuracy.scores import Score, instead, scored
from accuracy.tables import TABLES, held_out
from sobre_drivers.pc.screens import ScreenModel

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not TABLES.is_dir(), reason="../shared/captures/power-tables is not here"),
]


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return {each.name: each for each in (*scored(), *instead())}


def test_the_document_says_what_the_code_gives() -> None:
    assert within(DOCUMENT.read_text("utf-8")) == tables(), "run `make accuracy`"


def test_a_stated_95_percent_holds_about_so_many_rows_that_it_was_not_fitted_on(
    scores: dict[str, Score],
) -> None:
    held = {name: each.held_ratio for name, each in scores.items() if each.held_ratio is not None}
    assert len(held) == 4
    assert {name: ratio for name, ratio in held.items() if not 0.90 <= ratio <= 0.99} == {}


def test_the_document_is_written_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "accuracy.md"
    path.write_text(f"# Before\n\n{START}\nold\n{END}\n\nAfter.\n", "utf-8")
    write(path)
    once = path.read_text("utf-8")
    assert once == f"# Before\n\n{START}\n{tables()}\n{END}\n\nAfter.\n"
    write(path)
    assert path.read_text("utf-8") == once
    with pytest.raises(ValueError, match="once each"):
        within(once + START)


@pytest.mark.parametrize(
    ("ours", "to_beat", "bar"),
    [
        ("power between idle and full, at half load", "straight line, at half load", 0.105),
        ("power between idle and full, all levels", "straight line, all levels", 0.09),
        ("the same, towers only", "straight line, towers only", 0.095),
        (
            "a desktop at a plug, by load",
            "a desktop at a plug: straight line",
            0.21,
        ),
        (
            "a desktop at a plug, by counters",
            "a desktop at a plug: counter taken for the plug",
            0.097,
        ),
        ("laptop: energy of a year", "laptop: 75 W for 30 % of the year", 0.25),
        ("desktop: energy of a year", "desktop: 175 W for 30 % of the year", 0.25),
        ("monitor: energy of a year", "monitor: 55 W for 30 % of the year", 0.25),
    ],
)
def test_estimates_beat_what_is_usual_on_the_same_rows(
    scores: dict[str, Score], ours: str, to_beat: str, bar: float
) -> None:
    assert scores[ours].rows == scores[to_beat].rows
    assert scores[ours].mean_error < 0.75 * scores[to_beat].mean_error
    assert scores[ours].mean_error < bar


def test_parameters_are_those_that_the_fitting_half_asks_for() -> None:
    for each in estimators():
        if each.alone or each.name.startswith("a server"):
            continue
        fitting = [row for row in each.rows if not held_out(row.key)]
        kept = [row for row in each.rows if held_out(row.key)]
        shipped, fitted = each.shipped(kept), each.fitted_on(fitting)(kept)
        near = [
            ours[0] == pytest.approx(own[0], rel=0.2)
            for ours, own in zip(shipped, fitted, strict=True)
        ]
        # Generations and enclosures with few rows in a half are set from their neighbours.
        assert sum(near) / len(near) > 0.9, each.name
        errors = [sum(abs(a / b - 1) for a, b in pairs) for pairs in (shipped, fitted)]
        assert errors[0] == pytest.approx(errors[1], rel=0.1), each.name


def test_halves_are_halves() -> None:
    for each in estimators()[:4]:
        out = sum(held_out(row.key) for row in each.rows)
        assert 0.4 < out / len(each.rows) < 0.6


@pytest.mark.parametrize(
    ("errors", "ratio", "expected"),
    [([3.0, 1.0, 2.0], 0.5, 2.0), (list(range(1, 100)), 0.95, 95), ([1.0, 9.0], 0.95, 9.0)],
    ids=["middle", "hundredth-to-come", "few"],
)
def test_a_quantile_holds_one_more_row_to_come(
    errors: list[float], ratio: float, expected: float
) -> None:
    assert fits.quantile(errors, ratio) == expected


def test_screens_are_fitted_by_their_area() -> None:
    like = ScreenModel(1, 100.0, 1.0, 0.1, 24.0, 0.3, 0.25, 0.5, ("made up",))
    rows = next(each for each in estimators() if each.name.startswith("monitor")).rows
    base_w, w_per_in2 = fits.screen(rows, like)
    assert 1 <= base_w <= 8
    assert 0.02 < w_per_in2 < 0.08
