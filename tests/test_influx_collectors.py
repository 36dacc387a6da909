"""Several collectors on one InfluxDB: each load is there once, forks are seen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier

import pytest

from influx.appends import DECEMBER, EITHER, Pause, balance, batch, forged
from sobre_collector.rows import Arrival, Key, Outcome
from sobre_drivers.errors import StoreError
from stores import InfluxStore
from test_series import PC, PDU, T0, B, arrival, aside, day, load, stored

pytestmark = pytest.mark.influx
pytest_plugins = ("store_fixtures",)

NAMES = pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


@EITHER
def test_collectors_take_turns_and_leave_no_hole(
    influx_store: InfluxStore, tmp_path: Path, key: Key
) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(closing(influx_store.open(by=by))) for by in "ab"]
        for seq in (2, 1, 4, 3, 5, 8, 7, 6):
            assert both[seq % 2].append(batch(seq, key=key)) == Outcome(stored=1)
        for series in both:
            assert [(mark.seq, mark.holes) for mark in series.marks()] == [(8, ())]
            assert series.append(batch(*range(1, 9), key=key)) == Outcome(repeated=8)
            assert series.append([forged(4, key)]).stored == 0
        assert aside(both[0]) == [("fork", 4)]
        assert balance(both[1], tmp_path) == (0, 0)


def test_collectors_see_each_others_streams_months_and_holes(influx_store: InfluxStore) -> None:
    with (
        closing(influx_store.open(by="a")) as one,
        closing(influx_store.open(by="b")) as other,
    ):
        one.append(batch(1, 2, 3))
        assert other.append([arrival(load(3), stream=B)]) == Outcome(quarantined=1)
        one.append([arrival(load(6))])
        assert other.append([arrival(load(5, replaces=2))]) == Outcome(stored=1)
        assert one.append([arrival(load(4))]) == Outcome(quarantined=1)
        assert [reason for reason, _ in aside(one)] == ["overlap", "fork"]
        one.append(batch(1, key=PC))
        assert other.append(batch(2, key=PC)) == Outcome(stored=1)
        other.forget("2026-11")
        late = arrival(load(3, PC), PC, received=DECEMBER + 86_400)
        told = late._replace(reason="late")
        assert one.append([late]) == Outcome(quarantined=1, late=(told,))
        assert one.append(batch(1, key=PC)) == Outcome(repeated=1)


@pytest.mark.parametrize("times", range(4))
def test_same_batch_at_the_same_time_is_stored_once(
    influx_store: InfluxStore, threads: ThreadPoolExecutor, tmp_path: Path, times: int
) -> None:
    start = Barrier(3)
    sent = [*batch(*range(1, 40)), *batch(*range(1, 40), key=PC)]

    def deliver(by: str) -> Outcome:
        with closing(influx_store.open(by=by)) as series:
            start.wait(30)
            return series.append(sent)

    found = list(threads.map(deliver, "abc"))
    assert sum(outcome.quarantined for outcome in found) == 0
    assert sum(outcome.stored for outcome in found) >= 78
    with closing(influx_store.open(by="a")) as series:
        for key in (PDU, PC):
            loads = [s.load for s in series.loads(0, 2**40, key)]
            assert loads == [load(n, key) for n in range(1, 40)]
        assert series.append(sent) == Outcome(repeated=78)
        assert balance(series, tmp_path) == (0, 0)


@NAMES
@EITHER
@pytest.mark.parametrize("step", ["marked", "stored"])
def test_other_content_at_the_same_time_is_a_fork_and_not_overwritten(
    influx_store: InfluxStore,
    threads: ThreadPoolExecutor,
    key: Key,
    step: str,
    first: str,
    second: str,
) -> None:
    pause = Pause(step)
    with (
        closing(influx_store.open(pause, by=first, patience_s=1)) as one,
        closing(influx_store.open(by=second, patience_s=1)) as other,
    ):
        early = threads.submit(one.append, batch(1, key=key))
        assert pause.reached.wait(30)
        late = threads.submit(other.append, [forged(1, key)])
        pause.go.set()
        outcomes = [early.result(30), late.result(30)]
        assert sorted((o.stored, o.quarantined) for o in outcomes) == [(0, 1), (1, 0)]
        kept = [j for _, _, j in stored(one)] + [
            q.load.energy_j for q in one.quarantined() if q.load
        ]
        assert sorted(kept) == [7, 1001]
        assert [reason for reason, _ in aside(one)] == ["fork"]


@NAMES
@EITHER
def test_collector_waits_for_one_that_is_writing_the_same(
    influx_store: InfluxStore, threads: ThreadPoolExecutor, key: Key, first: str, second: str
) -> None:
    pause = Pause("yielded")
    with (
        closing(influx_store.open(pause, by=first)) as one,
        closing(influx_store.open(by=second, patience_s=30)) as other,
    ):
        early = threads.submit(one.append, batch(1, key=key))
        assert pause.reached.wait(30)
        late = threads.submit(other.append, [forged(1, key)])
        with pytest.raises(TimeoutError):
            late.result(0.5)
        pause.go.set()
        assert early.result(30) == Outcome(stored=1)
        assert late.result(30) == Outcome(quarantined=1)
        assert [j for _, _, j in stored(one)] == [1001]


@NAMES
@pytest.mark.parametrize("sends", [batch(1)[0], forged(1)], ids=["same", "other"])
def test_collector_that_hung_finds_what_came_meanwhile(
    influx_store: InfluxStore, threads: ThreadPoolExecutor, first: str, second: str, sends: Arrival
) -> None:
    pause = Pause("marked")
    with (
        closing(influx_store.open(pause, by=first, patience_s=0.1)) as hung,
        closing(influx_store.open(by=second, patience_s=0.1)) as other,
    ):
        early = threads.submit(hung.append, batch(1))
        assert pause.reached.wait(30)
        # Waits for the one that hangs, but not for ever.
        assert other.append([sends]) == Outcome(stored=1)
        pause.go.set()
        same = sends == batch(1)[0]
        assert early.result(30) == Outcome(repeated=int(same), quarantined=int(not same))
        assert [j for _, _, j in stored(other)] == [sends.load.energy_j]


def test_day_is_not_settled_while_its_load_is_on_the_way(
    influx_store: InfluxStore, threads: ThreadPoolExecutor
) -> None:
    pause = Pause("marked")
    with (
        closing(influx_store.open(pause, by="a")) as one,
        closing(influx_store.open(by="b")) as jobs,
    ):
        under_way = threads.submit(one.append, batch(1))
        assert pause.reached.wait(30)
        assert jobs.touched() == []
        pause.go.set()
        under_way.result(30)
        (touch,) = jobs.touched()
        assert (touch.key, touch.start, touch.end) == (PDU, T0, T0 + 600)
        jobs.put_days([day("2026-11-24")], [touch])
        assert jobs.touched() == one.touched() == []
        # The other collector knows that this was settled, and does not touch it again.
        one.append(batch(2))
        (touch,) = jobs.touched()
        assert (touch.start, touch.end) == (T0 + 600, T0 + 1200)


def test_load_whose_month_is_dropped_while_it_is_stored_is_late(
    influx_store: InfluxStore, threads: ThreadPoolExecutor
) -> None:
    pause = Pause("marked")
    late = arrival(load(2, PC), PC, received=DECEMBER + 86_400)
    with (
        closing(influx_store.open(pause, by="a")) as one,
        closing(influx_store.open(by="b")) as other,
    ):
        pause.go.set()
        one.append(batch(1, key=PC))
        pause.go.clear()
        pause.reached.clear()
        under_way = threads.submit(one.append, [late])
        assert pause.reached.wait(30)
        other.forget("2026-11")
        pause.go.set()
        told = late._replace(reason="late")
        assert under_way.result(30) == Outcome(quarantined=1, late=(told,))
        assert one.append([late]) == Outcome(repeated=1)
        assert one.late() == {"2026-11": (1, 1002)}
        assert f"{influx_store.prefix}_2026-11" not in influx_store.database.names()


def test_payload_of_a_month_that_was_dropped_finds_a_place(influx_store: InfluxStore) -> None:
    with (
        closing(influx_store.open(by="a")) as one,
        closing(influx_store.open(by="b")) as other,
    ):
        one.quarantine(PC.node, b"1", "no JSON", T0)
        other.forget("2026-11")
        with pytest.raises(StoreError):
            one.quarantine(PC.node, b"2", "no JSON", T0)
        one.quarantine(PC.node, b"2", "no JSON", T0)
        assert [row.payload for row in one.quarantined()] == [b"2"]
