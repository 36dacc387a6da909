"""InfluxDB away, slow, refusing, or cut in mid-answer: nothing is confirmed that is not stored."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from influx.faulty import Fault, Faulty, Request, Rule, faulty, well
from services.ports import free_port
from sobre_collector.rows import Arrival, Key, Outcome
from sobre_collector.store.base import Series
from sobre_collector.store.influx import aside as quarantine
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


@pytest.mark.parametrize("field", ["energy_j", "register_j", "power_max_w", "pages", "seq"])
def test_integer_beyond_64_bits_is_set_aside_whole(influx_store: InfluxStore, field: str) -> None:
    key = Key("reader", "odd")
    good, bad = arrival(load(1, key), key), load(2, key)
    bad = bad._replace(**{field: 2**63})  # type: ignore[arg-type]
    if field == "seq":
        bad = bad._replace(replaces=2**63 - 1)
    with closing(influx_store.open()) as series:
        assert series.append([good, arrival(bad, key)]) == Outcome(stored=1, quarantined=1)
        assert series.append([arrival(bad, key)]) == Outcome(repeated=1)
        assert [row.load for row in series.quarantined()] == [bad]


@pytest.mark.parametrize("end", [9_223_372_035, 9_223_372_036, 2**53 - 1])
def test_load_of_a_far_future_is_kept(influx_store: InfluxStore, end: int) -> None:
    far = arrival(load(1)._replace(end=end))
    with closing(influx_store.open()) as series:
        outcomes = [series.append([far]), series.append([far])]
        kept = [s.load for s in series.loads(0, 2**53)] + [q.load for q in series.quarantined()]
    assert [outcome.repeated for outcome in outcomes] == [0, 1]
    assert kept == [far.load]


def test_numbers_beyond_a_thousand_million_have_places_of_their_own(
    influx_store: InfluxStore,
) -> None:
    """The same end, and numbers a thousand million apart: one would take the other's point."""
    first = load(5)
    same_place = first._replace(seq=10**9 + 5, replaces=10**9)
    beside = first._replace(seq=10**9 + 6, replaces=1)
    with closing(influx_store.open()) as series:
        assert series.append([arrival(first)]) == Outcome(stored=1)
        outcome = series.append([arrival(same_place), arrival(beside)])
        assert outcome == Outcome(stored=1, quarantined=1)
        assert [s.load for s in series.loads(0, 2**40)] == [first, beside]
        assert aside(series) == [("fork", 10**9 + 5)]
        assert series.append(list(map(arrival, (first, same_place, beside)))).repeated == 3


@pytest.mark.parametrize("word", ["a b", "a,b", "a=b", 'a"b', "a'b", "é", "{}", "a;b"])
def test_names_come_back_as_they_were(influx_store: InfluxStore, word: str) -> None:
    key = Key(f"{word}n", f"d{word}")
    one = Arrival(key.node, "s-1", load(1, key), False, T0)
    with closing(influx_store.open()) as series:
        series.append([one])
        series.append([one._replace(load=load(2, key), reason=word)])
        assert [(s.node, s.load) for s in series.loads(0, 2**40, key)] == [(key.node, load(1, key))]
        assert [mark.key for mark in series.marks()] == [key]
        assert [(q.node, q.reason, q.load) for q in series.quarantined()] == [
            (key.node, word, load(2, key))
        ]
        assert series.append([one]) == Outcome(repeated=1)


@pytest.mark.parametrize("word", ["", "a\\", "a\nb", "a\\,b", "long" * 20_000])
@pytest.mark.parametrize("part", ["node", "device"])
def test_name_that_cannot_be_written_is_set_aside(
    influx_store: InfluxStore, part: str, word: str
) -> None:
    bad = Key("reader", word) if part == "device" else Key(word, "d")
    with closing(influx_store.open()) as series:
        both = [arrival(load(1, bad), bad), arrival(load(1))]
        assert series.append(both) == Outcome(stored=1, quarantined=1)
        assert series.append(both) == Outcome(repeated=2)
        assert [row.load for row in series.quarantined()] == [load(1, bad)]


def test_large_payload_is_kept_whole(influx_store: InfluxStore) -> None:
    payload = bytes(itertools.islice(itertools.cycle(range(256)), 64 * 1024))
    with closing(influx_store.open()) as series:
        for _ in range(2):
            series.quarantine("pc-1", payload, "not UTF-8", T0)
        assert [row.payload for row in series.quarantined()] == [payload]


def test_two_contents_in_one_place_of_the_quarantine_are_both_kept(
    influx_store: InfluxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place is 40 bits of a hash; here all hashes are the same."""
    monkeypatch.setattr(quarantine, "_place", lambda _: quarantine.FIRST_NS)
    sent = [arrival(load(n), reason="future") for n in range(1, 9)]
    with closing(influx_store.open()) as series:
        assert series.append(sent[:5]) == Outcome(quarantined=5)
        assert series.append(sent) == Outcome(repeated=5, quarantined=3)
        assert aside(series) == [("future", n) for n in range(1, 9)]
        with pytest.raises(StoreError, match="void or readmit"):
            series.append([arrival(load(9), reason="future")])


def test_load_may_be_voided_again_after_it_was_readmitted(influx_store: InfluxStore) -> None:
    void = arrival(load(1), reason="void")
    with closing(influx_store.open()) as series:
        series.append([arrival(load(1))])
        for _ in range(2):
            assert series.rule([void]) == 1
            assert (len(list(series.loads(0, 2**40))), aside(series)) == (0, [("void", 1)])
            assert series.rule([void._replace(reason=None)]) == 1
            assert (len(list(series.loads(0, 2**40))), aside(series)) == (1, [])
