"""Whatever comes from the broker is stored or set aside, and answered once that is durable."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from intake_house import NOW, PARIS, A, House, Still, batch, born, load, opened
from sobre_collector.intake import DROPPED, Intake
from sobre_collector.registry import Registry, greatest_j
from sobre_collector.rows import Arrival, Device, Key, Outcome
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.errors import StoreError
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import decode_answer, digest


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path) as made:
        yield made


def test_batch_is_stored_and_confirmed_by_the_hash_of_its_bytes(house: House) -> None:
    message = batch(load(1), load(2))
    ((topic, payload),) = house.intake.take([born(), message])
    answer = decode_answer(payload)
    assert topic == "sobre/v1/pc-1/confirmed"
    assert (answer.stream, answer.batch, answer.time, answer.reason) == (A, 7, NOW, None)
    assert answer.sha256 == digest(message[1])
    assert house.stored() == [("pc-1", 1), ("pc-1", 2)]


def test_repeat_is_confirmed_again_and_changes_nothing(house: House) -> None:
    message = batch(load(1))
    first = house.intake.take([born(), message])
    for _ in range(4):
        assert house.intake.take([message, message]) == first * 2
    assert house.stored() == [("pc-1", 1)]
    assert house.aside() == []


def test_load_in_one_group_with_the_birth_of_its_device_counts(house: House) -> None:
    house.intake.take([batch(load(1)), born()])
    assert (house.stored(), house.aside()) == ([("pc-1", 1)], [])


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (load(1, energy_j=150 * 600), None),
        (load(1, energy_j=150 * 600 + 1), "power above the device's maximum"),
        (load(1, energy_j=3_600_000_000_000), "power above the device's maximum"),
        (load(1, end=NOW + 300), None),
        (load(1, end=NOW + 301), "future"),
        (load(1, end=2**53 - 1), "future"),
        (load(1, device="pc-2"), "unknown-device"),
        (load(1, end=NOW - 60 * 86_400), "late"),
    ],
    ids=["at-bound", "above", "gigawatt-hour", "soon", "future", "far-future", "unknown", "late"],
)
def test_load_that_may_not_count_is_confirmed_and_set_aside(
    house: House, one: Load, reason: str | None
) -> None:
    house.ledger.close_month("2026-09", NOW)
    house.intake.take([born()])
    for _ in range(3):
        ((topic, _),) = house.intake.take([batch(one, load(2))])
        assert topic.endswith("/confirmed")
    assert house.aside() == ([] if reason is None else [(reason, 1)])
    assert sorted(house.stored()) == [("pc-1", n) for n in ([1, 2] if reason is None else [2])]


def test_late_energy_is_counted_once_by_its_month(house: House) -> None:
    house.ledger.close_month("2026-09", NOW)
    house.intake.take([born()])
    message = batch(*(load(n, end=NOW - 70 * 86_400 + 600 * n) for n in (1, 2)), load(3))
    for _ in range(3):
        house.intake.take([message])
    assert house.ledger.late() == {"2026-09": (2, 12_000)}
    assert house.stored() == [("pc-1", 3)]


@pytest.mark.parametrize(
    ("device_class", "rated_w", "greatest"),
    [
        ("workstation.laptop", 5_000.0, 150 * 60),
        ("workstation.desktop", 10.0, 800 * 60),
        ("pdu", 1_000.0, 1_100 * 60 + 36_000),
        ("printer", 1e7, 5_000 * 60 + 36_000),
    ],
    ids=["laptop", "desktop", "rated-and-a-count", "rated-beyond-its-class"],
)
def test_bound_comes_from_class_then_rating(
    device_class: str, rated_w: float, greatest: float
) -> None:
    key = Key("n", "d")
    device = Device(key, device_class, "ville", "mairie", "m", rated_w, None, NOW)
    assert greatest_j(device, 60) == pytest.approx(greatest)


def test_device_that_counts_in_tenths_of_a_kilowatt_hour_is_no_liar(house: House) -> None:
    step = Load("pc-1", 1, NOW - 600, 60, 360_000, 360_000, Origin.MEASURED)
    more = step._replace(seq=2, end=NOW - 540, energy_j=500_000, register_j=860_000)
    house.intake.take([batch(step, more)])
    house.intake.take([born(device_class="pdu", rated_w=1_000.0, count_j=360_000)])
    assert house.stored() == [("pc-1", 1)]
    again = step._replace(seq=3, end=NOW - 480, register_j=1_220_000)
    house.intake.take([batch(again, more._replace(seq=4, end=NOW - 420, register_j=1_720_000))])
    assert house.stored() == [("pc-1", 1), ("pc-1", 3)]
    # Said later, it is taken once; said otherwise, it is a flag.
    house.intake.take([born("r", "d", "pdu"), born("r", "d", "pdu", count_j=360_000)])
    assert house.ledger.flags() == []
    house.intake.take([born("r", "d", "pdu", count_j=3_600_000)])
    assert house.ledger.devices()[Key("r", "d")].count_j == 360_000
    assert len(house.ledger.flags()) == 1


@pytest.mark.parametrize("dropped", [b"", b"x", b"-3", b"1" * 99, b"0", b"\xff"])
def test_broker_that_drops_nothing_raises_no_alarm(house: House, dropped: bytes) -> None:
    house.intake.take([(DROPPED, dropped)])
    assert (house.ledger.flags(), house.aside()) == ([], [])


def test_birth_readmits_what_waited_for_it_within_its_bound(house: House) -> None:
    house.intake.take([batch(load(1), load(2, energy_j=10**9), load(3))])
    assert house.stored() == []
    house.intake.take([born()])
    assert house.stored() == [("pc-1", 1), ("pc-1", 3)]
    assert house.aside() == [("unknown-device", 2)]


class Asked:
    """A series that counts how often loads are readmitted, and cannot do so at first."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self.fails, self.readmitted = False, list[Key]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._series, name)

    def readmit(self, key: Key, *more: Any) -> int:
        if self.fails:
            raise StoreError("series.db: away")
        self.readmitted.append(key)
        return self._series.readmit(key, *more)


