"""P1 telegrams: what others recorded of real meters, over pseudo-terminals and by their bytes."""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.pseudo import Adapter, playing
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.meters.p1 import decoding, driver, meaning
from sobre_drivers.meters.p1.decoding import Telegram, Telegrams

CAPTURES = Path(__file__).parents[2] / "shared/captures/dsmr-p1"
UJ_PER_WH = 3_600_000_000
# Register (Wh) and power (W) that SOURCE.md states: both tariffs together, and 1.7.0.
RECORDED = {
    "telegram_v2_2.txt": (2002, 1010.0),
    "telegram_v4_2.txt": (3016829, 2027.0),
    "telegram_v5.txt": (6825, 244.0),
    "telegram_fluvius_v171.txt": (15792, 0.0),
}
CRC = {
    "telegram_v4_2.txt": 0x6796,
    "telegram_v5.txt": 0x6EEE,
    "telegram_fluvius_v171.txt": 0x3AD7,
    "telegram_unpadded_crc.txt": 0x0B9F,
}
recorded = pytest.mark.parametrize("name", RECORDED)


def capture(name: str) -> bytes:
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f"no {name} under ../shared/captures/dsmr-p1")
    return path.read_bytes()


def made(*lines: str, version: str = "50") -> bytes:
    """A telegram of one's own, its CRC by the bit-wise rule of the standard."""
    head = [r"/ABC5\x", ""] + ([f"1-3:0.2.8({version})"] if version else [])
    text = "\r\n".join([*head, *lines, "!"]).encode()
    crc = 0
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return text + (f"{crc:04X}" if version else "").encode() + b"\r\n"


def read(data: bytes) -> list[Telegram]:
    return Telegrams().feed(data)


TAKEN = ("1-0:1.8.1(000004.426*kWh)", "1-0:1.8.2(000002.399*kWh)", "1-0:1.7.0(00.244*kW)")


@pytest.mark.shared
@recorded
def test_a_recorded_telegram_reads_to_what_its_meter_counted(name: str) -> None:
    (telegram,) = read(capture(name))
    reading = meaning.reading("m", telegram)
    assert reading is not None
    register_wh, power_w = RECORDED[name]
    assert (reading.register_uj, reading.power_w) == (register_wh * UJ_PER_WH, power_w)
    assert telegram.checked == (name in CRC)


@pytest.mark.shared
@pytest.mark.parametrize("name", CRC)
def test_the_crc_is_the_one_that_the_meter_printed(name: str) -> None:
    text = capture(name)
    assert decoding.crc16(text[: text.rindex(b"!") + 1]) == CRC[name]
    assert len(read(text)) == 1
    assert read(text.replace(b"0-0:96.13.0", b"0-0:96.13.1")) == []


@pytest.mark.shared
def test_a_heat_meters_telegram_has_no_electricity() -> None:
    (telegram,) = read(capture("telegram_unpadded_crc.txt"))
    assert telegram.identification == "NWA-WARMTELINK"
    assert meaning.reading("m", telegram) is None


@pytest.mark.shared
@recorded
def test_pieces_of_any_size_read_the_same(name: str) -> None:
    text, dice, cut = capture(name) * 3, random.Random(name), Telegrams()
    found, at = [], 0
    while at < len(text):
        end = at + dice.randint(1, 90)
        found += cut.feed(text[at:end])
        at = end
    assert found == read(text)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("lines", "register_wh", "power_w"),
    [
        (TAKEN, 6825, 244.0),
        (("1-0:1.8.0(000123.456*kWh)", "1-0:1.7.0(01.5*kW)"), 123456, 1500.0),
        (("1-0:1.8.0(000123456*Wh)",), 123456, None),
        (("1-0:1.8.0(000009.000*kWh)", *TAKEN), 9000, 244.0),
        (("1-0:1.8.0.255(000123.456*kWh)",), 123456, None),
        (("1-0:1.8.1(000004.426*kWh)",), 4426, None),
        (("1-0:1.8.1(000004.426*kWh)", "1-0:1.8.2(?*kWh)"), None, None),
        (("1-0:1.8.1(000004.426*kvarh)",), None, None),
        (("1-0:2.8.1(000004.426*kWh)", "1-0:2.7.0(01.000*kW)"), None, None),
    ],
    ids=[
        "two-tariffs",
        "total",
        "in-wh",
        "total-before-tariffs",
        "long-reference",
        "one-tariff",
        "unreadable-tariff",
        "reactive",
        "only-injected",
    ],
)
def test_what_was_taken_is_the_total_or_the_sum_of_its_tariffs(
    lines: tuple[str, ...], register_wh: int | None, power_w: float | None
) -> None:
    (telegram,) = read(made(*lines))
    reading = meaning.reading("m", telegram)
    assert (None if reading is None else reading.power_w) == power_w
    expected = None if register_wh is None else register_wh * UJ_PER_WH
    assert (None if reading is None else reading.register_uj) == expected


