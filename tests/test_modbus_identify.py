"""Registers by which a Modbus profile recognises its model."""

from pathlib import Path

import pytest

from meters.served import CAPTURES, Capture, capture
from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.modbus.identify import Identify
from sobre_drivers.meters.modbus.profile import read

NAMES = sorted(path.stem for path in CAPTURES.glob("*.json"))
# Their code is told only to those who ask for its register alone: within a run it is a voltage.
ALONE = "carlo-gavazzi-"


def there(meter: Capture, place: Identify, function: int) -> list[int]:
    """What a meter has where a model is recognised; empty if it refuses to tell."""
    runs = meter.words if function == meter.function else meter.words_beside
    words = {at + n: word for at, run in runs.items() for n, word in enumerate(run)}
    found = [words.get(at) for at in range(place.address, place.address + place.words)]
    return [word for word in found if word is not None] if None not in found else []


@pytest.mark.parametrize(
    ("place", "words", "fits"),
    [
        (Identify(11, equals=(341, 342)), [342], True),
        (Identify(11, equals=(341,)), [342], False),
        (Identify(11, equals=(341,)), [], False),
        (Identify(30, text="PM5560", words=5), [0x2020, 0x504D, 0x3535, 0x3630, 0], True),
        (Identify(30, text="pm5560", words=3), [0x504D, 0x3535, 0x3630], True),
        (Identify(30, text="PM5560", words=3), [0x504D, 0x3535, 0x3631], False),
        (Identify(30, texts=("PM5560", "pm5561"), words=3), [0x504D, 0x3535, 0x3631], True),
        (Identify(30, texts=("PM5560", "PM5563"), words=3), [0x504D, 0x3535, 0x3631], False),
        (Identify(30, texts=("PM5560",), words=3), [], False),
    ],
)
def test_a_model_is_recognised_by_its_code_or_its_name(
    place: Identify, words: list[int], fits: bool
) -> None:
    assert place.fits(words) is fits


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("identify = { address = 11 }", "identify.equals is missing"),
        ("identify = { address = 11, equals = [70000] }", r"identify.equals has \[70000\]"),
        (
            "identify = { address = 11, equals = [1], words = 2 }",
            "identify.words belongs to a text",
        ),
        ('identify = { address = 11, text = "PM5560", words = 2 }', "too few for 'PM5560'"),
        (
            'identify = { address = 1, text = "A", texts = ["B"] }',
            "identify.equals is .* not alone",
        ),
        ('identify = { address = 1, texts = ["A", ""] }', "identify.texts has an empty one"),
        ('identify = { address = 1, texts = ["AB", "ABC"] }', "too few for 'ABC'"),
        ("identify = { address = 70000, equals = [1] }", "identify.address is 70000"),
        ("identify = { adress = 1, equals = [1] }", "unknown key 'identify.adress'; did you mean"),
    ],
)
def test_a_wrong_identification_is_refused_with_its_key(
    tmp_path: Path, line: str, finding: str
) -> None:
    path = tmp_path / "acme.toml"
    good = (catalog.OWN_FOLDER / "modbus" / "sobre-demo-pdu.toml").read_text(encoding="utf-8")
    path.write_text(f"{line}\n{good}", encoding="utf-8")
    with pytest.raises(ConfigError, match=finding):
        read(path)
    path.write_text(f"identify = {{ address = 0, equals = [7] }}\n{good}", encoding="utf-8")
    assert read(path).identify == Identify(0, equals=(7,))


@pytest.mark.parametrize(
    "name",
    [n for n in NAMES if read(catalog.find(n)).identify and not n.startswith(ALONE)],
)
def test_a_profile_recognises_its_own_meter_and_no_other(name: str) -> None:
    profile = read(catalog.find(name))
    place = profile.identify
    assert place is not None
    function = place.function or profile.function
    fitting = [each for each in NAMES if place.fits(there(capture(each), place, function))]
    assert fitting == [name]


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("COUNTIS E14", "socomec-countis-e14"),
        ("COUNTIS E23", "socomec-countis-e23"),
        ("Countis E28", "socomec-countis-e23"),
        ("COUNTIS E34", "socomec-countis-e34"),
        ("Countis E44", "socomec-countis-e34"),
        ("DIRIS A-10", "socomec-diris-a10"),
        ("DIRIS A10", "socomec-diris-a10"),
        ("DIRIS A14", "socomec-diris-a14"),
        ("COUNTIS E45", None),
    ],
)
def test_models_of_one_maker_are_told_apart_by_what_they_call_themselves(
    says: str, name: str | None
) -> None:
    data = says.encode("latin-1").ljust(16, b"\0")
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, 16, 2)]
    known = {
        each.stem: read(each).identify
        for each in sorted((catalog.OWN_FOLDER / "modbus").glob("socomec-*.toml"))
    }
    fitting = [each for each, place in known.items() if place and place.fits(words)]
    assert fitting == ([name] if name else [])
