"""UPS behind a real upsd with its dummy driver; what upsd never says stands in a table."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from services import upsd as nut
from services.ports import HOST, free_port
from services.upsd import Upsd
from sobre_agent.config import Meter
from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.load import Origin
from sobre_drivers.meters import catalog
from sobre_drivers.meters.kind import MeterDriver
from sobre_drivers.meters.nut import decoding

# As NUT's own list of device dumps has them for a Smart-UPS.
SMART_UPS = {
    "device.serial": "AS1234567890",
    "ups.status": "OL",
    "ups.load": "24.7",
    "ups.power": "420",
    "ups.realpower": "238.5",
    "ups.realpower.nominal": "980",
    "ups.mfr": 'American \\"Power\\"',
}


@pytest.fixture
def start_upsd(tmp_path: Path) -> Iterator[Callable[[Mapping[str, str]], Upsd]]:
    why = nut.absent()
    if why:
        pytest.skip(why)
    started: list[Upsd] = []

    def made(variables: Mapping[str, str]) -> Upsd:
        started.append(Upsd(tmp_path / "nut", variables))
        started[-1].start()
        return started[-1]

    yield made
    for each in started:
        each.stop()


def reader(port: int, profile: str = "nut-realpower", ups: str = "ups") -> MeterDriver:
    host = f"{ups}@{HOST}" if ups else HOST
    return catalog.driver_for(Meter("ups-1", profile, host=host, port=port, rated_w=1000))


@pytest.mark.parametrize(
    ("profile", "power_w", "origin"),
    [
        ("nut-realpower", 238.5, Origin.MEASURED),
        ("nut-load", pytest.approx(0.247 * 980), Origin.ESTIMATED),
    ],
)
def test_a_ups_is_read_from_a_real_upsd(
    start_upsd: Callable[[Mapping[str, str]], Upsd], profile: str, power_w: float, origin: Origin
) -> None:
    port = start_upsd(SMART_UPS).port
    with closing(reader(port, profile, ups="")) as driver:
        (reading,) = driver.read()
        (described,) = driver.describe()
        shown = {value.name: value.value for value in driver.shown()}
    assert (reading.power_w, reading.register_uj) == (power_w, None)
    assert reading.serial == "AS1234567890"
    assert (described.origin, described.device_class) == (origin, "ups")
    assert shown["ups.status"] == "OL"


def test_a_ups_that_upsd_has_lost_is_named_with_a_remedy(
    start_upsd: Callable[[Mapping[str, str]], Upsd],
) -> None:
    server = start_upsd({"ups.status": "OL", "ups.power": "420", "ups.load": "20"})
    with pytest.raises(MeterError, match=r"^ups-1 \(ups@.*does not say ups.realpower; profile nut"):
        reader(server.port).read()
    with pytest.raises(MeterError, match="VA do not tell"):
        reader(server.port, "nut-load").read()
    with pytest.raises(MeterError, match=r"other@.*knows no UPS of that name"):
        reader(server.port, ups="other").read()
    server.stop_driver()
    with pytest.raises(MeterError, match=r"lost contact|no driver running"):
        _ask_until_it_fails(reader(server.port))


def _ask_until_it_fails(driver: MeterDriver) -> None:
    deadline_s = time.monotonic() + 10.0
    while time.monotonic() < deadline_s:
        driver.shown()


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no list of variables"),
        (b"", "no list of variables"),
        (b"BEGIN LIST VAR ups\nVAR ups ups.realpower", "no list of variables"),
        (b"ERR\n", "no list of variables"),
        (b"ERR ACCESS-DENIED\n", "does not let this machine read"),
        (b'BEGIN LIST VAR ups\nVAR ups ups.realpower "nan"\nEND LIST VAR ups\n', "does not say"),
        (b'BEGIN LIST VAR ups\nVAR ups ups.realpower "-3"\nEND LIST VAR ups\n', "does not say"),
        (b'BEGIN LIST VAR ups\nVAR ups ups.realpower "x"\nEND LIST VAR ups\n', "does not say"),
    ],
    ids=["web", "closed", "cut", "bare-error", "denied", "nan", "negative", "text"],
)
def test_nonsense_is_named_and_is_never_0_w(answer: bytes, finding: str) -> None:
    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=lambda: _answer(listener, answer), daemon=True)
        thread.start()
        with pytest.raises(MeterError, match=f"^ups-1 .*{finding}"):
            reader(listener.getsockname()[1]).read()
        thread.join(5.0)


def _answer(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(100)
        connection.sendall(answer)


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(MeterError, match=r"^ups-1 .*cannot be reached \(Connection refused\)"):
        reader(free_port()).read()


def test_active_power_of_three_phases_is_their_sum_if_all_are_said() -> None:
    said = {f"output.L{n}.realpower": str(100 * n) for n in (1, 2, 3)}
    assert decoding.power_w(said, "realpower") == 600
    del said["output.L2.realpower"]
    with pytest.raises(MeterError):
        decoding.power_w(said, "realpower")


@pytest.mark.parametrize("host", ["", "ups@", "a b@host"])
def test_a_ups_without_an_address_or_a_name_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="give the address of upsd"):
        catalog.describe(Meter("u", "nut-load", host=host, topic="x", rated_w=1))
