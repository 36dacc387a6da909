"""Several collectors on one InfluxDB, cut at any step: each load is once, forks are seen."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Barrier, Event

import pytest

from sobre_collector.conservation import check
from sobre_collector.rows import Arrival, Key, Outcome
from sobre_collector.store.base import Series
from sobre_collector.store.influx import marks
from sobre_collector.store.influx.series import InfluxSeries
from sobre_collector.store.ledger import Ledger
from sobre_drivers.errors import StoreError
from stores import InfluxStore
from test_series import PC, PDU, T0, A, B, arrival, aside, day, load, stored

pytestmark = pytest.mark.influx
pytest_plugins = ("store_fixtures",)

# 1 December 2026, 00:00 in Paris, where November ends.
DECEMBER = 1_796_079_600
EITHER = pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])
NAMES = pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
STEPS = ["marked", "yielded", "stored", "set-aside"]


class PowerCutError(Exception):
    """The machine is gone."""


def cut_at(wanted: str) -> Callable[[str], None]:
    def crash(step: str) -> None:
        if step == wanted:
            raise PowerCutError

    return crash


class Pause:
    """Holds an append at a step until it is let go."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.reached, self.go = Event(), Event()

    def __call__(self, step: str) -> None:
        if step == self._step:
            self.reached.set()
            assert self.go.wait(30)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def batch(*seqs: int, key: Key = PDU) -> list[Arrival]:
    return [arrival(load(seq, key), key) for seq in seqs]


def forged(seq: int, key: Key = PDU) -> Arrival:
    return arrival(load(seq, key)._replace(energy_j=7), key)


def balance(series: Series, folder: Path) -> tuple[int, int]:
    """Missing and doubled J, by the nightly check."""
    with closing(Ledger(folder / "ledger.db")) as ledger:
        found = check(series, ledger)
    return found.missing_j, found.doubled_j


@pytest.mark.parametrize("by", ["collector", "another"])
@pytest.mark.parametrize("step", STEPS)
def test_append_that_was_cut_is_healed_by_sending_again(
    influx_store: InfluxStore, tmp_path: Path, step: str, by: str
) -> None:
    sent = [*batch(1, 2), *batch(1, 2, key=PC), arrival(load(3), reason="future")]
    with closing(influx_store.open(cut_at(step))) as first, pytest.raises(PowerCutError):
        first.append(sent)
    # Nobody tells another collector that this one was killed.
    with closing(influx_store.open(by=by, patience_s=0.3)) as again:
        again.append(sent)
        for key in (PDU, PC):
            assert [s.load for s in again.loads(0, 2**40, key)] == [load(n, key) for n in (1, 2)]
        assert aside(again) == [("future", 3)]
        assert sorted((mark.key, mark.seq, mark.holes) for mark in again.marks()) == [
            (PC, 2, ()),
            (PDU, 3, ()),
        ]
        assert again.append(sent) == Outcome(repeated=5)
        assert {touch.key for touch in again.touched()} == {PC, PDU}
        again.put_days((), again.touched())
        assert again.touched() == []
        assert balance(again, tmp_path) == (0, 0)


@EITHER
@pytest.mark.parametrize(
    ("step", "reasons"), [("yielded", []), ("stored", ["fork"]), ("set-aside", ["fork"])]
)
def test_other_content_after_a_cut_takes_nobodys_place(
    influx_store: InfluxStore, key: Key, step: str, reasons: list[str]
) -> None:
    with closing(influx_store.open(cut_at(step))) as first, pytest.raises(PowerCutError):
        first.append(batch(1, key=key))
    with closing(influx_store.open()) as again:
        again.append([forged(1, key)])
        assert [reason for reason, _ in aside(again)] == reasons
        assert [j for _, _, j in stored(again)] == [1001 if reasons else 7]


def test_cut_append_claims_its_time_and_no_more(influx_store: InfluxStore) -> None:
    """What was set aside before the cut is so after it too: as an overlap, and as late."""
    with closing(influx_store.open()) as first:
        first.append(batch(1, 2, 3))
        first.append([arrival(load(1, PC), PC)])
        first.forget("2026-11")
    late = arrival(load(2, PC), PC, received=DECEMBER + 86_400)
    sent = [arrival(load(3), stream=B), arrival(load(4), stream=B), late]
    with closing(influx_store.open(cut_at("marked"))) as cut, pytest.raises(PowerCutError):
        cut.append(sent)
    with closing(influx_store.open()) as again:
        found = again.append(sent)
        # The late one was set aside before the cut already.
        assert found == Outcome(stored=1, repeated=1, quarantined=1)
        assert again.late() == {"2026-11": (1, 1002)}
        assert sorted(aside(again)) == [("late", 2), ("overlap", 3)]
        assert stored(again)[-1] == (B, 4, 1004)


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


