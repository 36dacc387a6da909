"""IPP as bytes: taken apart, and never anything but an error that a meter may make."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipp_bytes import WRITTEN, encoded
from sobre_drivers.errors import MeterError
from sobre_drivers.meters.ipp import message


def test_an_answer_is_taken_apart() -> None:
    found = message.answer(WRITTEN)
    assert (found.status, found.request) == (0, 7)
    assert found.printer == {
        "printer-state": [3],
        "printer-state-reasons": ["standby", "media-low-warning"],
        "printer-up-time": [3600],
        "printer-state-change-time": [None],
    }


def test_a_question_is_what_the_rfc_says() -> None:
    asked = message.question("ipp://p/ipp/print", 7, ("printer-state", "printer-up-time"))
    assert asked[:8] == bytes.fromhex("0200000b00000007")
    assert asked.endswith(
        b"\x44\x00\x14requested-attributes\x00\x0dprinter-state\x44\x00\x00\x00\x0fprinter-up-time\x03"
    )
    assert b"\x45\x00\x0bprinter-uri\x00\x11ipp://p/ipp/print" in asked


@given(st.binary(max_size=400))
def test_no_bytes_end_in_anything_but_a_meters_error(data: bytes) -> None:
    for each in (data, WRITTEN[:9] + data, WRITTEN[: len(data)]):
        try:
            message.answer(each)
        except MeterError:
            continue


NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)
INTEGERS = st.integers(-(2**31), 2**31 - 1)


@given(st.dictionaries(NAMES, st.lists(INTEGERS | st.booleans() | NAMES, min_size=1, max_size=3)))
def test_what_was_written_is_read(attributes: dict[str, list[Any]]) -> None:
    data = WRITTEN[:8] + b"\x04"
    for name, values in attributes.items():
        for number, value in enumerate(values):
            own = name if number == 0 else ""
            if isinstance(value, bool):
                data += encoded(0x22, own, bytes([value]))
            elif isinstance(value, int):
                data += encoded(0x21, own, (value & 0xFFFFFFFF).to_bytes(4, "big"))
            else:
                data += encoded(0x41, own, value.encode())
    assert message.answer(data + b"\x03").printer == attributes


def test_a_collection_in_a_collection_has_an_end() -> None:
    inside = encoded(0x34, "a", b"")
    for _ in range(message.MAX_DEPTH + 1):
        inside += encoded(0x4A, "", b"a") + encoded(0x34, "", b"")
    with pytest.raises(MeterError, match=r"nested deeper than 4"):
        message.answer(WRITTEN[:8] + b"\x04" + inside + b"\x03")
