"""The wire: golden messages stay what they are, and what is not v1 is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sobre_drivers import birth, wire
from sobre_drivers.errors import WireError
from sobre_drivers.load import Load, Origin
from sobre_drivers.strict_json import read_object
from sobre_drivers.topics import parse, topic

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "v1"
STREAM = "5f0c1f6e-8f0b-4d0e-9a57-6f2c3b1d7e40"
SCHEMA_OF = {
    "load": "Loads",
    "confirmed": "Confirmed",
    "refused": "Refused",
    "birth": "Birth",
    "control": "Control",
    "live": "Live",
}


def golden(kind: str) -> list[Path]:
    return sorted(GOLDEN.glob(f"{kind}*.json"))


def golden_bytes(path: Path) -> bytes:
    return path.read_bytes().rstrip(b"\n")


@pytest.mark.parametrize("path", golden("load"), ids=lambda path: path.stem)
def test_golden_loads_decode_and_encode_to_themselves(path: Path) -> None:
    payload = golden_bytes(path)
    assert wire.encode_batch(wire.decode_batch(payload)) == payload


def test_golden_load_is_read_field_by_field() -> None:
    batch = wire.decode_batch(golden_bytes(GOLDEN / "load-merged.json"))
    assert batch == wire.Batch(
        "0b6e9c1a-2f9d-4a38-8f55-0d9c7c2b61aa",
        9,
        (
            Load(
                device="mfp-2.03",
                seq=812,
                end=1795474800,
                span_s=172800,
                energy_j=5000000,
                register_j=2**53 - 1,
                origin=Origin.MEASURED,
                state_s={"ready": 100000, "printing": 1200, "sleep": 71600},
                power_max_w=None,
                pages=340,
                replaces=288,
            ),
        ),
    )


@pytest.mark.parametrize("kind", ["confirmed", "refused"])
def test_golden_answers_decode_and_encode_to_themselves(kind: str) -> None:
    payload = golden_bytes(GOLDEN / f"{kind}.json")
    answer = wire.decode_answer(payload)
    assert wire.encode_answer(answer) == payload
    assert (answer.reason is None) == (kind == "confirmed")


def test_golden_birth_decodes_and_encodes_to_itself() -> None:
    payload = golden_bytes(GOLDEN / "birth.json")
    assert birth.encode(birth.decode(payload)) == payload
    assert birth.decode(payload).device_class == "workstation.laptop"


def test_golden_control_decodes_and_encodes_to_itself() -> None:
    payload = golden_bytes(GOLDEN / "control.json")
    assert wire.decode_control(payload) == wire.Control(False, 5, "hour")
    assert wire.encode_control(wire.decode_control(payload)) == payload


@pytest.mark.parametrize("payload", [b"", b'{"v":1}', b'{"v":1,"later":[7]}'])
def test_a_control_that_says_nothing_allows_everything(payload: bytes) -> None:
    assert wire.decode_control(payload) == wire.Control()


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"v": 2}, "version 1"),
        ({"paused": 1}, "paused"),
        ({"paused": None}, "paused"),
        ({"slower": 0}, "slower"),
        ({"slower": 11}, "slower"),
        ({"slower": True}, "slower"),
        ({"load": "second"}, "load"),
        ({"load": ["day"]}, "load"),
    ],
    ids=str,
)
def test_a_control_that_is_not_v1_is_refused_by_field(fields: dict[str, Any], found: str) -> None:
    with pytest.raises(WireError, match=found):
        wire.decode_control(json.dumps({"v": 1, **fields}).encode())


def test_live_figures_are_the_golden_senml() -> None:
    seen = [("pdu-a3/outlet-07", 41.7, 123456789), ("pdu-a3/outlet-08", None, 0)]
    payload = wire.encode_live(1795478400, [*seen, ("pdu-a3", 980.0, 2**53 - 1)])
    assert payload == golden_bytes(GOLDEN / "live.json")


def test_names_of_senml_resolve_to_devices() -> None:
    """RFC 8428, 4.6: a base name holds until the next one."""
    base, names = "", []
    for record in json.loads(golden_bytes(GOLDEN / "live.json")):
        base = record.get("bn", base)
        names.append(base + record["n"])
    assert names == ["pdu-a3/outlet-07", "pdu-a3/outlet-08", "pdu-a3"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_golden_messages_keep_the_published_schemas(path: Path) -> None:
    contract = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text())
    schemas = contract["components"]["schemas"]
    name = SCHEMA_OF[path.stem.split("-")[0]]
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    Draft202012Validator.check_schema(schemas[name])
    validator = Draft202012Validator(schema)
    message = json.loads(path.read_bytes())
    validator.validate(message)
    if name == "Live":
        return
    assert not validator.is_valid({**message, "v": 2})
    for field in schemas[name]["required"]:
        assert not validator.is_valid({k: v for k, v in message.items() if k != field})


def changed(**fields: Any) -> bytes:
    message = json.loads(golden_bytes(GOLDEN / "load-pc.json"))
    for name, value in fields.items():
        target = message if name in ("v", "stream", "batch", "loads") else message["loads"][0]
        if value is ...:
            del target[name]
        else:
            target[name] = value
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b"", "not JSON"),
        (b"[]", "object"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b'{"v":1,"v":1}', "twice"),
        (b'{"v":NaN}', "NaN"),
        (b'{"v":1e400}', "finite"),
        (b'{"v":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bytes"),
        (b'{"v":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "nested"),
        (b'{"v":' + b"9" * 5000 + b"}", "not JSON"),
        (b"{" + b" " * 70_000 + b"}", "65536"),
        (changed(v=2), "version 1"),
        (changed(v=True), "version 1"),
        (changed(stream="x"), "stream"),
        (changed(stream=STREAM.upper()), "stream"),
        (changed(batch=0), "batch"),
        (changed(loads=[]), "1 to 300"),
        (changed(loads=[7]), "object"),
        (changed(loads=[{}] * 301), "1 to 300"),
        (changed(device="PC 1"), "device"),
        (changed(device="../etc"), "device"),
        (changed(device="a/b/c"), "device"),
        (changed(device="pc-1\n"), "device"),
        (changed(seq=0), "seq"),
        (changed(seq=1.0), "seq"),
        (changed(seq=True), "seq"),
        (changed(energy_j=-1), "energy_j"),
        (changed(energy_j=2**53), "energy_j"),
        (changed(energy_j="1"), "energy_j"),
        (changed(energy_j=...), "energy_j"),
        (changed(energy_j=2246402), "running total"),
        (changed(span_s=0), "span_s"),
        (changed(span_s=32 * 86_400), "month"),
        (changed(end=10), "1970"),
        (changed(origin="guessed"), "origin"),
        (changed(origin=[]), "origin"),
        (changed(state_s={"on": 46801}), "more seconds"),
        (changed(state_s={"typing": 1}), "no state"),
        (changed(state_s={"on": -1}), "state_s.on"),
        (changed(state_s=[]), "state_s"),
        (changed(power_max_w=-1), "power_max_w"),
        (changed(pages=None), "pages"),
        (changed(replaces=4), "replaces"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_v1_is_refused_with_the_field_that_is_wrong(payload: bytes, found: str) -> None:
    with pytest.raises(WireError, match=found):
        wire.decode_batch(payload)


def test_a_field_that_came_later_is_ignored_and_not_refused() -> None:
    payload = changed(power_min_w=3)
    assert wire.decode_batch(payload).loads[0].seq == 3


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(payload: bytes) -> None:
    with pytest.raises(WireError):
        wire.decode_batch(payload)
    assert wire.identity(payload) == ("", 0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    st.sampled_from(["device", "seq", "end", "span_s", "energy_j", "origin", "state_s", "pages"]),
    JSON,
)
def test_any_value_in_any_field_is_either_read_or_refused(field: str, value: Any) -> None:
    try:
        batch = wire.decode_batch(changed(**{field: value}))
    except WireError:
        return
    assert wire.decode_batch(wire.encode_batch(batch)) == batch


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("sobre/v1/pc-1/load", ("pc-1", "load", "")),
        ("sobre/v1/r1/birth/pdu-a3/outlet-07", ("r1", "birth", "pdu-a3/outlet-07")),
    ],
)
def test_topics_are_made_and_read_alike(name: str, parts: tuple[str, str, str]) -> None:
    assert parse(name) == parts
    assert topic(*parts) == name


@pytest.mark.parametrize(
    "name",
    [
        "sobre/v1/pc-1",
        "sobre/v2/pc-1/load",
        "sobre/v1/PC/load",
        "sobre/v1/pc-1/load/x",
        "sobre/v1/pc-1/birth",
        "sobre/v1/pc-1/birth/a/b/c",
        "",
    ],
)
def test_a_topic_that_is_none_of_ours_is_refused(name: str) -> None:
    with pytest.raises(WireError, match="topic"):
        parse(name)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"class": "toaster"}, "class"),
        ({"site": "x" * 101}, "site"),
        ({"site": "a\nb"}, "site"),
        ({"rated_w": float(10**8)}, "rated_w"),
        ({"rated_w": None}, "rated_w"),
        ({"rated_w": True}, "rated_w"),
        ({"uncertainty_ratio": -0.1}, "uncertainty_ratio"),
        ({"origin": "guess"}, "origin"),
        ({"v": 3}, "version 1"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_birth_that_is_not_v1_is_refused_by_field(change: dict[str, Any], found: str) -> None:
    message = {**json.loads(golden_bytes(GOLDEN / "birth.json")), **change}
    with pytest.raises(WireError, match=found):
        birth.decode(json.dumps(message).encode())


def test_foreign_text_is_shown_short_and_escaped() -> None:
    with pytest.raises(WireError) as raised:
        wire.decode_batch(changed(device="\x1b[31m" + "x" * 10_000))
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_strict_reader_refuses_lone_surrogates_that_would_break_later() -> None:
    with pytest.raises(WireError, match="device"):
        wire.decode_batch(changed(device="\ud800"))
    assert read_object(b'{"a":1}') == {"a": 1}
