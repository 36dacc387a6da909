"""The series store every load once, whatever comes twice, late, out of order or forged."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sobre_collector.rows import Arrival, DayRow, Key, Outcome, Quarantined
from sobre_collector.store.base import Series
from sobre_drivers.load import Load, Origin
from stores import Store

pytest_plugins = ("store_fixtures",)

# 24 November 2026, 00:00 in Paris.
T0 = 1_795_474_800
A, B = str(UUID(int=1)), str(UUID(int=2))
PDU, PC = Key("reader", "pdu-a3/outlet-07"), Key("pc-1", "pc-1")


def load(seq: int, key: Key = PDU, t0: int = T0, step_s: int = 600, replaces: int = 1) -> Load:
    """Load `seq` of a device whose power rises by 1 J each span: a sum tells which are in it."""
    energy_j = sum(1000 + n for n in range(seq - replaces + 1, seq + 1))
    register_j = sum(1000 + n for n in range(1, seq + 1))
    span_s = step_s * replaces
    end = t0 + step_s * seq
    return Load(
        key.device,
        seq,
        end,
        span_s,
        energy_j,
        register_j,
        Origin.MEASURED,
        power_max_w=12,
        replaces=replaces,
    )


def arrival(
    one: Load, key: Key = PDU, stream: str = A, reason: str | None = None, received: int = T0
) -> Arrival:
    return Arrival(key.node, stream, one, key == PC, received, reason)


def stored(series: Series, key: Key | None = None) -> list[tuple[str, int, int]]:
    return [(s.stream, s.load.seq, s.load.energy_j) for s in series.loads(0, 2**40, key)]


def aside(series: Series) -> list[tuple[str, int | None]]:
    return [(q.reason, q.load.seq if q.load else None) for q in series.quarantined()]


@pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])
def test_load_comes_back_as_it_was_stored(store: Store, key: Key) -> None:
    whole = Load(
        key.device, 3, T0 + 900, 900, 0, 2**53 - 1, Origin.ALLOCATED, {"on": 5, "off": 7}, 0, 9, 2
    )
    bare = load(4, key)
    series = store.open()
    assert series.append([arrival(whole, key), arrival(bare, key)]) == Outcome(stored=2)
    series.close()
    again = store.open()
    assert [s.load for s in again.loads(T0, T0 + 10_000)] == [whole, bare]
    assert [(s.node, s.stream) for s in again.loads(T0, T0 + 10_000)] == [(key.node, A)] * 2
    again.close()


@pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_order_and_repetition_change_nothing(store: Store, key: Key, data: st.DataObject) -> None:
    """Loads of three days around a change of month, each one to five times, in any order."""
    count = 12
    loads = [load(n, key, t0=T0 + 5 * 86_400, step_s=21_600) for n in range(1, count + 1)]
    deliveries = [n for n in range(count) for _ in range(data.draw(st.integers(1, 5)))]
    order = data.draw(st.permutations(deliveries))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order)), max_size=6)) | {0, len(order)})
    series = store.fresh().open()
    outcomes = [
        series.append([arrival(loads[n], key) for n in order[first:last]])
        for first, last in itertools.pairwise(cuts)
    ]
    assert sum(outcome.stored for outcome in outcomes) == count
    assert sum(outcome.repeated for outcome in outcomes) == len(order) - count
    assert [s.load for s in series.loads(0, 2**40)] == loads
    assert [(m.seq, m.register_j, m.holes) for m in series.marks()] == [
        (count, sum(each.energy_j for each in loads), ())
    ]
    assert aside(series) == []
    series.close()


@pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])
@pytest.mark.parametrize(
    "forge",
    [
        lambda one: one._replace(energy_j=one.energy_j - 1),
        lambda one: one._replace(end=one.end + 60),
        lambda one: one._replace(end=one.end + 20 * 86_400),
        lambda one: one._replace(state_s={"on": 1}),
        lambda one: one._replace(replaces=2, energy_j=0),
    ],
    ids=["energy", "time", "month", "states", "merged"],
)
def test_other_content_under_one_identity_is_a_fork(
    series: Series, key: Key, forge: Callable[[Load], Load]
) -> None:
    series.append([arrival(load(n, key), key) for n in (1, 2, 3)])
    forged = arrival(forge(load(2, key)), key)
    assert series.append([forged, forged]) == Outcome(repeated=1, quarantined=1)
    assert series.append([forged]) == Outcome(repeated=1)
    assert aside(series) == [("fork", 2)]
    assert [s.load for s in series.loads(0, 2**40)] == [load(n, key) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("sequence", "holes"),
    [
        ([3], [(1, 2)]),
        ([1, 2, 5, 9], [(3, 4), (6, 8)]),
        ([5, 3], [(1, 2), (4, 4)]),
        ([5, 4, 1], [(2, 3)]),
        ([5, 2, 1, 3, 4], []),
    ],
    ids=["at-start", "two", "split", "edges", "filled"],
)
def test_hole_is_kept_until_it_is_filled(
    store: Store, sequence: list[int], holes: list[tuple[int, int]]
) -> None:
    series = store.open()
    for seq in sequence:
        assert series.append([arrival(load(seq))]) == Outcome(stored=1)
    series.close()
    again = store.open()
    assert [list(mark.holes) for mark in again.marks()] == [holes]
    assert again.append([arrival(load(seq)) for seq in sequence]).repeated == len(sequence)
    again.close()


def test_merged_load_covers_what_it_replaces(series: Series) -> None:
    series.append([arrival(load(1)), arrival(load(6, replaces=3))])
    assert [mark.holes for mark in series.marks()] == [((2, 3),)]
    assert series.append([arrival(load(3, replaces=2))]) == Outcome(stored=1)
    assert [mark.holes for mark in series.marks()] == [()]


def test_range_that_was_seen_in_part_is_a_fork(series: Series) -> None:
    series.append([arrival(load(1)), arrival(load(4))])
    assert series.append([arrival(load(3, replaces=3))]) == Outcome(quarantined=1)
    assert series.append([arrival(load(6, replaces=3))]) == Outcome(quarantined=1)
    assert [reason for reason, _ in aside(series)] == ["fork", "fork"]


@pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])
def test_second_stream_may_go_on_but_not_claim_time_again(series: Series, key: Key) -> None:
    series.append([arrival(load(n, key), key) for n in (1, 2, 3)])
    twice = arrival(load(3, key), key, stream=B)
    beyond = arrival(load(4, key), key, stream=B)
    assert series.append([twice, beyond]) == Outcome(stored=1, quarantined=1)
    assert series.append([twice, beyond]) == Outcome(repeated=2)
    assert aside(series) == [("overlap", 3)]
    assert stored(series) == [(A, 1, 1001), (A, 2, 1002), (A, 3, 1003), (B, 4, 1004)]


def test_same_device_id_under_two_nodes_is_two_devices(series: Series) -> None:
    other = Key("reader-2", PDU.device)
    series.append([arrival(load(1)), arrival(load(1), other)])
    assert stored(series, PDU) == stored(series, other) == [(A, 1, 1001)]
    assert {mark.key for mark in series.marks()} == {PDU, other}


def test_what_may_not_count_is_kept_with_its_reason_once(series: Series) -> None:
    for _ in range(5):
        series.append([arrival(load(1), reason="future")])
        series.quarantine("reader", b"\xff\x00[", "not UTF-8", T0)
    numbers = [row.number for row in series.quarantined()]
    assert len(set(numbers)) == 2
    rows = sorted(series.quarantined(), key=lambda row: row.load is None)
    assert [replace(row, number=0) for row in rows] == [
        Quarantined(0, "reader", "future", T0, A, load(1), None),
        Quarantined(0, "reader", "not UTF-8", T0, payload=b"\xff\x00["),
    ]
    assert stored(series) == []


@pytest.mark.parametrize("personal", [False, True], ids=["infrastructure", "workstation"])
def test_readmitted_loads_count_and_their_days_are_rebuilt(series: Series, personal: bool) -> None:
    for one in (load(1), load(2), load(3)._replace(energy_j=600 * 151)):
        series.append([Arrival("reader", A, one, True, T0, "unknown-device")])
    assert series.touched() == []
    assert series.readmit(PDU, "unknown-device", personal, bound_w=150) == 2
    assert series.readmit(PDU, "unknown-device", personal, bound_w=150) == 0
    assert stored(series) == [(A, 1, 1001), (A, 2, 1002)]
    assert aside(series) == [("unknown-device", 3)]
    (touch,) = series.touched()
    assert (touch.key, touch.personal) == (PDU, personal)
    assert (touch.start, touch.end) == (T0, T0 + 1200)
    again = Arrival("reader", A, load(2), personal, T0)
    assert series.append([again]) == Outcome(repeated=1)


def test_device_that_was_unknown_is_rebuilt_as_what_it_turned_out_to_be(
    series: Series,
) -> None:
    series.append([Arrival("reader", A, load(1), True, T0, "unknown-device")])
    series.append([arrival(load(2))])
    assert [touch.personal for touch in series.touched()] == [False]


def test_touch_that_comes_while_days_are_built_stays(series: Series) -> None:
    series.append([arrival(load(n)) for n in (1, 3)])
    (touch,) = series.touched()
    assert (touch.start, touch.end) == (T0, T0 + 1800)
    series.append([arrival(load(2))])
    series.put_days([day("2026-11-24")], [touch])
    assert series.touched() == [touch]
    series.put_days([day("2026-11-24")], series.touched())
    assert series.touched() == []


def day(text: str, key: Key = PDU, energy_j: int = 5) -> DayRow:
    states = {"on": 3} if key == PC else {}
    return DayRow(key, key == PC, text, 86_400, 80_000, 7, energy_j, 1, 2, 3, 1, True, states, None)


def test_days_are_replaced_and_read_by_device_and_day(store: Store) -> None:
    series = store.open()
    texts = ("2026-11-30", "2026-12-01", "2026-11-29")
    series.put_days([day(text, key) for key in (PDU, PC) for text in texts], [])
    series.put_days([day("2026-11-30", PC, 9), day("2026-11-30", PDU, 9)], [])
    series.close()
    again = store.open()
    found = list(again.days("2026-11-30", "2026-12-01"))
    assert found == [
        day("2026-11-30", PC, 9),
        day("2026-12-01", PC),
        day("2026-11-30", PDU, 9),
        day("2026-12-01", PDU),
    ]
    assert list(again.days("2026-11-30", "2026-11-30", PC)) == [day("2026-11-30", PC, 9)]
    again.close()


@pytest.mark.parametrize(
    ("start", "end", "seqs"),
    [
        (T0, T0 + 600, [1]),
        (T0 + 599, T0 + 601, [1, 2]),
        (T0 + 600, T0 + 600, []),
        (T0 + 1199, T0 + 1200, [2]),
        (T0 + 1200, T0 + 1201, [10]),
        (T0 + 5999, T0 + 9999, [10]),
    ],
    ids=["exact", "both-edges", "empty", "last-second", "inside-long", "end-of-long"],
)
@pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])
def test_loads_that_overlap_are_found(
    series: Series, key: Key, start: int, end: int, seqs: Sequence[int]
) -> None:
    loads = [load(1, key), load(2, key), load(10, key, replaces=8)]
    series.append([arrival(one, key) for one in loads])
    assert [s.load.seq for s in series.loads(start, end)] == seqs


def test_loads_of_all_files_come_by_device_and_end(series: Series) -> None:
    keys = [Key(node, device) for node in ("b", "a") for device in ("y", "x")]
    arrivals = [
        Arrival(key.node, A, load(n, key, step_s=86_400), key.device == "x", T0)
        for key in keys
        for n in range(1, 15)
    ]
    random.Random(1).shuffle(arrivals)
    series.append(arrivals)
    order = [(s.node, s.load.device, s.load.end) for s in series.loads(0, 2**40)]
    assert order == sorted(order)
    assert len(order) == 56


def test_outcome_counts_every_arrival(series: Series) -> None:
    mixed = [arrival(load(n, key), key) for key in (PDU, PC) for n in (1, 2, 2)]
    mixed += [arrival(load(3, key), key, reason="future") for key in (PDU, PC)]
    assert series.append(mixed) == Outcome(stored=4, repeated=2, quarantined=2)
    assert series.append([]) == Outcome()
