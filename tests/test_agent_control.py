"""What the organisation allows: slower, coarser, paused; never finer than is configured."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from services.mosquitto import Broker
from simulated_meters import CONFIG, START, Steady, Turned, source, turned
from sobre_agent.books import Books
from sobre_agent.config import LOAD_LENGTHS, Allowed, LoadLength
from sobre_agent.live import Teller
from sobre_agent.loop import Loop
from sobre_agent.open_load import Span
from sobre_agent.schedule import Group, Round
from sobre_agent.spool import Spool
from sobre_agent.spool_schema import CONTROL
from sobre_drivers.load import Origin
from sobre_drivers.sample import Described
from sobre_drivers.wire import LOAD_LENGTHS as WIRE_LENGTHS
from sobre_drivers.wire import Control, encode_control
from test_agent_run import Collector, command, configured, running, stopped, until


def test_wire_and_configuration_know_the_same_lengths() -> None:
    assert LOAD_LENGTHS == WIRE_LENGTHS


@pytest.mark.parametrize(
    ("own", "allowed", "found"),
    [
        ("minute", "hour", "hour"),
        ("hour", "minute", "hour"),
        ("day", "ten-minutes", "day"),
        ("minute", "minute", "minute"),
    ],
    ids=["coarser", "never-finer", "never-finer-than-a-day", "as-it-is"],
)
def test_loads_are_never_finer_than_configured(
    own: LoadLength, allowed: LoadLength, found: LoadLength
) -> None:
    assert Allowed(load=allowed).longer(own) == found


@pytest.mark.parametrize(
    "allowed", [Allowed(), Allowed(True, 10, "day"), Allowed(False, 2, "hour")]
)
def test_what_is_allowed_survives_in_a_note(allowed: Allowed) -> None:
    assert Allowed.of(allowed.noted()) == allowed


@pytest.mark.parametrize("register", [True, False], ids=["register", "power"])
def test_slower_and_coarser_keeps_every_joule(tmp_path: Path, register: bool) -> None:
    clock = Turned()
    meter = Steady("pdu-a3", clock, 100, register=register)
    sources = [source(meter, 60)]
    with closing(Spool(tmp_path)) as spool:
        books = Books(CONFIG, sources, spool)

        def enter(heard: Round) -> None:
            books.enter(heard)

        loop = Loop(sources, clock, enter)
        turned(loop, clock, START + 6 * 3600)
        for allowed in (Allowed(slower=10, load="hour"), Allowed()):
            loop.allow(allowed)
            books.allow(allowed)
            asked, from_s = meter.asked, clock.at_s
            turned(loop, clock, clock.at_s + 6 * 3600)
            passed = (clock.at_s - from_s) / (60 * allowed.slower)
            assert meter.asked - asked == pytest.approx(passed, abs=10)
        lengths = [span_s for (span_s,) in spool.rows("SELECT span_s FROM load")]
        assert lengths.count(3600) >= 4
        assert 600 <= lengths.count(60) <= 760
        assert books.total_j("pdu-a3") == (clock.at_s - START) * 100


class Person(Steady):
    """The same, of a class that tells when a person is there."""

    def describe(self) -> list[Described]:
        (one,) = super().describe()
        return [Described(one.device, "workstation.laptop", 90.0, "model", Origin.ESTIMATED)]


@pytest.mark.parametrize(("kind", "asked"), [(Steady, 61), (Person, 0)], ids=["meter", "person"])
def test_only_a_workstation_is_not_sampled_while_paused(kind: type[Steady], asked: int) -> None:
    clock = Turned()
    meter = kind("x-1", clock)
    group = Group([source(meter, 60)], clock)
    group.allowed = Allowed(paused=True)
    end_s = clock.at_s + 3600
    while (due_s := START - 1000 + group.due_s()) <= end_s:
        clock.at_s = due_s
        assert group.ask().problem is None
    assert meter.asked == asked


@contextmanager
def organisation(broker: Broker) -> Iterator[paho.Client]:
    client = paho.Client(CallbackAPIVersion.VERSION2, "organisation")
    client.connect(broker.host, broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def says(client: paho.Client, control: Control) -> None:
    said = client.publish("sobre/v1/pc-1/control", encode_control(control), 1, retain=True)
    said.wait_for_publish(10)


def noted(folder: Path) -> Allowed:
    with closing(Spool(folder / "spool")) as spool:
        return Allowed.of(spool.noted(CONTROL))


def feed(folder: Path, count: int = 3) -> None:
    with closing(Spool(folder / "spool")) as spool:
        spool.meet("pdu-a3", "meter", b"")
        end = int(time.time()) - 1000
        spool.append([Span("pdu-a3", end + n, 1, 5, Origin.MEASURED) for n in range(count)], {})


def test_paused_agent_delivers_nothing_until_it_is_told_also_after_a_restart(
    tmp_path: Path, broker: Broker
) -> None:
    config = configured(tmp_path, broker.port)
    with closing(Collector(broker.port)) as collector, organisation(broker) as client:
        says(client, Control(paused=True))
        with running(config):
            until(lambda: noted(tmp_path).paused)
        feed(tmp_path)
        with running(config) as process:
            # Whoever were not paused would have sent what waits as soon as it was connected.
            until(lambda: broker.log().count("as pc-1 ") >= 2)
            since_s = time.monotonic()
            until(lambda: time.monotonic() > since_s + 1.5)
            assert not [x for x in collector.loads if x[0] == "pdu-a3"]
            says(client, Control())
            until(lambda: len([x for x in collector.loads if x[0] == "pdu-a3"]) == 3)
            assert stopped(process) == 0
    assert noted(tmp_path) == Allowed()
    assert "/load" in broker.log()


def test_paused_pc_comes_once_a_day_to_hear_whether_it_still_is(
    tmp_path: Path, broker: Broker
) -> None:
    config = configured(tmp_path, broker.port, "daily")
    feed(tmp_path)
    with closing(Spool(tmp_path / "spool")) as spool:
        spool.note(**{CONTROL: Allowed(paused=True).noted()})
    words = [*command(config)[:2], "sobre_agent.delivery", str(config)]
    with closing(Collector(broker.port)) as collector, organisation(broker) as client:
        says(client, Control(paused=True, slower=3))
        assert subprocess.run(words, check=False, timeout=60).returncode == 0
        assert collector.loads == {}
        assert noted(tmp_path) == Allowed(paused=True, slower=3)
        says(client, Control())
        assert subprocess.run(words, check=False, timeout=60).returncode == 0
        assert len(collector.loads) == 3


def test_control_that_is_not_understood_changes_nothing(tmp_path: Path, broker: Broker) -> None:
    config = configured(tmp_path, broker.port)
    with closing(Collector(broker.port)) as collector, organisation(broker) as client:
        client.publish("sobre/v1/pc-1/control", b'{"v":1,"slower":99}', 1, retain=True)
        feed(tmp_path)
        with running(config) as process:
            until(lambda: len(collector.loads) == 3)
            until(lambda: "slower: 99" in (tmp_path / "log").read_text())
            assert stopped(process) == 0
    assert noted(tmp_path) == Allowed()


def test_live_figures_leave_a_reader_as_senml_and_not_a_workstation(tmp_path: Path) -> None:
    clock, told = Turned(), list[bytes]()
    meters = [source(Steady("pdu-a3/outlet-07", clock, 100)), source(Person("pc-1", clock, 50))]
    with closing(Spool(tmp_path)) as spool:
        books = Books(CONFIG, meters, spool)
        teller = Teller(books, told.append)

        def enter(heard: Round) -> None:
            books.enter(heard)
            teller.show(heard)

        turned(Loop(meters, clock, enter), clock, START + 600)
        assert not any(b"pc-1" in each for each in told)
        (last,) = json.loads(told[-1])
        assert last["bn"] + last["n"] == "pdu-a3/outlet-07"
        assert last["v"] == pytest.approx(100)
        assert last["s"] == (last["bt"] - START) * 100


def test_live_figures_reach_whoever_listens(tmp_path: Path, broker: Broker) -> None:
    config = configured(tmp_path, broker.port)
    text = config.read_text().replace("[mqtt]\n", "[mqtt]\nlive = true\n")
    config.write_text(text.replace("[host]\n", '[host]\ndevice_class = "server"\n'))
    heard: list[tuple[str, int]] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, "listener")
    client.on_message = lambda _, __, message: heard.append((message.topic, message.qos))
    client.on_connect = lambda client, *_: client.subscribe("sobre/v1/+/live", 1)
    client.connect(broker.host, broker.port)
    client.loop_start()
    with running(config) as process:
        until(lambda: len(heard) >= 2)
        assert stopped(process) == 0
    client.disconnect()
    client.loop_stop()
    assert set(heard) == {("sobre/v1/pc-1/live", 0)}


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_agent_tells_systemd_that_it_is_ready_and_alive(tmp_path: Path, abstract: bool) -> None:
    name = f"@sobre-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0") if abstract else name)
        systemd.settimeout(30)
        config = configured(tmp_path)
        config.write_text(config.read_text().replace("sample_s = 1\n", "sample_s = 3600\n"))
        environment = {**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"}
        process = subprocess.Popen(command(config), env=environment, stderr=subprocess.DEVNULL)
        try:
            told = [systemd.recv(100) for _ in range(4)]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    assert told == [b"READY=1", *[b"WATCHDOG=1"] * 3]
