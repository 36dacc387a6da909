"""What a meter can do wrong on the line: it is named, and never becomes a value."""

import logging
import re
import socket
import struct
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.pdu import DecodePDU

from meters.served import HOST, Capture, Scripted, Served, capture
from sobre_agent.config import Meter
from sobre_drivers.errors import MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.kind import Lines
from sobre_drivers.meters.modbus.patience import Patience
from sobre_drivers.sample import Driver

DEMO = capture("sobre-demo-pdu")
FAST_S = 0.3


def driver_of(
    port: int, profile: str = "eastron-sdm120", unit_id: int = 1, timeout_s: float = FAST_S
) -> Driver:
    return catalog.driver_for(
        Meter(
            device="pdu-a3",
            profile=profile,
            host=HOST,
            port=port,
            unit_id=unit_id,
            timeout_s=timeout_s,
        )
    )


def reader(port: int, *arguments: Any, **options: Any) -> closing[Driver]:
    return closing(driver_of(port, *arguments, **options))


def frame(request: bytes, body: bytes, unit: int | None = None, transaction: int = 0) -> bytes:
    """A Modbus TCP answer to the request, with another unit id or transaction if so told."""
    number = (int.from_bytes(request[:2], "big") + transaction) & 0xFFFF
    head = number.to_bytes(2, "big") + b"\0\0" + (len(body) + 1).to_bytes(2, "big")
    return head + bytes([request[6] if unit is None else unit]) + body


def words_asked(request: bytes) -> int:
    return int.from_bytes(request[10:12], "big")


