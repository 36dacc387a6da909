"""The serial port: what is read and when waiting ends, and what an unplugged adapter looks like."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meters.pseudo import Adapter
from sobre_drivers.errors import MeterError
from sobre_drivers.meters.serial_port import SerialPort

SOON_S = 5.0


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[Adapter]:
    with Adapter(tmp_path / "port") as made:
        yield made


@pytest.fixture
def port(adapter: Adapter) -> Iterator[SerialPort]:
    made = SerialPort(adapter.path, 9600)
    made.open()
    yield made
    made.close()


def read_all(port: SerialPort, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := port.read(SOON_S)):
        found += more
    return found


def test_bytes_travel_both_ways(adapter: Adapter, port: SerialPort) -> None:
    everything = bytes(range(256))
    port.write(everything)
    assert adapter.receive(SOON_S) == everything
    adapter.send(everything)
    assert read_all(port, 256) == everything


def test_waiting_ends_with_nothing(port: SerialPort) -> None:
    assert port.read(0.0) == b""
    assert port.read(0.01) == b""


def test_what_came_before_can_be_thrown_away(adapter: Adapter, port: SerialPort) -> None:
    adapter.send(b"late")
    assert port.read(SOON_S)[:1] == b"l"
    adapter.send(b"later")
    port.quiet(0.05, SOON_S)
    adapter.send(b"now")
    assert read_all(port, 3) == b"now"


def test_a_line_that_never_falls_quiet_is_told(adapter: Adapter, port: SerialPort) -> None:
    adapter.send(b"x" * 64)
    assert not port.quiet(0.05, 0.0)
    assert port.quiet(0.01, SOON_S)


@pytest.mark.parametrize(
    ("parity", "data_bits"), [("even", 8), ("even", 7), ("none", 7)], ids=["8E1", "7E1", "7N1"]
)
def test_a_port_of_a_serial_server_has_no_parity_to_refuse(
    adapter: Adapter, parity: str, data_bits: int
) -> None:
    port = SerialPort(adapter.path, 1200, parity, 1, data_bits)  # type: ignore[arg-type]
    port.open()
    adapter.send(b"A")
    assert port.read(SOON_S) == b"A"
    port.close()


@pytest.mark.parametrize(
    "use",
    [lambda port: port.read(1.0), lambda port: port.write(b"x"), lambda port: port.flush_input()],
    ids=["read", "write", "flush"],
)
def test_an_unplugged_adapter_is_named_and_opened_again(
    adapter: Adapter, port: SerialPort, use: Callable[[SerialPort], object]
) -> None:
    adapter.unplug()
    with pytest.raises(MeterError, match="has gone; is its adapter plugged in"):
        use(port)
    assert not port.is_open
    with pytest.raises(MeterError, match="no such port"):
        port.open()
    adapter.plug()
    port.open()
    adapter.send(b"back")
    assert read_all(port, 4) == b"back"


def test_a_port_that_another_program_reads_is_named(adapter: Adapter, port: SerialPort) -> None:
    with pytest.raises(MeterError, match="another program uses it"):
        SerialPort(adapter.path, 9600).open()
    port.close()
    again = SerialPort(adapter.path, 9600)
    again.open()
    again.close()


def test_what_is_no_port_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MeterError, match="cannot be opened"):
        SerialPort(str(tmp_path / "file"), 9600).open()
    with pytest.raises(MeterError, match="not open"):
        SerialPort(str(tmp_path / "file"), 9600).read(0.0)


def test_a_character_takes_its_bits() -> None:
    assert SerialPort("x", 9600, "even").character_s * 9600 == pytest.approx(11)
    assert SerialPort("x", 1200, "even", 1, 7).character_s * 1200 == pytest.approx(10)