def test_births_that_are_said_again_ask_the_store_nothing(house: House) -> None:
    series = Asked(house.series)
    intake = Intake(series, house.ledger, Registry(house.ledger), house.clock, PARIS)
    intake.take([batch(load(1))])
    for _ in range(3):
        intake.take([born(), born("pc-2", "pc-2")])
    assert series.readmitted == [Key("pc-1", "pc-1"), Key("pc-2", "pc-2")]
    assert house.stored() == [("pc-1", 1)]


def test_births_that_the_store_refused_are_taken_with_what_comes_next(house: House) -> None:
    """Nobody says them again before he connects anew, and by then their loads lie aside."""
    series = Asked(house.series)
    intake = Intake(series, house.ledger, Registry(house.ledger), house.clock, PARIS)
    intake.take([batch(load(1, "pc-2"), node="pc-2")])
    series.fails = True
    intake.take([born(), born("pc-2", "pc-2")])
    series.fails = False
    intake.take([batch(load(1))])
    assert house.stored() == [("pc-1", 1), ("pc-2", 1)]
    assert series.readmitted == [Key("pc-1", "pc-1"), Key("pc-2", "pc-2")]


@pytest.mark.parametrize("again", [False, True], ids=["goes-on", "starts-again"])
def test_loads_that_could_not_be_readmitted_are_at_the_next_birth(
    house: House, again: bool
) -> None:
    """The ledger knows the device by then: also another process must look once more."""
    series = Asked(house.series)
    intake = Intake(series, house.ledger, Registry(house.ledger), house.clock, PARIS)
    intake.take([batch(load(1))])
    series.fails = True
    intake.take([born()])
    assert (house.stored(), len(house.ledger.devices())) == ([], 1)
    series.fails = False
    if again:
        intake = Intake(series, house.ledger, Registry(house.ledger), house.clock, PARIS)
    intake.take([born()])
    assert house.stored() == [("pc-1", 1)]


def test_later_birth_is_a_flag_and_no_change(house: House) -> None:
    house.intake.take([born()])
    house.intake.take([born(device_class="server", organisation="autre", rated_w=9_000.0)] * 3)
    known = house.ledger.devices()[Key("pc-1", "pc-1")]
    assert (known.device_class, known.organisation, known.rated_w) == (
        "workstation.laptop",
        "ville",
        65.0,
    )
    assert [text for _, text, _ in house.ledger.flags()] == [
        "class is 'workstation.laptop' here, and its node says 'server'",
        "organisation is 'ville' here, and its node says 'autre'",
        "rated_w is 65.0 here, and its node says 9000.0",
    ]


def test_birth_that_is_not_listed_waits_and_is_flagged(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    series = SqliteSeries(tmp_path)
    registry = Registry(ledger, lambda organisation, site: organisation == "ville")
    intake = Intake(series, ledger, registry, Still(), PARIS)
    intake.take([born("pc-2", "pc-2", organisation="=cmd()"), batch(load(1, "pc-2"), node="pc-2")])
    assert ledger.devices() == {}
    assert [q.reason for q in series.quarantined()] == ["unknown-device"]
    assert [key for key, _, _ in ledger.flags()] == [Key("pc-2", "pc-2")]
    series.close()
    ledger.close()


def test_node_speaks_under_its_topic_only(house: House) -> None:
    house.intake.take([born("pc-1", "pc-1"), batch(load(1), node="pc-2")])
    assert house.stored() == []
    assert house.aside() == [("unknown-device", 1)]


def test_refusals_of_one_node_are_told_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for n in range(5):
        house.intake.take([("sobre/v1/pc-1/load", b"\x1b[31m%d" % n)])
    (record,) = caplog.records
    assert "\x1b" not in record.getMessage()


class Full:
    """A series whose disk is full until it is told otherwise."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self.full = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._series, name)

    def append(self, arrivals: Sequence[Arrival]) -> Outcome:
        if self.full:
            raise StoreError("series.db: disk full; make room")
        return self._series.append(arrivals)


def test_nothing_is_answered_while_nothing_can_be_stored(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = Full(house.series)
    intake = Intake(disk, house.ledger, Registry(house.ledger), Still(), PARIS)
    intake.take([born()])
    for _ in range(3):
        assert intake.take([batch(load(1)), ("sobre/v1/pc-1/load", b"x")]) == []
    disk.full = False
    assert len(intake.take([batch(load(1))])) == 1
    levels = [(r.levelname, r.getMessage().partition(",")[0]) for r in caplog.records]
    assert ("ERROR", "nothing can be stored") in levels
    assert [level for level, _ in levels].count("ERROR") == 1
    assert levels[-1] == ("INFO", "storing works again")
