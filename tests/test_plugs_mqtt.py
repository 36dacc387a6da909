"""Plugs that publish by themselves, on a real broker."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from meters.secret import secret
from services.mosquitto import Broker, MakeBroker
from services.ports import HOST, free_port
from sobre_agent.config import Meter
from sobre_drivers.errors import MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.configured import Login
from sobre_drivers.meters.plugs.published import PublishedPlug
from sobre_drivers.sample import Reading

UJ_PER_WH = 3_600_000_000
WITHIN_S = 10.0
ZIGBEE = {"state": "ON", "power": 12.5, "energy": 3.47, "voltage": 231, "linkquality": 120}
SENSOR = {
    "Time": "2026-11-24T09:00:00",
    "ENERGY": {"TotalStartTime": "2025-01-08T10:12:30", "Total": 1.234, "Today": 0.1, "Power": 9},
}
Publish = Callable[..., None]


@pytest.fixture
def publish(broker: Broker) -> Iterator[Publish]:
    """Publish as a plug does; return when the broker has it."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect(broker.host, broker.port)
    client.loop_start()

    def say(topic: str, payload: Any, *, retain: bool = False) -> None:
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        client.publish(topic, raw, qos=1, retain=retain).wait_for_publish(WITHIN_S)

    yield say
    client.disconnect()
    client.loop_stop()


def reader(
    broker: Broker, topic: str = "zigbee2mqtt/plug", profile: str = "zigbee2mqtt", **more: Any
) -> PublishedPlug:
    meter = Meter("plug-1", profile, host=broker.host, port=broker.port, topic=topic, **more)
    made = catalog.driver_for(meter)
    assert isinstance(made, PublishedPlug)
    return made


def next_of(driver: PublishedPlug) -> Reading:
    """The reading of the next message: what it says since the last round comes soon."""
    deadline_s = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline_s:
        for reading in driver.read():
            return reading
        time.sleep(0.005)
    pytest.fail("nothing was heard")


@pytest.mark.parametrize(
    ("profile", "topic", "message", "power_w", "register_uj"),
    [
        ("zigbee2mqtt", "zigbee2mqtt/plug", ZIGBEE, 12.5, 3470 * UJ_PER_WH),
        ("tasmota-mqtt", "tele/plug/SENSOR", SENSOR, 9, 1234 * UJ_PER_WH),
        ("zigbee2mqtt", "zigbee2mqtt/plug", {"power": 12.5}, 12.5, None),
    ],
    ids=["zigbee2mqtt", "tasmota", "power-alone"],
)
def test_what_a_plug_publishes_is_read_once(
    broker: Broker,
    publish: Publish,
    profile: str,
    topic: str,
    message: dict[str, Any],
    power_w: float,
    register_uj: int | None,
) -> None:
    with closing(reader(broker, topic, profile)) as driver:
        assert driver.read() == (), "nothing was said yet, and that is no failure"
        publish(topic, message)
        reading = next_of(driver)
        assert (reading.power_w, reading.register_uj) == (power_w, register_uj)
        assert driver.read() == (), "the same message is not a power that goes on"
        publish(topic, message)
        assert next_of(driver) == reading
        shown = {value.name: value.value for value in driver.shown()}
        assert shown["power"] == power_w


def test_a_retained_message_is_never_a_reading(broker: Broker, publish: Publish) -> None:
    publish("zigbee2mqtt/plug", ZIGBEE, retain=True)
    with closing(reader(broker, timeout_s=0.3)) as driver:
        assert driver.read() == ()
        with pytest.raises(MeterError, match="says nothing while we wait"):
            driver.shown()
        assert driver.read() == ()
        publish("zigbee2mqtt/plug", ZIGBEE | {"power": 99}, retain=True)
        assert next_of(driver).power_w == 99, "said now, and kept only for others"


def test_a_plug_that_is_silent_too_long_is_named(broker: Broker, publish: Publish) -> None:
    ahead_s = 0.0
    with closing(reader(broker, "tele/plug/SENSOR", "tasmota-mqtt")) as driver:
        driver._clock = lambda: time.monotonic() + ahead_s
        assert driver.read() == ()
        # 2.5 times the 300 s for which such a plug may be silent.
        ahead_s = 740.0
        assert driver.read() == ()
        ahead_s = 760.0
        for _ in range(2):
            with pytest.raises(MeterError, match=r"^plug-1 \(tele/plug/SENSOR on .*13 min"):
                driver.read()
        ahead_s = 0.0
        publish("tele/plug/SENSOR", SENSOR)
        assert next_of(driver).power_w == 9
        publish("tele/plug/SENSOR", SENSOR)
        driver.shown()
        ahead_s = 760.0
        with pytest.raises(MeterError, match="says nothing for 13 min"):
            driver.read()


