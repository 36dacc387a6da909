"""What is decided of a load that is stored: it stops counting, or counts again, exactly once."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sobre_collector.rows import Arrival, DayRow, Key, Outcome, Refused, Touched
from sobre_collector.store.base import Series
from sobre_collector.store.file import LONG_S
from sobre_collector.store.sqlite import SqliteSeries
from stores import Store
from test_series import PC, PDU, T0, A, B, arrival, aside, load, stored

pytest_plugins = ("store_fixtures",)

EITHER = pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])


def settled(series: Series) -> None:
    series.put_days((), series.touched())
    assert series.touched() == []


@EITHER
def test_load_that_is_voided_counts_no_more_and_readmitted_once(store: Store, key: Key) -> None:
    with closing(store.open()) as series:
        series.append([arrival(load(seq, key), key) for seq in (1, 2, 3)])
        settled(series)
        void = arrival(load(2, key), key, reason="void")
        assert [series.rule([void]), series.rule([void])] == [1, 0]
        assert [seq for _, seq, _ in stored(series)] == [1, 3]
        assert aside(series) == [("void", 2)]
        (touch,) = series.touched()
        assert touch == Touched(key, key == PC, load(2, key).start, load(2, key).end)
        # Its agent sends it again: it was told of, and is still void.
        assert series.append([arrival(load(2, key), key)]) == Outcome(repeated=1)
        settled(series)
        back = void._replace(reason=None)
        assert [series.rule([back]), series.rule([back])] == [1, 0]
        assert [seq for _, seq, _ in stored(series)] == [1, 2, 3]
        assert aside(series) == []
        assert [touch.key for touch in series.touched()] == [key]


@EITHER
def test_load_that_is_set_aside_gets_another_reason(store: Store, key: Key) -> None:
    with closing(store.open()) as series:
        series.append([arrival(load(1, key), key, reason="future")])
        assert series.rule([arrival(load(1, key), key, reason="void")]) == 1
        assert (aside(series), stored(series)) == ([("void", 1)], [])


@EITHER
def test_fork_and_what_is_not_here_cannot_be_ruled_upon(store: Store, key: Key) -> None:
    with closing(store.open()) as series:
        series.append([arrival(load(1, key), key)])
        other = load(1, key)._replace(power_max_w=99)
        series.append([arrival(other, key)])
        assert aside(series) == [("fork", 1)]
        never = load(2, key)
        for reason in (None, "void"):
            rulings = [arrival(each, key, reason=reason) for each in (other, never)]
            assert series.rule(rulings) == 0
        assert aside(series) == [("fork", 1)]
        assert [seq for _, seq, _ in stored(series)] == [1]


def test_voided_load_of_a_person_is_forgotten_with_its_month(store: Store) -> None:
    with closing(store.open()) as series:
        series.append([arrival(load(1, PC), PC)])
        much_later = T0 + 30 * 86_400
        series.rule([arrival(load(1, PC), PC, reason="void", received=much_later)])
        assert aside(series) == [("void", 1)]
        series.forget("2026-11")
        assert aside(series) == []
        assert series.rule([arrival(load(1, PC), PC)]) == 0


@EITHER
def test_late_loads_stay_counted_whatever_is_dropped(store: Store, key: Key) -> None:
    with closing(store.open()) as series:
        late = [arrival(load(seq, key), key, reason="late") for seq in (1, 2, 3)]
        assert series.append(late).late == tuple(late)
        assert series.append(late).late == ()
        forged = late[0]._replace(load=load(1, key)._replace(power_max_w=99))
        assert series.append([forged]) == Outcome(quarantined=1)
        assert series.late() == {"2026-11": (3, 1001 + 1002 + 1003)}
        series.rule([late[1]._replace(reason="void")])
        assert series.late() == {"2026-11": (2, 1001 + 1003)}
        for _ in range(2):
            series.forget("2026-11")
            series.expire(T0 + 86_400, "2026-11-25")
            assert series.late() == {"2026-11": (2, 1001 + 1003)}
        assert aside(series) == []


def test_infrastructure_is_dropped_when_it_is_old(store: Store) -> None:
    with closing(store.open()) as series:
        series.append([arrival(load(seq)) for seq in (1, 2, 3, 4)])
        series.append([arrival(load(5), reason="void"), arrival(load(6), reason="void")])
        series.append([arrival(load(1, PC), PC)])
        rows = [
            DayRow(PDU, False, day, 86_400, 86_400, 0, 5, 0, 0, 0)
            for day in ("2026-11-23", "2026-11-24", "2026-11-25")
        ]
        series.put_days(rows, ())
        assert series.expire(load(3).end, "2026-11-24") == 3
        assert [seq for _, seq, _ in stored(series, PDU)] == [3, 4]
        assert [seq for _, seq, _ in stored(series, PC)] == [1]
        assert aside(series) == [("void", 5), ("void", 6)]
        assert [row.day for row in series.days("2026-01-01", "2026-12-31")] == [
            "2026-11-24",
            "2026-11-25",
        ]
        # What was dropped is still known, and is not taken for new.
        assert series.append([arrival(load(3))]) == Outcome(repeated=1)
        series.expire(load(6).end, "2026-11-24")
        assert aside(series) == [("void", 6)]


def test_payloads_are_refused_in_one_step(store: Store) -> None:
    with closing(store.open()) as series:
        payloads = [Refused(f"pc-{n % 3}", b"%d" % n, "no JSON", T0) for n in range(30)]
        series.refuse(payloads)
        series.refuse(payloads[:5])
        assert sorted(q.payload or b"" for q in series.quarantined()) == sorted(
            p.payload for p in payloads
        )


@EITHER
def test_merged_month_is_found_without_reading_a_month(tmp_path: Path, key: Key) -> None:
    merged = load(1000, key, t0=T0 - 1000 * 2_000, step_s=2_000, replaces=1000)
    assert merged.span_s > LONG_S
    after = load(1001, key, t0=T0 - 1000 * 600)
    with closing(SqliteSeries(tmp_path)) as series:
        series.append([arrival(merged, key, stream=A), arrival(after, key, stream=B)])
        noon = T0 - 12 * 3_600
        assert [s.load for s in series.loads(noon, noon + 60)] == [merged]
        assert [s.load.end for s in series.loads(T0, T0 + 600, key)] == [after.end]
    name = "series.db" if key == PDU else "workstations-2026-11.db"
    with closing(sqlite3.connect(tmp_path / name)) as db:
        # Other days' reads begin no earlier for it.
        assert db.execute("SELECT longest_s FROM spans").fetchone() == (600,)


def test_workstation_is_read_without_the_infrastructure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteSeries(tmp_path)) as series:
        series.append([arrival(load(1, PC), PC), arrival(load(1))])
        unknown = Key("reader", "new")
        series.append([Arrival("reader", A, load(1, unknown), True, T0, "unknown-device")])
        series.readmit(unknown, "unknown-device", personal=False)
        read: list[str] = []
        plain = type(series._series).loads

        def seen(file: Any, *words: Any) -> Any:
            read.append(file.path.name)
            return plain(file, *words)

        monkeypatch.setattr(type(series._series), "loads", seen)
        assert len(stored(series, PC)) == 1
        assert read == ["workstations-2026-11.db"]
        assert [len(stored(series, key)) for key in (PDU, unknown)] == [1, 1]
