"""Appends to InfluxDB that were cut, months and loads that went: each load is there once."""

from contextlib import closing
from pathlib import Path

import pytest

from influx.appends import DECEMBER, EITHER, PowerCutError, balance, batch, cut_at, forged
from sobre_collector.rows import Arrival, Key, Outcome
from sobre_collector.store.influx import marks
from sobre_collector.store.influx.series import InfluxSeries
from sobre_drivers.errors import StoreError
from stores import InfluxStore
from test_series import PC, PDU, T0, A, B, arrival, aside, day, load, stored

pytestmark = pytest.mark.influx
pytest_plugins = ("store_fixtures",)

STEPS = ["marked", "yielded", "stored", "set-aside"]


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
