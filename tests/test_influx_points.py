"""Marks that collectors join, and points as text: what can be told without any InfluxDB."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobre_collector.rows import DayRow, Key
from sobre_collector.store.influx.database import Group, MissingError, RefusedError, groups
from sobre_collector.store.influx.database import raise_for as answered
from sobre_collector.store.influx.joined import joined
from sobre_collector.store.influx.lines import UnstorableError, quoted, tag, text, whole
from sobre_collector.store.influx.points import day_line, days_of, load_line, series_key
from sobre_collector.store.mark import Mark
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin

LAST = 30


@st.composite
def seen(draw: st.DrawFn) -> tuple[set[int], Mark]:
    """Some numbers that came in some order, and the mark that they make."""
    numbers = draw(st.lists(st.integers(1, LAST), unique=True, max_size=LAST))
    mark = Mark()
    for number in numbers:
        mark.take(number, number, 10 * number)
        mark.count(100 * number - 100, 100 * number, 1)
    return set(numbers), mark


@given(st.lists(seen(), max_size=4))
def test_joined_marks_have_seen_what_any_of_them_has(parts: list[tuple[set[int], Mark]]) -> None:
    everything: set[int] = set().union(*(numbers for numbers, _ in parts))
    mark = joined(mark for _, mark in parts)
    top = max(everything, default=0)
    missing = {n for low, high in mark.holes for n in range(low, high + 1)}
    assert mark.seq == top
    assert mark.register_j == 10 * top
    assert set(range(1, top + 1)) - missing == everything
    assert mark.holes == sorted(mark.holes)
    assert (mark.start, mark.end) == (
        (100 * min(everything) - 100, 100 * top) if everything else (0, 0)
    )


@given(st.permutations(range(4)), st.lists(seen(), min_size=4, max_size=4))
def test_order_and_repetition_of_joining_change_nothing(
    order: list[int], parts: list[tuple[set[int], Mark]]
) -> None:
    marks = [mark for _, mark in parts]
    steps = reduce(lambda so_far, n: joined([so_far, marks[n], so_far]), order, Mark())
    assert covered(steps) == covered(joined(marks))


def covered(mark: Mark) -> set[int]:
    missing = {n for low, high in mark.holes for n in range(low, high + 1)}
    return set(range(1, mark.seq + 1)) - missing


@pytest.mark.parametrize(
    ("load", "line"),
    [
        (
            Load("d/1", 7, 100, 60, 5, 9, Origin.MEASURED),
            'load,device=d/1,node=n,stream=s energy_j=5i,origin="measured",register_j=9i,seq=7i,'
            "span_s=60i 100000000007",
        ),
        (
            Load("d", 10**9, 100_000, 90_001, 0, 2**53 - 1, Origin.ALLOCATED, {"on": 1}, 2, 3, 4),
            'long,device=d,node=n,stream=s energy_j=0i,origin="allocated",'
            "register_j=9007199254740991i,seq=1000000000i,span_s=90001i,state_on_s=1i,"
            "power_max_w=2i,pages=3i,replaces=4i 100000000000000",
        ),
        (
            Load("d", 1, 100, 60, 5, 9, Origin.ESTIMATED, {}),
            'load,device=d,node=n,stream=s energy_j=5i,origin="estimated",register_j=9i,seq=1i,'
            "span_s=60i,stateless=true 100000000001",
        ),
    ],
    ids=["bare", "whole-and-long", "no-states"],
)
def test_load_is_one_point_at_its_end_and_number(load: Load, line: str) -> None:
    assert load_line(series_key("n", load.device, "s"), load) == line


@pytest.mark.parametrize(
    ("value", "written"),
    [("plain", "plain"), ("a b", "a\\ b"), ("a,b=c", "a\\,b\\=c"), ("é/ü", "é/ü")],
)
def test_tag_is_escaped(value: str, written: str) -> None:
    assert tag(value) == written


@pytest.mark.parametrize("value", ["", "a\\", "a\\b", "a\nb", "a\rb", "\0", "x" * 1_001])
def test_tag_that_no_escape_saves_is_refused(value: str) -> None:
    with pytest.raises(UnstorableError):
        tag(value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**70, 1.0, float("nan"), True, None])
def test_only_integers_of_64_bits_are_written(value: object) -> None:
    with pytest.raises(UnstorableError):
        whole(value)  # type: ignore[arg-type]


def test_texts_keep_their_quotes_and_backslashes() -> None:
    assert text('a"b\\c') == '"a\\"b\\\\c"'
    assert quoted("a'b\\c\n") == "'a\\'b\\\\c\\n'"


def test_day_that_loses_its_pages_and_states_is_read_without_them() -> None:
    """A point that is written again keeps the fields that the new one lacks."""
    before = DayRow(Key("n", "d"), False, "2026-11-24", 86_400, 1, 2, 3, 4, 5, 6, 7, True)
    assert 'said="[{},null]"' in day_line(before)
    columns = ["time", "pages", "state_on_s", "said", "valid"]
    integers = {
        "length_s": 86_400,
        "observed_s": 1,
        "off_s": 2,
        "measured_j": 3,
        "estimated_j": 4,
        "allocated_j": 5,
        "out_of_hours_j": 6,
        "filled_j": 7,
    }
    stale = [1_795_478_400_000_000_000, 99, 50, "[{},null]", True, *integers.values()]
    tags = {"device": "d", "node": "n"}
    group = Group("day", tags, [*columns, *integers], [stale])
    assert days_of(group, personal=False) == [before]


@pytest.mark.parametrize(
    ("status", "body", "writing", "kind"),
    [
        (400, b'{"error":"partial write"}', True, RefusedError),
        (413, b"too large", True, RefusedError),
        (422, b'{"message":"beyond retention"}', True, RefusedError),
        (404, b'{"error":"database not found: \\"x\\""}', True, MissingError),
        (404, b"<html>no such page</html>", True, StoreError),
        (400, b'{"error":"error parsing query"}', False, StoreError),
        (401, b"", True, StoreError),
        (503, b"\xff", True, StoreError),
        (302, b"elsewhere", True, StoreError),
    ],
)
def test_answer_means_what_its_status_and_words_say(
    status: int, body: bytes, writing: bool, kind: type[StoreError]
) -> None:
    with pytest.raises(StoreError) as caught:
        answered(status, body, "http://x", writing)
    assert type(caught.value) is kind
    assert str(caught.value).startswith("http://x: ")


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [b'{"results":[{"statement_id":0}]}'],
        [b'{"results":[{"statement_id":0}]}', b'{"results":[{"statement_id":1,"partial":true}]}'],
        [b'{"results":[{"statement_id":0}'],
        [b'{"results":[{"statement_id":0},{"statement_id":1,"error":"timeout"}]}'],
    ],
    ids=["nothing", "one-of-two", "partial", "cut", "error"],
)
def test_answer_that_is_not_whole_is_none(answer: list[bytes]) -> None:
    with pytest.raises(StoreError):
        list(groups(answer, "http://x", 2))
