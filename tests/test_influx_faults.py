"""InfluxDB away, slow, refusing, or cut in mid-answer: nothing is confirmed that is not stored."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from influx.faulty import Fault, Faulty, Request, Rule, faulty, well
from services.ports import free_port
from sobre_collector.rows import Arrival, Outcome
from sobre_collector.store.base import Series
from sobre_collector.store.influx import stored as parts
from sobre_collector.store.influx.prepare import prepare
from sobre_drivers.errors import StoreError
from stores import InfluxStore
from test_series import PC, PDU, T0, arrival, aside, day, load

pytestmark = pytest.mark.influx
pytest_plugins = ("store_fixtures",)

SHORT_S = 0.5


@pytest.fixture
def between(influx_store: InfluxStore) -> Iterator[Faulty]:
    """What stands between the series and InfluxDB."""
    with faulty(influx_store.site.url) as made:
        yield made


def batch(*seqs: int) -> list[Arrival]:
    """Loads of an outlet and of a PC, and one of each that may not count."""
    found = [arrival(load(seq, key), key) for seq in seqs for key in (PDU, PC)]
    return found + [arrival(load(max(seqs) + 1, key), key, reason="future") for key in (PDU, PC)]


def once(rule: Rule) -> Rule:
    """Spoil the first request that a rule would spoil."""
    left = [1]

    def found(request: Request) -> Fault | None:
        fault = rule(request) if left[0] else None
        left[0] -= fault is not None
        return fault

    return found


def proved(series: Series, count: int) -> None:
    """Each load is there once, nothing is missing, and its days will be built."""
    for key in (PDU, PC):
        assert [s.load for s in series.loads(0, 2**40, key)] == [
            load(n, key) for n in range(1, count + 1)
        ]
    assert sorted(aside(series)) == [("future", count + 1)] * 2
    assert [(mark.seq, mark.holes) for mark in series.marks()] == [(count + 1, ())] * 2
    assert {touch.key for touch in series.touched()} == {PDU, PC}


WRITES: dict[str, Callable[[Request], bool]] = {
    "marks": lambda r: r.writes and b"mark,by=" in r.body,
    "infrastructure": lambda r: r.writes and r.database.endswith("_loads"),
    "month": lambda r: r.writes and b"load,device=pc-1" in r.body,
    "quarantine": lambda r: r.writes and b"quarantine,node=" in r.body,
    "end": lambda r: r.writes and r.body.startswith(b"writer,by="),
}
FAULTS = {
    "500": Fault(500),
    "hung-up": Fault(),
    "stored-and-hung-up": Fault(first=True),
    "slow": Fault(slow=True),
    "stored-and-slow": Fault(slow=True, first=True),
}
ANSWERS = {str(status): Fault(status) for status in (401, 403, 429, 503)}


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *(pytest.param(s, f, id=f"{s}-{n}") for s in WRITES for n, f in FAULTS.items()),
        *(pytest.param("infrastructure", f, id=n) for n, f in ANSWERS.items()),
    ],
)
def test_what_was_not_stored_is_not_confirmed_and_comes_again(
    influx_store: InfluxStore, between: Faulty, step: str, fault: Fault
) -> None:
    with closing(influx_store.open(url=between.url, timeout_s=SHORT_S)) as series:
        between.rule = once(lambda r: fault if WRITES[step](r) else None)
        with pytest.raises(StoreError, match=between.url):
            series.append(batch(1, 2, 3))
        series.append(batch(1, 2, 3))
        proved(series, 3)
        series.put_days((), series.touched())
        assert series.touched() == []


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda r: r.path == "/query" and b"%22mark%22" in r.body,
        lambda r: r.path == "/query" and b"%22writer%22" in r.body,
        lambda r: r.path == "/query" and b"%22forgotten%22" in r.body,
    ],
    ids=["marks", "writers", "forgotten"],
)
@pytest.mark.parametrize("fault", [Fault(500), Fault(), Fault(first=True, cut=9)])
def test_nothing_is_written_while_it_cannot_be_compared(
    influx_store: InfluxStore, between: Faulty, spoiled: Rule, fault: Fault
) -> None:
    with closing(influx_store.open()) as other:
        other.append(batch(1))
    with closing(influx_store.open(url=between.url, timeout_s=SHORT_S)) as series:
        between.rule = lambda r: fault if spoiled(r) else None
        before = [r for r in between.seen if r.writes]
        with pytest.raises(StoreError):
            series.append([arrival(load(1)._replace(energy_j=1))])
        assert [r for r in between.seen if r.writes and b"load" in r.body] == before
        between.rule = well
        assert series.append([arrival(load(1)._replace(energy_j=1))]) == Outcome(quarantined=1)
        assert [s.load for s in series.loads(0, 2**40, PDU)] == [load(1)]


def test_answer_that_is_cut_between_two_parts_is_none(
    influx_store: InfluxStore, between: Faulty
) -> None:
    with closing(influx_store.open(url=between.url)) as series:
        series.append([arrival(load(n)) for n in range(1, 20)])
        whole = list(series.loads(0, 2**40, PDU))
        # Two statements were asked for, and this is the whole answer to one of them.
        one = b'{"results":[{"statement_id":0}]}\n'
        between.rule = lambda r: (
            Fault(200, one) if b"SELECT+%2A+FROM+%22load%22" in r.body else None
        )
        with pytest.raises(StoreError, match="cut"):
            list(series.loads(0, 2**40, PDU))
        between.rule = well
        assert list(series.loads(0, 2**40, PDU)) == whole


def test_influxdb_that_is_away_is_told_with_what_to_do(influx_store: InfluxStore) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with closing(influx_store.open(url=url, timeout_s=SHORT_S)) as series:
        for call in (
            lambda: series.append(batch(1)),
            lambda: series.touched(),
            lambda: list(series.loads(0, 1)),
            lambda: list(series.days("2026-11-24", "2026-11-24")),
            lambda: series.put_days([day("2026-11-24")], ()),
            lambda: series.forget("2026-11"),
        ):
            with pytest.raises(StoreError, match=r"see that InfluxDB runs and can be reached"):
                call()


def test_store_that_was_not_set_up_is_told(influx_store: InfluxStore) -> None:
    for name in influx_store.database.names():
        if name.startswith(influx_store.prefix):
            influx_store.database.drop(name)
    with (
        closing(influx_store.open()) as series,
        pytest.raises(StoreError, match="sobre influx setup"),
    ):
        series.append(batch(1))


def test_point_that_is_refused_is_set_aside_and_the_others_are_stored(
    influx_store: InfluxStore,
) -> None:
    """InfluxDB itself refuses: a field of another type came first."""
    influx_store.database.write(
        f"{influx_store.prefix}_loads", f"load,device=x,node=y pages=1.5 {T0 * 10**9}"
    )
    loads = [load(n)._replace(pages=7 if n in (5, 14) else None) for n in range(1, 18)]
    with closing(influx_store.open()) as series:
        assert series.append(list(map(arrival, loads))) == Outcome(stored=15, quarantined=2)
        assert series.append(list(map(arrival, loads))) == Outcome(repeated=17)
        stored = [s.load.seq for s in series.loads(0, 2**40, PDU)]
        assert stored == [n for n in range(1, 18) if n not in (5, 14)]
        rows = list(series.quarantined())
        assert [row.load for row in rows] == [loads[4], loads[13]]
        assert all("InfluxDB refuses it: " in row.reason for row in rows)


def test_refused_points_are_found_in_every_part_of_a_large_batch(
    influx_store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MAX_LINES", 7)
    influx_store.database.write(
        f"{influx_store.prefix}_loads", f"load,device=x,node=y pages=1.5 {T0 * 10**9}"
    )
    odd = (1, 8, 14, 22)
    loads = [load(n)._replace(pages=7 if n in odd else None) for n in range(1, 23)]
    with closing(influx_store.open()) as series:
        assert series.append(list(map(arrival, loads))) == Outcome(stored=18, quarantined=4)
        assert [seq for _, seq in aside(series)] == [*odd]
        stored = [s.load.seq for s in series.loads(0, 2**40, PDU)]
        assert stored == [n for n in range(1, 23) if n not in odd]


def test_load_older_than_what_is_kept_is_set_aside(influx_store: InfluxStore) -> None:
    old = InfluxStore(influx_store.site)
    try:
        old.database.drop(f"{old.prefix}_loads")
        prepare(old.database, old.prefix, keep_loads_days=30)
        with closing(old.open()) as series:
            ancient = arrival(load(1, t0=1_000_000_000))
            assert series.append([ancient]) == Outcome(quarantined=1)
            assert series.append([ancient]) == Outcome(repeated=1)
            (row,) = series.quarantined()
            assert "InfluxDB refuses it: " in row.reason
    finally:
        old.drop()


def test_batch_that_is_refused_whole_is_not_lost_with_its_marks(
    influx_store: InfluxStore, between: Faulty
) -> None:
    """A proxy that answers 400 to everything must not send a fleet to the quarantine."""
    with closing(influx_store.open(url=between.url)) as series:
        between.rule = lambda r: Fault(400) if r.writes else None
        with pytest.raises(StoreError):
            series.append(batch(1))
        between.rule = well
        assert series.append(batch(1)).stored == 2
        proved(series, 1)