def well(request: bytes) -> bytes:
    """An answer in which each float32 is 65.25."""
    count = words_asked(request)
    return frame(request, bytes([request[7], 2 * count]) + b"\x42\x82\x80\x00" * (count // 2))


WRONG: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "exception-illegal-address": (lambda r: frame(r, b"\x84\x02"), "illegal data address"),
    "exception-device-failure": (lambda r: frame(r, b"\x84\x04"), "device failure"),
    "exception-behind-gateway": (lambda r: frame(r, b"\x84\x0b"), "behind the gateway"),
    "exception-unknown-code": (lambda r: frame(r, b"\x84\x77"), "exception 119"),
    "exception-without-code": (lambda r: frame(r, b"\x84"), ""),
    "silence": (lambda r: b"", "no valid answer within 0.3 s"),
    "closes-the-connection": (lambda r: None, "connection lost"),
    "half-an-answer": (lambda r: well(r)[:10], "no valid answer"),
    "http": (lambda r: b"HTTP/1.1 400 Bad Request\r\n\r\n", ""),
    "noise": (lambda r: bytes(range(255, 200, -1)), ""),
    "zeros": (lambda r: bytes(64), ""),
    "too-few-registers": (lambda r: frame(r, b"\x04\x02\x42\x82"), "given 1 by function 4"),
    "too-many-registers": (lambda r: frame(r, b"\x04\x06" + bytes(6)), "given 3 by function 4"),
    "count-beyond-the-frame": (lambda r: frame(r, b"\x04\x40\x42\x82"), ""),
    "odd-bytes": (lambda r: frame(r, b"\x04\x03\x42\x82\x80"), ""),
    "empty": (lambda r: frame(r, b"\x04\x00"), ""),
    "no-body": (lambda r: frame(r, b""), ""),
    "another-function": (lambda r: frame(r, b"\x03\x04\x42\x82\x80\x00"), "by function 3"),
    "unknown-function": (lambda r: frame(r, b"\x63\x04\x42\x82\x80\x00"), ""),
    "wrong-unit-id": (lambda r: frame(r, b"\x04\x04\x42\x82\x80\x00", unit=9), ""),
    "answer-to-another-question": (
        lambda r: frame(r, b"\x04\x04\x42\x82\x80\x00", transaction=-1),
        "",
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_answer_is_a_meter_error_and_the_next_round_reads(how: str) -> None:
    answer, finding = WRONG[how]
    broken = True
    script = Scripted(lambda request: answer(request) if broken else well(request))
    with script as meter, reader(meter.port) as driver:
        # pymodbus itself gives up on a connection after some silent rounds.
        for _ in range(6 if how == "silence" else 1):
            with pytest.raises(MeterError) as caught:
                driver.read()
        broken = False
        (reading,) = driver.read()
    assert f"pdu-a3 ({HOST}:{meter.port}, unit 1): " in str(caught.value)
    assert finding in str(caught.value)
    assert ";" in str(caught.value), "a message says what to do"
    assert reading.power_w == 65.25


def test_a_connection_that_is_reset_is_told_and_made_again() -> None:
    broken = True
    script = Scripted(lambda request: None if broken else well(request), reset=True)
    with script as meter, reader(meter.port) as driver:
        with pytest.raises(MeterError, match="connection lost"):
            driver.read()
        assert meter.connections == 1, "a new connection that fails is not tried again"
        broken = False
        assert driver.read()[0].power_w == 65.25


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_idled_out_costs_no_round(reset: bool) -> None:
    asked = 0

    def ends_after_a_round(request: bytes) -> bytes | None:
        nonlocal asked
        asked += 1
        # The third request comes on a connection that the meter has ended in the meantime.
        return None if asked == 3 else well(request)

    with Scripted(ends_after_a_round, reset=reset) as meter, reader(meter.port) as driver:
        first = driver.read()
        assert driver.read() == first
        assert meter.connections == 2


def test_what_an_older_pymodbus_lets_through_is_translated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def garbled(*arguments: Any, **options: Any) -> None:
        raise struct.error("unpack requires a buffer of 2 bytes")

    with Scripted(well) as meter, reader(meter.port) as driver:
        with monkeypatch.context() as older:
            older.setattr(DecodePDU, "decode", garbled)
            with pytest.raises(MeterError, match="not Modbus"):
                driver.read()
        assert driver.read()[0].power_w == 65.25


def test_connection_refused_names_meter_and_remedy() -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    with reader(port) as driver, pytest.raises(MeterError, match="check address and port"):
        driver.read()


def test_a_meter_that_comes_back_is_read_again() -> None:
    dump = capture("eastron-sdm120")
    with Served(dump.words, 4) as meter:
        driver = driver_of(meter.port, timeout_s=5)
        before = driver.read()
    with pytest.raises(MeterError):
        driver.read()
    with Served(dump.words, 4, port=meter.port):
        assert driver.read() == before
        driver.close()


def test_wrong_unit_id_reads_nothing() -> None:
    with (
        Served(DEMO.words) as pdu,
        reader(pdu.port, DEMO.profile, unit_id=7) as driver,
        pytest.raises(MeterError, match="unit 7"),
    ):
        driver.read()


def test_late_answer_is_not_taken_for_the_next_one() -> None:
    kept: list[bytes] = []

    def late(request: bytes) -> bytes:
        kept.append(request)
        if len(kept) == 1:
            return b""
        # The answer to the first question (0 W) comes first, then the one that was asked for.
        return frame(kept[0], b"\x04\x04\x00\x00\x00\x00") + well(request)

    with Scripted(late) as meter, reader(meter.port) as driver:
        with pytest.raises(MeterError):
            driver.read()
        assert driver.read()[0].power_w == 65.25
        assert meter.connections == 2


def test_all_outlets_come_in_one_request() -> None:
    with Served(DEMO.words) as pdu, reader(pdu.port, DEMO.profile, timeout_s=5) as driver:
        driver.read()
    assert pdu.requests == [(3, 0, 48)]


def without(dump: Capture, address: int) -> dict[int, list[int]]:
    """The dump in single registers, one left out."""
    return {
        start + offset: [word]
        for start, words in dump.words.items()
        for offset, word in enumerate(words)
        if start + offset != address
    }


def test_a_hole_in_the_map_costs_no_other_value(caplog: pytest.LogCaptureFixture) -> None:
    # Register 8 is in the gap between inlet and outlets, 19 the low word of outlet-01's energy.
    for hole in (8, 19):
        with (
            Served(without(DEMO, hole)) as pdu,
            reader(pdu.port, DEMO.profile, timeout_s=5) as driver,
        ):
            first = list(driver.read())
            asked = len(pdu.requests)
            again = list(driver.read())
        lost = hole == 19
        for reading in first:
            expected = DEMO.expected[reading.device.partition("/")[2]]
            silent = lost and reading.device.endswith("/outlet-01")
            assert reading.power_w == expected["power_w"]
            assert reading.register_uj == (None if silent else expected["register_uj"])
        assert again == first
        # 48 registers are refused, the pieces answered; that lesson holds for the next round.
        assert pdu.requests[0] == (3, 0, 48)
        assert pdu.requests[1:asked] == pdu.requests[asked:]
    warned = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warned) == 1, "what is refused each round is said once"


def test_a_busy_meter_is_asked_the_same_again() -> None:
    busy = True
    refuse = lambda address: ExcCodes.DEVICE_BUSY if busy else None  # noqa: E731
    served = Served(DEMO.words, refuse=refuse)
    with served as pdu, reader(pdu.port, DEMO.profile, timeout_s=5) as driver:
        with pytest.raises(MeterError, match="busy"):
            driver.read()
        busy = False
        driver.read()
    assert pdu.requests == [(3, 0, 48), (3, 0, 48)]


def test_meters_behind_one_gateway_share_its_connection() -> None:
    with Scripted(well) as gateway:
        lines: Lines = {}
        drivers = [
            catalog.driver_for(
                Meter(
                    device=f"m{unit}",
                    profile="eastron-sdm120",
                    host=HOST,
                    port=gateway.port,
                    unit_id=unit,
                ),
                lines=lines,
            )
            for unit in (1, 2, 3)
        ]
        for driver in drivers:
            assert driver.read()[0].power_w == 65.25
        for driver in drivers:
            driver.close()
        assert gateway.connections == 1


def test_a_dead_meter_behind_a_gateway_is_waited_for_its_whole_time_once_and_then_shortly() -> None:
    with Scripted(lambda request: well(request) if request[6] == 1 else b"") as gateway:
        lines: Lines = {}
        alive, dead = (
            catalog.driver_for(
                Meter(
                    device=f"m{unit}",
                    profile="eastron-sdm120",
                    host=HOST,
                    port=gateway.port,
                    unit_id=unit,
                    timeout_s=0.75,
                ),
                lines=lines,
            )
            for unit in (1, 2)
        )
        waited = []
        for _ in range(3):
            assert alive.read()[0].power_w == 65.25
            with pytest.raises(MeterError) as told:
                dead.read()
            waited += re.findall(r"within (\S+) s", str(told.value))
        alive.close()
    # The first time nobody knows it; the second is its turn for the whole time.
    assert waited == ["0.75", "0.75", "0.5"]


@pytest.mark.parametrize(
    ("answered_s", "waits_s"), [((), 3.0), ((0.02,), 0.5), ((0.02, 0.4), 1.2), ((2.0,), 3.0)]
)
def test_a_slow_network_is_waited_for_whoever_is_silent(
    answered_s: tuple[float, ...], waits_s: float
) -> None:
    made = Patience({1, 2, 3})
    for unit, after_s in enumerate(answered_s, 1):
        made.answered(unit, after_s)
    assert made.behind_gateway_s(3, 3.0, 0.0) == 3.0
    made.silent(3)
    assert made.behind_gateway_s(3, 3.0, 1.0) == 3.0, "its turn"
    made.silent(3)
    assert made.behind_gateway_s(3, 3.0, 2.0) == pytest.approx(waits_s)


@pytest.mark.parametrize(
    ("where", "words", "problem"),
    [
        (40000, [0x5375, 0x6E54, 203, 1, 0, 0xFFFF, 0], "no SunSpec model 203"),
        (40000, [0x5375, 0x6E53, 0xFFFF, 0, 203, 1, 0], "no SunSpec model 203"),
        (40000, [0x5375, 0x6E53, 1, 1, 0, 0xFFFF, 0], "no SunSpec model 203"),
        (40000, [0x5375, 0x6E53, 1, 0xFFFF], "no SunSpec model 203"),
        (10, [1], "no SunSpec model 203"),
    ],
    ids=["no-mark", "behind-the-end", "other-models", "a-length-beyond-the-map", "nothing-there"],
)
def test_a_device_without_the_sunspec_model_is_named(
    where: int, words: list[int], problem: str
) -> None:
    with Served({where: words}) as server:
        meter = Meter(
            device="m", profile="sunspec-203", host=HOST, port=server.port, rated_w=9000.0
        )
        driver = catalog.driver_for(meter)
        with pytest.raises(MeterError, match=problem):
            driver.read()
        driver.close()
