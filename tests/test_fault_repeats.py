"""Loads that come five times, backwards, shuffled, 30 days late: the days are those of one account.

Hypothesis drives the real store and the real rebuilding of days; after every step the days must be
what a plain sum over everything that ever came would give.
"""

import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from collected import PERIMETER
from sobre_collector.rebuild import rebuild_days
from sobre_collector.rows import Arrival, Device, Key
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.calendar import local_day
from sobre_drivers.load import Load, Origin

PARIS = ZoneInfo("Europe/Paris")
STREAM = "00000000-0000-4000-8000-000000000001"
# 20 October 2026, 00:00 in Paris: the 25th has 25 hours.
BEGINS = 1_792_447_200
HOUR_S = 3_600
PC, METER = Key("pc-1", "pc-1"), Key("reader", "pdu-a3")
COUNT = 24 * 34
NOW = BEGINS + COUNT * HOUR_S


def made(key: Key) -> list[Load]:
    loads, register_j = [], 0
    for seq in range(1, COUNT + 1):
        energy_j = 1_000 + 7 * seq % 997
        register_j += energy_j
        states = {"on": HOUR_S} if key == PC else None
        end = BEGINS + seq * HOUR_S
        loads.append(
            Load(key.device, seq, end, HOUR_S, energy_j, register_j, Origin.MEASURED, states)
        )
    return loads


LOADS = {key: made(key) for key in (PC, METER)}


class Repeats(RuleBasedStateMachine):
    """What comes, in whatever order and how often; the model is a set of sequence numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.series, self.ledger = SqliteSeries(folder, zone=PARIS), Ledger(folder / "ledger.db")
        for key, own_class in ((PC, "workstation.desktop"), (METER, "server")):
            self.ledger.put_device(Device(key, own_class, "ville", "mairie", "m", 500.0, 0.01, 0))
        self.came: dict[Key, set[int]] = {PC: set(), METER: set()}

    def teardown(self) -> None:
        self.series.close()
        self.ledger.close()
        self._folder.cleanup()

    @rule(
        key=st.sampled_from([PC, METER]),
        first=st.integers(0, COUNT - 1),
        count=st.integers(1, 60),
        times=st.sampled_from([1, 2, 5]),
        order=st.sampled_from(["as it was", "reversed"]),
    )
    def come(self, key: Key, first: int, count: int, times: int, order: str) -> None:
        loads = LOADS[key][first : first + count]
        loads = (loads[::-1] if order == "reversed" else loads) * times
        self.append(key, loads)

    @rule(key=st.sampled_from([PC, METER]), data=st.data())
    def come_shuffled(self, key: Key, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=30))
        self.append(key, [LOADS[key][n] for n in chosen])

    @rule(key=st.sampled_from([PC, METER]))
    def come_a_month_late(self, key: Key) -> None:
        """The drawer is opened: the oldest day, after all that is newer."""
        self.append(key, LOADS[key][:24])

    @rule()
    def start_again(self) -> None:
        self.series.close()
        self.series = SqliteSeries(Path(self._folder.name), zone=PARIS)

    @invariant()
    def days_are_the_sum_of_what_came(self) -> None:
        rebuild_days(self.series, self.ledger, PERIMETER, NOW)
        found: defaultdict[Key, dict[str, int]] = defaultdict(dict)
        for row in self.series.days("2026-01-01", "2027-12-31"):
            found[row.key][row.day] = row.measured_j
        for key, seqs in self.came.items():
            expected: defaultdict[str, int] = defaultdict(int)
            for seq in seqs:
                load = LOADS[key][seq - 1]
                expected[local_day(load.end - 1, PARIS).isoformat()] += load.energy_j
            assert found[key] == expected
        stored = [(row.load.device, row.load.seq) for row in self.series.loads(0, 2**40)]
        assert sorted(stored) == sorted((k.device, n) for k, ns in self.came.items() for n in ns)
        assert list(self.series.quarantined()) == []

    def append(self, key: Key, loads: list[Load]) -> None:
        before = len(self.came[key])
        self.came[key] |= {load.seq for load in loads}
        outcome = self.series.append(
            [Arrival(key.node, STREAM, load, key == PC, NOW) for load in loads]
        )
        assert outcome.stored == len(self.came[key]) - before
        assert outcome.stored + outcome.repeated == len(loads)


def test_whatever_comes_twice_late_or_out_of_order_counts_once_on_its_own_day() -> None:
    run_state_machine_as_test(
        Repeats,
        settings=settings(
            max_examples=12,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_day_that_lasts_25_hours_is_among_them() -> None:
    days = {local_day(load.end - 1, PARIS) for load in LOADS[PC]}
    longest = [load for load in LOADS[PC] if str(local_day(load.end - 1, PARIS)) == "2026-10-25"]
    assert len(longest) == 25
    assert max(days) - min(days) >= timedelta(days=30)
