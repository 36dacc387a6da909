"""A French meter on a serial line: a thread plays what others recorded into a pseudo-terminal."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from meters.pseudo import Adapter, playing
from sobre_agent.config import Meter
from sobre_agent.schedule import asked
from sobre_agent.sources import Source
from sobre_drivers.clock import SystemClock
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import SerialLine
from sobre_drivers.meters.serial_port import SerialPort
from sobre_drivers.meters.tic import driver as tic
from sobre_drivers.meters.tic.driver import Way

CAPTURES = Path(__file__).parents[2] / "shared/captures/tic"
UJ_PER_WH = 3_600_000_000
# What is played, and the index (Wh) that its SOURCE.md states.
PLAYED = {
    "historique-hc-mono-stream1.raw": 14524758,
    "historique-hc-mono-stream2.raw": 14524770,
    "historique-base-tri.raw": 1181243,
    "historique-base-mono.raw": 190575,
    "wire/historique-base-tri.raw": 1181243,
    "wire/standard-mono-producteur.raw": 0,
    "enedis-historique-base.txt": 104,
    "enedis-standard-mono-PCOUP-corrompu.txt": 0,
}
WITHOUT_INDEX = b"\x02\nADCO 031328187235 B\r\nPTEC HP..  \r\nPAPP 00270 *\r\x03"
WHOLE = b"\x02\nADCO 031328187235 B\r\nPTEC HP..  \r\nBASE 000190575 &\r\nPAPP 00270 *\r\x03"


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "ttyUSB0") as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that never says the right thing is given up at once."""
    monkeypatch.setattr(tic, "HISTORIQUE", Way(1200, 0.15))
    monkeypatch.setattr(tic, "STANDARD", Way(9600, 0.15))


def meter(adapter: Adapter, profile: str = "linky", timeout_s: float = 5.0) -> Meter:
    return Meter("feeder", profile, serial_port=adapter.path, timeout_s=timeout_s)


def capture(name: str) -> bytes:
    path = CAPTURES / name
    if not path.exists():
        pytest.skip(f"no {name} under ../shared/captures/tic")
    return path.read_bytes()


@pytest.mark.shared
@pytest.mark.parametrize("name", PLAYED)
def test_a_recorded_meter_is_read_over_a_line(adapter: Adapter, name: str) -> None:
    text = capture(name)
    with playing(adapter, text), closing(catalog.driver_for(meter(adapter))) as driver:
        (reading,) = driver.read()
        shown = {value.name: value.value for value in driver.shown()}
    # A recording that is played in a loop counts on; its first frame is the least it shows.
    assert reading.register_uj is not None
    assert 0 <= reading.register_uj // UJ_PER_WH - PLAYED[name] <= 1
    assert (reading.device, reading.power_w) == ("feeder", None)
    assert shown["mode"] == ("standard" if "standard" in name else "historique")


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (b"", "nothing at 1200 Bd, nothing at 9600 Bd"),
        (b"\xff\x00~}#" * 40, r"\d+ bytes without one whole frame at 1200 Bd"),
        (WITHOUT_INDEX, r"\d+ frames without a valid index at 1200 Bd"),
        (WHOLE.replace(b"190575", b"190576"), "without a valid index"),
    ],
    ids=["silence", "noise", "no-index", "wrong-checksum"],
)
@pytest.mark.usefixtures("impatient")
def test_a_meter_that_says_nonsense_is_named_and_is_never_0_w(
    adapter: Adapter, line: bytes, finding: str
) -> None:
    with (
        playing(adapter, line),
        closing(catalog.driver_for(meter(adapter, timeout_s=0.05))) as driver,
        pytest.raises(MeterError, match=f"^feeder .*ttyUSB0.*{finding}.*check the wires"),
    ):
        driver.read()


class AtOneSpeed(SerialPort):
    """A line with a speed, which a pseudo-terminal lacks: the meter talks at 9600 Bd."""

    def open(self) -> None: ...

    def read(self, within_s: float) -> bytes:
        return WHOLE if self.baud_rate == 9600 else b"\xfe"


def test_the_speed_that_worked_is_tried_first() -> None:
    asked_at: list[int] = []

    def port(baud_rate: int) -> SerialPort:
        asked_at.append(baud_rate)
        return AtOneSpeed("line", baud_rate)

    (described,) = catalog.describe(Meter("feeder", "linky", serial_port="line"))
    driver = tic.TicDriver(described, port, (Way(1200, 0.01), Way(9600, 1.0)), 0.01)
    assert driver.read() == driver.read()
    assert asked_at == [1200, 9600]


@pytest.mark.usefixtures("impatient")
def test_a_line_that_is_pulled_out_is_named_and_comes_back(adapter: Adapter) -> None:
    made = catalog.driver_for(meter(adapter, "linky-historique"))
    source = Source("feeder", made, 10.0, "minute", adapter.path)
    with closing(made):
        with playing(adapter, WHOLE):
            assert asked(source, SystemClock()).problem is None
        adapter.unplug()
        for _ in range(2):
            problem = asked(source, SystemClock()).problem
            assert problem is not None
            assert problem.startswith("feeder: ")
            assert "plugged in" in problem
        adapter.plug()
        with playing(adapter, WHOLE):
            assert asked(source, SystemClock()).problem is None


def test_a_short_frame_of_a_three_phase_meter_is_waited_over(adapter: Adapter) -> None:
    # Without an index, as such a meter sends them in a burst while a phase draws too much.
    short = WHOLE.replace(b"BASE 000190575 &\r\n", b"")
    with (
        playing(adapter, short * 3 + WHOLE),
        closing(catalog.driver_for(meter(adapter))) as driver,
    ):
        assert [reading.register_uj for reading in driver.read()] == [190575 * UJ_PER_WH]


def test_what_waited_in_the_line_is_not_the_index_of_now(adapter: Adapter) -> None:
    with closing(catalog.driver_for(meter(adapter))) as driver:
        with playing(adapter, WHOLE):
            driver.read()
        adapter.send(WHOLE)
        later = WHOLE.replace(b"BASE 000190575 &", b"BASE 000190576 '")
        with playing(adapter, later):
            (reading,) = driver.read()
    assert reading.register_uj == 190576 * UJ_PER_WH


def test_a_profile_and_its_settings_fit_or_are_refused(adapter: Adapter) -> None:
    (described,) = catalog.describe(meter(adapter))
    assert (described.count_uj, described.modulus_uj) == (UJ_PER_WH, None)
    assert (described.device_class, described.rated_w) == ("facility", 36000)
    with pytest.raises(ConfigError, match="serial_port is missing"):
        catalog.describe(Meter("feeder", "linky", host="192.0.2.1"))
    slow = Meter("m", "linky", serial_port=adapter.path, serial=SerialLine(baud_rate=4800))
    with playing(adapter, WHOLE), closing(catalog.driver_for(slow)) as driver:
        assert driver.read()
        assert isinstance(driver, tic.TicDriver)
        assert driver._port is not None
        assert driver._port.baud_rate == 4800
