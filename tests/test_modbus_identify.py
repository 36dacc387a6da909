"""Registers by which a Modbus profile recognises its model."""

from pathlib import Path

import pytest

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.modbus.identify import Identify
from sobre_drivers.meters.modbus.profile import read


@pytest.mark.parametrize(
    ("place", "words", "fits"),
    [
        (Identify(11, equals=(341, 342)), [342], True),
        (Identify(11, equals=(341,)), [342], False),
        (Identify(11, equals=(341,)), [], False),
        (Identify(30, text="PM5560", words=5), [0x2020, 0x504D, 0x3535, 0x3630, 0], True),
        (Identify(30, text="pm5560", words=3), [0x504D, 0x3535, 0x3630], True),
        (Identify(30, text="PM5560", words=3), [0x504D, 0x3535, 0x3631], False),
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
