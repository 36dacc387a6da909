"""The broker of `sobre up`: each user its own password and topics, on both kinds of broker."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from services import unpacked
from services.ports import free_port
from sobre_collector.up import broker as up_broker
from sobre_collector.up.accounts import COLLECTOR, password_file
from sobre_collector.up.children import Child, Children
from sobre_drivers.errors import ConfigError
from sobre_drivers.topics import topic

WAIT_S = 20.0


class Line:
    """A broker started by the product's own command, and clients with its passwords."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.port = free_port()
        self.files = {user: password_file(folder, user) for user in (COLLECTOR, "pc-1", "pc-2")}
        _, command = up_broker.broker_command(folder, self.port, list(self.files.values()))
        program = unpacked.program("mosquitto", "mosquitto")
        environment = program.environment if program and kind == "mosquitto" else dict(os.environ)
        self.children = Children()
        self.children.start(Child(kind, command, folder / "broker.log", environment))
        self.clients: list[paho.Client] = []

    def connect(self, user: str, password: str | None = None) -> tuple[paho.Client, bool]:
        """A client, and whether it was let in."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=user)
        client.username_pw_set(user, password or self.files[user].read_text())
        answered, codes = threading.Event(), []

        def on_connect(_c: object, _u: object, _f: object, reason: object, _p: object) -> None:
            codes.append(getattr(reason, "is_failure", True))
            answered.set()

        client.on_connect = on_connect
        for _ in range(200):
            try:
                client.connect("127.0.0.1", self.port)
                break
            except OSError:
                threading.Event().wait(0.05)
        client.loop_start()
        self.clients.append(client)
        assert answered.wait(WAIT_S)
        return client, not codes[0]

    def stop(self) -> None:
        for client in self.clients:
            client.disconnect()
            client.loop_stop()
        self.children.stop()


@pytest.fixture(params=["mosquitto", "amqtt"])
def line(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Line]:
    program = unpacked.program("mosquitto", "mosquitto")
    if request.param == "amqtt":
        monkeypatch.setattr(up_broker, "mosquitto_program", lambda: None)
    elif program is None:
        pytest.skip("mosquitto is neither unpacked nor installed")
    else:
        monkeypatch.setattr(up_broker, "mosquitto_program", lambda: program.path)
    made = Line(tmp_path, request.param)
    yield made
    made.stop()


def test_a_wrong_password_is_refused(line: Line) -> None:
    assert not line.connect("pc-1", "guessed")[1]
    assert line.connect("pc-1")[1]


def test_a_node_speaks_for_itself_alone(line: Line) -> None:
    collector, _ = line.connect(COLLECTOR)
    heard: list[str] = []
    arrived, subscribed = threading.Event(), threading.Event()

    def on_message(_c: object, _u: object, message: paho.MQTTMessage) -> None:
        heard.append(message.topic)
        if message.topic == topic("pc-2", "load"):
            arrived.set()

    collector.on_message = on_message
    collector.on_subscribe = lambda *_: subscribed.set()
    collector.subscribe("sobre/v1/+/load", qos=1)
    assert subscribed.wait(WAIT_S)
    first, _ = line.connect("pc-1")
    forged = first.publish(topic("pc-2", "load"), b"forged", qos=1)
    own = first.publish(topic("pc-1", "load"), b"own", qos=1)
    forged.wait_for_publish(WAIT_S)
    own.wait_for_publish(WAIT_S)
    second, _ = line.connect("pc-2")
    second.publish(topic("pc-2", "load"), b"own", qos=1)
    assert arrived.wait(WAIT_S)
    assert heard == [topic("pc-1", "load"), topic("pc-2", "load")]


def test_passwords_are_made_once_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    path = password_file(tmp_path, "pc-1")
    before = path.read_text()
    assert password_file(tmp_path, "pc-1").read_text() == before
    assert len(before) > 30
    assert path.stat().st_mode & 0o077 == 0


def test_without_any_broker_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_broker, "mosquitto_program", lambda: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="install mosquitto"):
        up_broker.broker_command(tmp_path, 1, [])


def test_a_child_that_falls_is_started_again_and_a_wrong_configuration_is_not(
    tmp_path: Path,
) -> None:
    children = Children()
    falling = Child("falling", ["sh", "-c", "echo once more; exit 1"], tmp_path / "a.log")
    wrong = Child("wrong", ["sh", "-c", "echo no such key; exit 2"], tmp_path / "b.log")
    for child in (falling, wrong):
        children.start(child)
        assert child.process is not None
        child.process.wait()
    given_up = children.tend()
    assert given_up == [wrong]
    assert wrong.last_words() == "no such key"
    falling.again_s = 1e-9
    children.tend()
    assert falling.process is not None
    falling.process.wait()
    assert (tmp_path / "a.log").read_text() == "once more\nonce more\n"
    children.stop()


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from sobre_collector.up.children import Child\n"
        f"child = Child('c', ['sleep', '1000'], Path({str(tmp_path / 'c.log')!r}))\n"
        "child.start(); print(child.process.pid, flush=True); time.sleep(1000)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text():
            return
        threading.Event().wait(0.05)
    pytest.fail("the child outlived its parent")