@pytest.mark.parametrize(
    ("spoil", "whole"),
    [
        (lambda text: text, 1),
        (lambda text: text.replace(b"4.426", b"4.427"), 0),
        (lambda text: text[: text.index(b"!") + 1] + b"\r\n", 0),
        (lambda text: text[: text.index(b"!") + 1] + b"zz\r\n", 0),
        (lambda text: text[:60] + text, 1),
        (lambda text: text[30:] + text, 1),
        (lambda text: b"\x00\xff/~" + text, 1),
        (lambda text: b"\x00\xff/~\r\n" + text, 1),
        (lambda text: text[:-2], 0),
    ],
    ids=[
        "whole",
        "digit",
        "crc-lost",
        "crc-garbled",
        "begun-again",
        "tuned-in",
        "noise-in-first-line",
        "noise",
        "not-ended",
    ],
)
def test_what_does_not_add_up_is_left_out(spoil: Callable[[bytes], bytes], whole: int) -> None:
    assert len(read(spoil(made(*TAKEN)))) == whole


def test_a_telegram_without_an_end_is_not_kept_for_ever() -> None:
    endless = made(*[f"0-0:96.13.{n}({'0' * 60})" for n in range(300)], *TAKEN)
    telegrams = Telegrams()
    pieces = [endless[at : at + 1000] for at in range(0, len(endless), 1000)]
    assert [found for piece in pieces for found in telegrams.feed(piece)] == []
    assert len(telegrams.feed(made(*TAKEN))) == 1


def test_an_old_telegram_needs_both_tariffs_since_nothing_vouches_for_it() -> None:
    (telegram,) = read(made(*TAKEN, version=""))
    assert not telegram.checked
    assert meaning.reading("m", telegram) is not None
    (half,) = read(made(TAKEN[0], TAKEN[2], version=""))
    assert meaning.reading("m", half) is None
    parity = bytes(b | 0x80 if b.bit_count() % 2 else b for b in made(*TAKEN, version=""))
    assert Telegrams(7).feed(parity) == [telegram]
    # "4" carries a parity bit, "5" would not.
    (spoilt,) = Telegrams(7).feed(parity.replace(b"\xb4", b"\xb5"))
    assert meaning.reading("m", spoilt) is None


def test_the_number_of_a_customers_meter_is_not_in_a_reading() -> None:
    number = "4B384547303034303436333935353037"
    (telegram,) = read(made(f"0-0:96.1.1({number})", *TAKEN))
    reading = meaning.reading("m", telegram)
    assert reading is not None
    assert reading.serial is not None
    assert number not in str(list(meaning.values("m", telegram))) + reading.serial
    (other,) = read(made(f"0-0:96.1.1({number[:-1]}8)", *TAKEN))
    replaced = meaning.reading("m", other)
    assert replaced is not None
    assert replaced.serial != reading.serial


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise_or_make_a_telegram_with_a_wrong_crc(noise: bytes) -> None:
    for telegram in read(b"/" + noise + b"\r\n!\r\n"):
        assert not telegram.checked
        meaning.reading("m", telegram)
        list(meaning.values("m", telegram))
    assert (
        read(b"/" + noise + b"\r\n!0000\r\n") == [] or decoding.crc16(b"/" + noise + b"\r\n!") == 0
    )


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "ttyUSB0") as here:
        yield here


def reader(adapter: Adapter, profile: str = "dsmr-p1") -> MeterDriver:
    return catalog.driver_for(Meter("feeder", profile, serial_port=adapter.path, timeout_s=0.05))


@pytest.mark.shared
@recorded
def test_a_recorded_meter_is_read_over_a_line(adapter: Adapter, name: str) -> None:
    profile = "dsmr-p1" if name in CRC else "dsmr-p1-v2"
    with playing(adapter, capture(name)), closing(reader(adapter, profile)) as meter:
        (reading,) = meter.read()
        assert {value.name for value in meter.shown()} > {"power", "serial"}
    register_wh, power_w = RECORDED[name]
    assert (reading.register_uj, reading.power_w) == (register_wh * UJ_PER_WH, power_w)


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (b"", "nothing arrives"),
        (b"\x9c\x00~}#" * 40, r"\d+ bytes without one telegram"),
        (made(*TAKEN).replace(b"4.426", b"4.427"), "telegrams with a wrong CRC"),
        (made("0-1:24.2.1(260215200523W)(240.860*GJ)"), "telegrams without electricity"),
    ],
    ids=["silence", "noise", "wrong-crc", "heat"],
)
def test_a_meter_that_says_nonsense_is_named_and_is_never_0_w(
    adapter: Adapter, line: bytes, finding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PATIENCE_S", 0.2)
    with (
        playing(adapter, line),
        closing(reader(adapter)) as meter,
        pytest.raises(MeterError, match=f"^feeder .*ttyUSB0.*{finding}"),
    ):
        meter.read()


def test_a_line_that_is_pulled_out_is_named_and_comes_back(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PATIENCE_S", 2.0)
    with closing(reader(adapter)) as meter:
        with playing(adapter, made(*TAKEN)):
            meter.read()
        adapter.unplug()
        for _ in range(2):
            with pytest.raises(MeterError, match=r"^feeder: .*plugged in"):
                meter.read()
        adapter.plug()
        with playing(adapter, made(*TAKEN)):
            assert meter.read()


def test_a_meter_without_a_port_is_refused() -> None:
    with pytest.raises(ConfigError, match="serial_port is missing"):
        catalog.describe(Meter("feeder", "dsmr-p1", host="192.0.2.1"))
    (described,) = catalog.describe(Meter("feeder", "dsmr-p1", serial_port="x"))
    assert (described.count_uj, described.rated_w) == (UJ_PER_WH, 55200)