@pytest.mark.parametrize(
    ("payload", "finding"),
    [
        (b"offline", "not JSON"),
        (b"[1]", "no object"),
        (b'{"power": NaN}', "not JSON"),
        ({"state": "ON", "linkquality": 3}, "neither power nor energy"),
        ({"power": "12.5", "energy": None}, "neither power nor energy"),
        ({"power": -1}, "neither power nor energy"),
    ],
    ids=["text", "list", "nan", "no-meter", "wrong-types", "negative"],
)
def test_nonsense_is_named_and_is_never_0_w(
    broker: Broker, publish: Publish, payload: Any, finding: str
) -> None:
    with closing(reader(broker)) as driver:
        assert driver.read() == ()
        publish("zigbee2mqtt/plug", payload)
        with pytest.raises(MeterError, match=rf"^plug-1 \(zigbee2mqtt/plug on .*{finding}"):
            next_of(driver)
        publish("zigbee2mqtt/plug", ZIGBEE)
        assert next_of(driver).power_w == 12.5


def test_plugs_on_one_broker_share_a_connection(broker: Broker, publish: Publish) -> None:
    lines: dict[tuple[str, str], Any] = {}
    with ExitStack() as stack:
        drivers = []
        for number in range(3):
            meter = Meter(
                f"plug-{number}",
                "zigbee2mqtt",
                host=broker.host,
                port=broker.port,
                topic=f"zigbee2mqtt/{number}",
            )
            driver = stack.enter_context(closing(catalog.driver_for(meter, None, lines)))
            # The connection is made with the first, and learns of the others.
            assert driver.read() == ()
            drivers.append(driver)
        for number, driver in enumerate(drivers):
            publish(f"zigbee2mqtt/{number}", {"power": number})
            assert isinstance(driver, PublishedPlug)
            assert next_of(driver).power_w == number
    assert len(lines) == 1


def test_a_broker_that_is_away_is_named_and_found_again(broker: Broker) -> None:
    gone = Meter("plug-1", "zigbee2mqtt", host=HOST, port=free_port(), topic="x/y", timeout_s=2)
    with (
        closing(catalog.driver_for(gone)) as driver,
        pytest.raises(MeterError, match=r"^plug-1 .*the broker cannot be reached"),
    ):
        driver.read()
    with closing(reader(broker)) as driver:
        assert driver.read() == ()
        broker.kill()
        deadline_s = time.monotonic() + WITHIN_S
        with pytest.raises(MeterError, match=r"connection to the broker was lost|cannot be"):
            _read_until(driver, deadline_s)
        broker.start()
        while time.monotonic() < deadline_s:
            try:
                assert driver.read() == ()
                return
            except MeterError:
                time.sleep(0.05)
    pytest.fail("the broker was not found again")


def _read_until(driver: PublishedPlug, deadline_s: float) -> None:
    while time.monotonic() < deadline_s:
        driver.read()
        time.sleep(0.01)


def _refuse_the_second(listener: socket.socket) -> None:
    """A broker as far as two subscriptions, of which the second is refused (mosquitto's access
    list lets everyone subscribe, and sends nothing)."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(bytes([0x20, 2, 0, 0]))
        asked = connection.recv(1000)
        connection.sendall(bytes([0x90, 4, asked[2], asked[3], 0x00, 0x80]))
        connection.recv(1000)


def test_a_topic_that_is_forbidden_is_named_and_hides_no_other() -> None:
    with socket.create_server((HOST, 0)) as listener, ExitStack() as stack:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_refuse_the_second, args=(listener,), daemon=True)
        thread.start()
        lines: dict[tuple[str, str], Any] = {}
        made = []
        for topic in ("zigbee2mqtt/plug", "zigbee2mqtt/other"):
            meter = Meter("p", "zigbee2mqtt", host=HOST, port=port, topic=topic)
            made.append(stack.enter_context(closing(catalog.driver_for(meter, None, lines))))
        assert made[0].read() == ()
        with pytest.raises(MeterError, match="does not let us read it; see its access list"):
            made[1].read()
    thread.join(WITHIN_S)


def test_a_wrong_password_is_said_and_never_shown(mosquitto: MakeBroker, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text("")
    (tmp_path / "passwords").chmod(0o600)
    broker = mosquitto([f"password_file {tmp_path / 'passwords'}"])
    login = Login("sobre", secret(tmp_path, "guess-me"))
    with closing(reader(broker, login=login)) as driver:
        with pytest.raises(MeterError, match=r"the broker refuses: .*see login") as caught:
            driver.read()
        assert "guess-me" not in str(caught.value)
