"""Modbus RTU over a pseudo-terminal and over TCP: who is read, and what is never taken for whom."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meters.bus import Asked, Bus, answered, checked
from meters.bus_gateway import HOST, Gateway
from meters.pseudo import Adapter
from meters.served import CAPTURES, capture
from sobre_agent.commands import check
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Login, MeterSettings, SerialLine
from sobre_drivers.meters.kind import Lines, MeterDriver
from sobre_drivers.meters.modbus import rtu_frames

FAST_S = 0.3
SDM120 = capture("eastron-sdm120")
# 65.25 as float32, in both registers of a pair.
PAIR = (0x4282, 0x8000)
WELL_W = 65.25


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "port") as made:
        yield made


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as made:
        yield made


def well(asked: Asked) -> list[int]:
    """A dump in which each float32 is 65.25, wherever it begins."""
    return [PAIR[(asked.address + i) % 2] for i in range(asked.count)]


def settings_of(path: str, unit_id: int = 1, timeout_s: float = FAST_S) -> MeterSettings:
    return MeterSettings(
        f"m{unit_id}",
        "eastron-sdm120",
        serial_port=path,
        unit_id=unit_id,
        timeout_s=timeout_s,
    )


def driver(path: str, unit_id: int = 1, timeout_s: float = FAST_S) -> closing[MeterDriver]:
    return closing(catalog.driver_for(settings_of(path, unit_id, timeout_s)))


def over_tcp(port: int, timeout_s: float = FAST_S) -> closing[MeterDriver]:
    meter = MeterSettings(
        "m1", "eastron-sdm120", host=HOST, port=port, framing="rtu", timeout_s=timeout_s
    )
    return closing(catalog.driver_for(meter))


def dumped(name: str) -> dict[tuple[int, int], int]:
    """Words by the function that reads them, and by address."""
    made = capture(name)
    runs = {made.function: made.words, 7 - made.function: made.words_beside}
    return {
        (function, at + i): word
        for function, words_of in runs.items()
        for at, words in words_of.items()
        for i, word in enumerate(words)
    }


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.json")))
def test_each_profile_reads_its_capture_over_a_serial_line(name: str, adapter: Adapter) -> None:
    words = dumped(name)

    def answer(asked: Asked) -> list[int] | bytes:
        span = [(asked.function, asked.address + i) for i in range(asked.count)]
        if not all(at in words for at in span):
            return checked(asked.unit_id, bytes([asked.function | 0x80, 2]))
        return [words[at] for at in span]

    meter = MeterSettings("m", name, serial_port=adapter.path, rated_w=1_000_000.0, timeout_s=5)
    made = capture(name)
    with Bus(adapter, {1: answer}), closing(catalog.driver_for(meter)) as driver:
        found = {each.device.partition("/")[2]: each for each in driver.read()}
    for part, expected in made.expected.items():
        assert found[part].power_w == expected["power_w"]
        assert found[part].register_uj == expected["register_uj"]
        assert found[part].serial == made.serial


def test_meters_of_one_bus_are_told_apart(adapter: Adapter) -> None:
    lines: Lines = {}
    drivers = [catalog.driver_for(settings_of(adapter.path, unit), lines=lines) for unit in (1, 2)]
    units = {1: well, 2: lambda asked: [0x4100, 0] * (asked.count // 2)}
    with Bus(adapter, units):
        assert [each.read()[0].power_w for each in drivers] == [WELL_W, 8.0]
        assert [each.read()[0].power_w for each in drivers] == [WELL_W, 8.0]
    for each in drivers:
        each.close()


def test_a_gateway_hands_rtu_through(gateway: Gateway) -> None:
    with Bus(gateway, {1: well}), over_tcp(gateway.port, 5) as driver:
        assert driver.read()[0].power_w == WELL_W
        assert driver.read()[0].power_w == WELL_W
    assert gateway.connections == 1


def echoed(asked: Asked) -> bytes:
    place = asked.address.to_bytes(2, "big") + asked.count.to_bytes(2, "big")
    return checked(asked.unit_id, bytes([asked.function]) + place)


HARMLESS: dict[str, Callable[[Asked], bytes]] = {
    "noise-before": lambda asked: b"\x00\xff\x01\x04" + answered(asked, well(asked)),
    "echo-of-the-request": lambda asked: echoed(asked) + answered(asked, well(asked)),
    "another-unit-before": lambda asked: (
        checked(9, b"\x04\x04" + bytes(4)) + answered(asked, well(asked))
    ),
    "noise-after": lambda asked: answered(asked, well(asked)) + b"\x01\x04\x04",
}


@pytest.mark.parametrize("how", HARMLESS)
def test_what_is_not_the_answer_is_passed_over(how: str, adapter: Adapter) -> None:
    with Bus(adapter, {1: HARMLESS[how]}), driver(adapter.path, timeout_s=5) as meter:
        for _ in range(3):
            assert meter.read()[0].power_w == WELL_W


def test_an_echo_that_looks_like_an_answer_is_passed_over() -> None:
    request = rtu_frames.framed(1, bytes([3, 3, 0, 0, 2]))
    frames, _ = rtu_frames.cut(request + checked(1, b"\x03\x04" + bytes(4)))
    assert frames == [rtu_frames.Frame(1, b"\x03\x04" + bytes(4))]


WRONG: dict[str, tuple[Callable[[Asked], bytes | None], str]] = {
    "silence": (lambda asked: None, "no valid answer within 0.3 s; check unit id, wiring"),
    "bad-check-sum": (lambda asked: answered(asked, well(asked))[:-1] + b"\x00", "noise"),
    "half-an-answer": (lambda asked: answered(asked, well(asked))[:6], "noise"),
    "another-unit": (lambda asked: checked(9, b"\x04\x04" + bytes(4)), "unit 9 spoke"),
    "another-function": (lambda asked: checked(1, b"\x03\x04" + bytes(4)), "by function 3"),
    "too-few": (lambda asked: checked(1, b"\x04\x02" + bytes(2)), "given 1 by function 4"),
    "too-many": (lambda asked: checked(1, b"\x04\x08" + bytes(8)), "given 4 by function 4"),
    "refused": (lambda asked: checked(1, b"\x84\x02"), "illegal data address"),
    "busy": (lambda asked: checked(1, b"\x84\x06"), "device busy"),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_answer_is_named_and_the_next_round_reads(how: str, adapter: Adapter) -> None:
    answer, finding = WRONG[how]
    broken = True
    units = {1: lambda asked: answer(asked) if broken else well(asked)}
    with Bus(adapter, units), driver(adapter.path) as meter:
        with pytest.raises(MeterError) as caught:
            meter.read()
        broken = False
        assert meter.read()[0].power_w == WELL_W
    assert str(caught.value).startswith(f"m1 ({adapter.path}, unit 1): ")
    assert finding in str(caught.value)
    assert ";" in str(caught.value), "a message says what to do"


@given(noise=st.binary(max_size=300))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_bytes_are_never_a_value(noise: bytes) -> None:
    frames, rest = rtu_frames.cut(noise)
    # (A check sum of 16 bits lets one in 65,536 through that nobody could tell from an answer.)
    assert not frames
    assert len(rest) <= rtu_frames.LONGEST


@pytest.mark.parametrize("unit_id", [1, 17, 247])
def test_the_check_sum_is_that_of_another_implementation(unit_id: int) -> None:
    asked = bytes([4, 0x12, 0x34, 0, 9])
    assert rtu_frames.framed(unit_id, asked) == checked(unit_id, asked)
    # Modbus over Serial Line V1.02 gives the sum of 02 07 as 41 12.
    assert rtu_frames.crc(b"\x02\x07") == b"\x41\x12"


def test_bus_settings_that_differ_are_refused(adapter: Adapter) -> None:
    lines: Lines = {}
    catalog.driver_for(settings_of(adapter.path, 1), lines=lines)
    other = MeterSettings(
        "m2", "eastron-sdm120", serial_port=adapter.path, unit_id=2, serial=SerialLine(19200)
    )
    with pytest.raises(ConfigError, match=r"m2: .* is wanted as 19200 none 1, and as 2400 none 1"):
        catalog.driver_for(other, lines=lines)


def test_check_tells_of_a_bus_whose_meters_want_it_otherwise(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(
        f"""
organisation = "ville"
site = "mairie"
node = "reader-1"
[mqtt]
tls = "off"
[spool]
folder = "{tmp_path}"
[[meters]]
device = "m1"
profile = "eastron-sdm120"
serial_port = "/dev/nowhere"
[[meters]]
device = "m2"
profile = "eastron-sdm120"
serial_port = "/dev/nowhere"
unit_id = 2
[meters.serial]
parity = "even"
""",
        "utf-8",
    )
    problems, _ = check.found(tmp_path / "agent.toml")
    (said,) = problems
    assert "m2: /dev/nowhere is wanted as 2400 even 1, and as 2400 none 1" in said


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"serial_port": "p", "unit_id": 0}, "1 to 247 answer on a serial line"),
        ({"serial_port": "p", "port": 502}, "port is beside serial_port"),
        ({"host": "h", "serial": SerialLine(9600)}, "serial is beside host"),
        ({"topic": "t"}, "host is missing"),
        ({"host": "h", "login": Login("a", Path("b"))}, "login means nothing to modbus"),
    ],
    ids=["unit-0", "port", "serial", "topic", "login"],
)
def test_settings_that_modbus_does_not_use_are_refused(
    settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        catalog.describe(MeterSettings("m", "eastron-sdm120", **settings))
