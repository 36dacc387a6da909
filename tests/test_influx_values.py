"""What InfluxDB has no form for, and what meets in one place: nothing is lost or overwritten."""

import itertools
from contextlib import closing

import pytest

from sobre_collector.rows import Arrival, Key, Outcome
from sobre_collector.store.influx import aside as quarantine
from sobre_drivers.errors import StoreError
from stores import InfluxStore
from test_series import T0, arrival, aside, load

pytestmark = pytest.mark.influx
pytest_plugins = ("store_fixtures",)


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
