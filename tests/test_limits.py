"""One node that floods takes nothing from the others, neither time nor disk nor memory."""

import gc
import itertools
import logging
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from intake_house import NOW, PARIS, A, Still, batch, born, load
from sobre_collector.intake import Intake
from sobre_collector.limits import Limits, Most, Rate
from sobre_collector.registry import Registry
from sobre_collector.rows import Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.sample import Instant

FEW = Most(
    messages=(1.0, 3.0),
    births=(1.0, 2.0),
    loads=(1.0, 4.0),
    devices=2,
    quarantined_rows=3,
    quarantined_bytes=10_000,
)


class Walking(Still):
    """A clock whose monotonic time a test sets too."""

    mono_s = 0.0

    def now(self) -> Instant:
        return Instant(self.wall_s, self.mono_s, self.mono_s)


class Bounded:
    """An intake that holds nodes to `FEW`."""

    def __init__(self, folder: Path, most: Most = FEW) -> None:
        self.ledger, self.series = Ledger(folder / "ledger.db"), SqliteSeries(folder)
        self.limits, self.clock = Limits(most), Walking()
        registry = Registry(self.ledger)
        self.intake = Intake(self.series, self.ledger, registry, self.clock, PARIS, self.limits)

    def close(self) -> None:
        self.series.close()
        self.ledger.close()

    def answered(self, *messages: tuple[str, bytes]) -> list[str]:
        return [topic.rpartition("/")[2] for topic, _ in self.intake.take(messages)]

    def exceeded(self) -> dict[tuple[str, str], int]:
        return {(node, what): count for node, what, count in self.ledger.exceeded()}


@pytest.fixture
def bounded(tmp_path: Path) -> Iterator[Bounded]:
    with closing(Bounded(tmp_path)) as made:
        yield made


def test_messages_above_the_rate_of_a_node_are_left_and_others_come_in() -> None:
    limits = Limits(FEW)
    name = "sobre/v1/pc-1/load"
    assert [limits.message(name, 0.0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert limits.message("sobre/v1/pc-2/load", 0.0)
    birth = "sobre/v1/pc-1/birth/pc-1"
    assert [limits.message(birth, 0.0) for _ in range(3)] == [True, True, False]
    assert [limits.message(name, 2.0) for _ in range(3)] == [True, True, False]
    assert sorted(limits.told()) == [("pc-1", "births", 1), ("pc-1", "messages", 3)]
    assert limits.told() == []
    # What names no node is for the reader to refuse.
    assert all(limits.message(odd, 0.0) for odd in ("", "x", "sobre/v1/PC 1/load") * 9)


def test_rate_keeps_no_node_for_ever() -> None:
    rate = Rate(1.0, 10.0)
    for n in range(3 * Rate.MOST_NODES):
        assert rate.take(f"pc-{n}", 1.0, n * 0.01)
    assert len(rate._left) <= Rate.MOST_NODES + 1


def test_a_message_larger_than_the_bucket_comes_in_when_it_is_full() -> None:
    rate = Rate(1.0, 4.0)
    assert [rate.take("r", 6.0, at_s) for at_s in (0.0, 1.0, 5.0, 6.0)] == [
        True,
        False,
        False,
        True,
    ]


def test_loads_above_the_rate_are_not_confirmed_and_raise_one_flag(bounded: Bounded) -> None:
    bounded.intake.take([born()])
    groups = [batch(load(n), load(n + 1), number=n) for n in range(1, 20, 2)]
    assert bounded.answered(*groups) == ["confirmed"] * 2
    assert bounded.answered(*groups[2:]) == []
    bounded.clock.mono_s = 2.0
    assert bounded.answered(*groups[2:]) == ["confirmed"]
    assert [s.load.seq for s in bounded.series.loads(0, 2**40)] == [1, 2, 3, 4, 5, 6]
    assert [(key, text) for key, text, _ in bounded.ledger.flags()] == [
        (Key("pc-1", "pc-1"), "sends more loads than one node may")
    ]
    assert bounded.exceeded() == {("pc-1", "loads"): 2 * (8 + 8 + 7)}


def test_node_with_too_many_devices_gets_no_more_of_them(bounded: Bounded) -> None:
    bounded.intake.take([born("r", f"d-{n}", "pdu") for n in range(4)])
    bounded.intake.take([born("other", "d", "pdu"), born("r", "d-0", "pdu")])
    assert [key.device for key in bounded.ledger.devices()] == ["d-0", "d-1", "d"]
    assert bounded.exceeded() == {("r", "devices"): 2}


def test_quarantine_of_a_node_is_bounded_and_nothing_is_lost(tmp_path: Path) -> None:
    with closing(Bounded(tmp_path, replace(FEW, loads=(1.0, 99.0)))) as bounded:
        _quarantine_is_bounded(bounded)


def _quarantine_is_bounded(bounded: Bounded) -> None:
    # Of an unknown device; each is one row.
    loads = [batch(load(n), number=n) for n in (1, 2, 3, 4)]
    assert bounded.answered(*loads) == ["confirmed"] * 3
    assert bounded.answered(loads[3]) == []
    assert bounded.exceeded() == {("pc-1", "quarantined"): 2}
    # Once some of it is gone there is room.
    bounded.intake.take([born()])
    bounded.clock.mono_s = 3_600.0
    stranger = batch(load(1, "pc-1/x"), number=9, stream=A.replace("1", "2"))
    assert bounded.answered(loads[3], stranger) == ["confirmed"] * 2
    assert [s.load.seq for s in bounded.series.loads(0, 2**40)] == [1, 2, 3, 4]


def test_payloads_beyond_the_bound_are_refused_and_counted(bounded: Bounded) -> None:
    hostile = [("sobre/v1/pc-1/load", b"%04d" % n) for n in range(50)]
    assert bounded.answered(*hostile) == ["refused"] * 50
    assert len(list(bounded.series.quarantined())) == 3
    assert bounded.exceeded() == {("pc-1", "quarantined"): 47}
    large = ("sobre/v1/pc-2/load", b"x" * 20_000)
    assert bounded.answered(large) == ["refused"]
    assert bounded.exceeded()["pc-2", "quarantined"] == 1


def test_bound_is_known_after_a_restart(tmp_path: Path) -> None:
    for _ in range(3):
        with closing(Bounded(tmp_path)) as bounded:
            hostile = [("sobre/v1/pc-1/load", os.urandom(9)) for _ in range(5)]
            bounded.answered(*hostile)
            assert len(list(bounded.series.quarantined())) == 3


def test_hostile_payloads_and_late_loads_cost_one_commit_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Bounded(tmp_path, Most())) as bounded:
        bounded.intake.take([born("r", "d", "pdu")])
        bounded.ledger.close_month("2026-10", NOW)
        commits: list[str] = []

        def watch(owner: type, name: str) -> None:
            plain = getattr(owner, name)

            def counted(*words: Any) -> Any:
                commits.append(name)
                return plain(*words)

            monkeypatch.setattr(owner, name, counted)

        watch(SqliteSeries, "append")
        watch(SqliteSeries, "refuse")
        watch(Ledger, "add_late")
        october = NOW - 40 * 86_400
        late = [
            batch(load(n, "d", end=october + 600 * n), node="r", number=n) for n in range(1, 101)
        ]
        hostile = [("sobre/v1/r/load", b"%d" % n) for n in range(100)]
        bounded.intake.take(list(itertools.chain(*zip(late, hostile, strict=True))))
        assert sorted(commits) == ["add_late", "append", "refuse"]
        assert bounded.ledger.late() == {"2026-10": (100, 600_000)}
        assert bounded.series.late() == {"2026-10": (100, 600_000)}


def test_late_load_that_a_crash_left_uncounted_is_counted_at_the_start(tmp_path: Path) -> None:
    october = NOW - 40 * 86_400
    late = batch(load(1, "d", end=october), node="r")
    fork = batch(load(1, "d", energy_j=6_001, end=october), node="r")
    with closing(Bounded(tmp_path)) as bounded:
        bounded.intake.take([born("r", "d", "pdu")])
        bounded.ledger.close_month("2026-10", NOW)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Ledger, "add_late", lambda *_: (_ for _ in ()).throw(InterruptedError))
            with pytest.raises(InterruptedError):
                bounded.intake.take([late])
    with closing(Bounded(tmp_path)) as bounded:
        bounded.intake.take([])
        assert bounded.ledger.late() == {"2026-10": (1, 6_000)}
        bounded.intake.take([late, fork, late])
        assert bounded.ledger.late() == {"2026-10": (1, 6_000)}
        assert sorted(q.reason for q in bounded.series.quarantined()) == ["fork", "late"]