def test_load_of_an_append_that_failed_is_built_when_it_comes_again(
    influx_store: InfluxStore,
) -> None:
    """The load may have come after its day was built: nobody waited for that write to its end."""
    with closing(influx_store.open(cut_at("stored"))) as first, pytest.raises(PowerCutError):
        first.append(batch(1))
    with closing(influx_store.open()) as again:
        again.append(batch(1, key=PC))
        again.put_days((), again.touched())
        assert again.touched() == []
        assert again.append(batch(1)) == Outcome(repeated=1)
        assert [touch.key for touch in again.touched()] == [PDU]


def test_forgotten_month_leaves_no_name_behind(influx_store: InfluxStore) -> None:
    received = DECEMBER + 40 * 86_400
    with closing(influx_store.open()) as series:
        series.append([*batch(1, 3, key=PC), *batch(1)])
        series.append([arrival(load(4, PC)._replace(end=DECEMBER + 60), PC)])
        series.append([arrival(load(5, PC), PC, reason="future")])
        series.quarantine(PC.node, PC.device.encode(), "not UTF-8", T0)
        series.put_days([day("2026-11-24", PC), day("2026-12-01", PC)], ())
        series.forget("2026-11")
        names = {n for n in influx_store.database.names() if n.startswith(influx_store.prefix)}
        assert sorted(name.removeprefix(influx_store.prefix) for name in names) == [
            "_2026-12",
            "_days",
            "_loads",
            "_state",
        ]
        for name in names - {f"{influx_store.prefix}_2026-12", f"{influx_store.prefix}_state"}:
            tags = influx_store.database.query(name, 'SHOW TAG VALUES WITH KEY = "node"')
            assert PC.node not in {row["value"] for group in tags for row in group.rows()}
        assert [row.day for row in series.days("2026-01-01", "2026-12-31")] == ["2026-12-01"]
        assert aside(series) == []
        repeat, late = (Arrival(PC.node, A, load(seq, PC), True, received) for seq in (1, 2))
        assert series.append([repeat]) == Outcome(repeated=1)
        assert series.append([late]).quarantined == 1
        assert series.append([late]) == Outcome(repeated=1)
        series.put_days([day("2026-11-24", PC)], series.touched())
        assert series.readmit(PC, "late", personal=True) == 0
        assert f"{influx_store.prefix}_2026-11" not in influx_store.database.names()
    with closing(influx_store.open()) as again:
        assert again.append([repeat]) == Outcome(repeated=1)
        assert f"{influx_store.prefix}_2026-11" not in influx_store.database.names()


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


def test_load_that_expired_does_not_come_back(influx_store: InfluxStore) -> None:
    with closing(influx_store.open()) as series:
        series.append(batch(1, 2, 3))
        assert series.expire(load(3).end, "2026-11-24") == 2
        assert series.append(batch(1, 3)) == Outcome(repeated=1, quarantined=1)
        assert [seq for _, seq, _ in stored(series)] == [3]
        assert aside(series) == [("fork", 1)]


def test_fork_that_is_readmitted_takes_nobodys_place(influx_store: InfluxStore) -> None:
    with closing(influx_store.open()) as series:
        series.append(batch(1, 2))
        series.append([forged(1), arrival(load(2, replaces=2))])
        assert series.readmit(PDU, "fork", personal=False) == 0
        assert [j for _, _, j in stored(series)] == [1001, 1002]
        assert aside(series) == [("fork", 1), ("fork", 2)]


def test_month_whose_forgetting_was_cut_is_forgotten_at_the_next_start(
    influx_store: InfluxStore,
) -> None:
    with closing(influx_store.open()) as series:
        series.append(batch(1, key=PC))
        series.forget("2026-11")
    influx_store.database.create(f"{influx_store.prefix}_2026-11")
    with closing(influx_store.open()) as series:
        series.append(batch(1))
        assert f"{influx_store.prefix}_2026-11" not in influx_store.database.names()


@pytest.mark.parametrize("month", ["", "2026-13", "state", "2026-11/x"])
def test_only_a_month_can_be_forgotten(influx_store: InfluxStore, month: str) -> None:
    with closing(influx_store.open()) as series, pytest.raises(StoreError, match="2026-11"):
        series.forget(month)


def test_cache_is_given_up_when_it_grows(
    influx_store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "MAX_CACHED", 5)
    keys = [Key(f"pc-{n}", f"pc-{n}") for n in range(60)]
    sent = [Arrival(key.node, A, load(1, key), True, T0) for key in keys]
    with closing(influx_store.open()) as series:
        for first in range(0, 60, 20):
            series.append(sent[first : first + 20])
        assert held(series) <= 25
        assert series.append(sent) == Outcome(repeated=60)
        assert series.append(sent[:1]) == Outcome(repeated=1)
        assert held(series) <= 5


def held(series: InfluxSeries) -> int:
    return len(series._desk.marks.marks)


def test_database_that_was_killed_has_what_was_confirmed(influx_store: InfluxStore) -> None:
    """A new connection and an empty cache are all that a collector needs to go on."""
    with closing(influx_store.open()) as series:
        series.append(batch(1, 2))
        series._desk.marks.forget()
        assert series.append(batch(2, 3)) == Outcome(stored=1, repeated=1)
