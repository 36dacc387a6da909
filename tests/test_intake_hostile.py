"""A hostile message is one row of the quarantine, and the next one is handled."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from intake_house import House, batch, born, load, opened
from sobre_collector.rows import Key
from sobre_drivers.wire import decode_answer, digest


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened(tmp_path) as made:
        yield made


GOOD = json.loads(batch(load(1))[1])


def with_field(**fields: object) -> bytes:
    changed = {**GOOD, "loads": [{**GOOD["loads"][0], **fields}]}
    return json.dumps(changed).encode()


def raw(key: str, text: str) -> bytes:
    """A good message with a number replaced by `text`, whatever that is."""
    return with_field(**{key: 987_654_321}).replace(b"987654321", text.encode())


HOSTILE = {
    "empty": b"",
    "binary": bytes(range(256)),
    "zeros": b"\0" * 100,
    "oversize": b'{"v":1,"x":"' + b"a" * 70_000 + b'"}',
    "nan": raw("energy_j", "NaN"),
    "infinity": raw("energy_j", "Infinity"),
    "minus-infinity": raw("energy_j", "-Infinity"),
    "1e400": raw("energy_j", "1e400"),
    "fraction": raw("energy_j", "1.5"),
    "negative": raw("energy_j", "-1"),
    "beyond-53-bits": raw("energy_j", "9007199254740992"),
    "5000-digits": raw("energy_j", "9" * 5000),
    "true-for-1": raw("seq", "true"),
    "text-for-number": raw("seq", '"1"'),
    "null": raw("seq", "null"),
    "brackets": b"[" * 50_000,
    "braces": b'{"a":' * 10_000,
    "deep-in-a-field": raw("pages", "[" * 30_000 + "]" * 30_000),
    "same-key-twice": raw("seq", '1,"seq":2'),
    "utf-16": with_field().decode().encode("utf-16"),
    "utf-8-bom": b"\xef\xbb\xbf" + with_field(),
    "lone-surrogate": raw("device", '"\\ud800"'),
    "raw-surrogate": with_field(device="x").replace(b'"x"', b'"\xed\xa0\x80"'),
    "list": b"[1]",
    "number": b"1",
    "no-loads": json.dumps({**GOOD, "loads": []}).encode(),
    "loads-no-list": json.dumps({**GOOD, "loads": {"0": GOOD["loads"][0]}}).encode(),
    "301-loads": json.dumps({**GOOD, "loads": [1] * 301}).encode(),
    "load-no-object": json.dumps({**GOOD, "loads": [[]]}).encode(),
    "other-version": json.dumps({**GOOD, "v": 2}).encode(),
    "version-true": json.dumps({**GOOD, "v": True}).encode(),
    "stream-no-uuid": json.dumps({**GOOD, "stream": "../../etc"}).encode(),
    "stream-list": json.dumps({**GOOD, "stream": []}).encode(),
    "batch-0": json.dumps({**GOOD, "batch": 0}).encode(),
    "device-path": with_field(device="../x"),
    "device-list": with_field(device=["x"]),
    "origin-object": with_field(origin={}),
    "origin-unknown": with_field(origin="guessed"),
    "states-list": with_field(state_s=[1]),
    "states-unknown": with_field(state_s={"typing": 5}),
    "states-too-long": with_field(state_s={"on": 601}),
    "span-0": with_field(span_s=0),
    "span-a-year": with_field(span_s=31_536_000),
    "before-1970": with_field(end=10, span_s=600),
    "more-than-register": with_field(energy_j=9, register_j=8),
    "replaces-too-many": with_field(replaces=2),
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_hostile_payload_is_one_row_and_the_next_load_counts(house: House, payload: bytes) -> None:
    house.intake.take([born()])
    hostile = ("sobre/v1/pc-1/load", payload)
    answers = house.intake.take([hostile, batch(load(1)), hostile])
    kinds = sorted(topic.rpartition("/")[2] for topic, _ in answers)
    assert kinds == ["confirmed", "refused", "refused"]
    refusal = decode_answer(answers[0][1])
    assert refusal.sha256 == digest(payload)
    assert refusal.reason
    (row,) = house.series.quarantined()
    assert (row.node, row.payload, row.load) == ("pc-1", payload[:65_536], None)
    assert row.reason == refusal.reason
    assert house.stored() == [("pc-1", 1)]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("sobre/v1/pc-1/birth/pc-1", b"{}"),
        ("sobre/v1/pc-1/birth/pc-1", b"[" * 3_000),
        ("sobre/v1/pc-1/birth/a/b/c", born()[1]),
        ("sobre/v1/pc-1/birth/", born()[1]),
        ("sobre/v1/PC 1/load", batch(load(1))[1]),
        ("sobre/v1//load", batch(load(1))[1]),
        ("", b"x"),
        ("sobre/v1/pc-1/control", b"{}"),
    ],
    ids=[
        "birth-empty-object",
        "birth-deep",
        "birth-three-levels",
        "birth-of-nothing",
        "node-with-space",
        "node-empty",
        "no-topic",
        "control",
    ],
)
def test_what_is_no_load_is_set_aside_without_an_answer(
    house: House, topic: str, payload: bytes
) -> None:
    assert house.intake.take([(topic, payload)] * 2) == []
    assert len(list(house.series.quarantined())) == 1
    assert house.ledger.devices() == {}


def test_birth_that_was_taken_back_is_no_mistake(house: House) -> None:
    house.intake.take([born(), ("sobre/v1/pc-1/birth/pc-1", b"")])
    assert house.aside() == []
    assert list(house.ledger.devices()) == [Key("pc-1", "pc-1")]