def test_memory_stays_flat_however_much_comes_in(tmp_path: Path) -> None:
    logging.getLogger("sobre_collector").setLevel(logging.ERROR)
    with closing(Bounded(tmp_path, Most(loads=(1e9, 1e9)))) as bounded:
        intake = bounded.intake
        intake.take([born("r", f"d-{n}", "pdu") for n in range(20)])
        process = psutil.Process()
        count = int(os.environ.get("SOBRE_TEST_MESSAGES", "40000"))
        numbers = itertools.count(1)

        def some(messages_n: int) -> int:
            for first in range(0, messages_n, 2_000):
                group = []
                for n in itertools.islice(numbers, 500):
                    each = load(n, f"d-{n % 20}", end=NOW - 86_400 * 30 + 60 * (n // 20))
                    group += [batch(each, node="r", number=n)] * 2
                    group += [
                        ("sobre/v1/r/load", b"x%d" % n),
                        (f"sobre/v1/n-{n % 1_000}/load", b"{}"),
                    ]
                intake.take(group)
                assert len(group) == 2_000, first
            gc.collect()
            return process.memory_info().rss

        warm = some(count // 2)
        grown_mib = (some(count // 2) - warm) / 2**20
        # Half a million messages may not leave more than this behind, nor may twenty thousand.
        assert grown_mib < 8
    logging.getLogger("sobre_collector").setLevel(logging.NOTSET)


def test_one_reader_of_a_large_room_stays_within_the_bounds() -> None:
    limits, devices = Limits(), 500 * (1 + 48)
    # It says its devices 500 a second, twice after a broken connection, and its loads at each mark.
    for turn in range(2 * devices):
        assert limits.message(f"sobre/v1/r/birth/pdu-{turn % devices}", turn / 500)
    assert all(limits.devices("r", known) for known in range(devices))
    assert all(limits.loads("r", 300, 200 + mark * 600) for mark in (0, 1) for _ in range(82))
    assert limits.told() == []
