"""End to end over a real broker: nothing is forgotten but what the collector has confirmed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from services.mosquitto import Broker, MakeBroker
from sobre_agent.config import Delivery, Mqtt
from sobre_agent.mqtt import Link
from sobre_agent.open_load import Span
from sobre_agent.outbox import HAS_LEFT, Outbox
from sobre_agent.publisher import Publisher, Sender, topics
from sobre_agent.spool import Counts, Spool
from sobre_drivers.load import Origin
from sobre_drivers.wire import Answer, decode_batch, encode_answer, identity

NODE = "reader-1"
NOW = 1_790_000_000
Says = Callable[[bytes], tuple[str, bytes] | None]


class Collector:
    """Ten lines of a collector: `says` decides what is answered to a payload, None is silence."""

    def __init__(self, broker: Broker, says: Says) -> None:
        self.says, self.got, self.births = says, list[bytes](), dict[str, bytes]()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, "collector")
        self.client.on_message = self._heard
        self.client.on_connect = lambda client, *_: client.subscribe("sobre/v1/#", 1)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()

    def _heard(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if message.topic.endswith("/load"):
            self.got.append(payload)
            answer = self.says(payload)
            if answer is not None:
                client.publish(f"sobre/v1/{NODE}/{answer[0]}", answer[1], qos=1)
        elif "/birth/" in message.topic or message.topic.endswith("/status"):
            self.births[message.topic] = payload

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def confirms(payload: bytes) -> tuple[str, bytes]:
    stream, batch = identity(payload)
    return "confirmed", encode_answer(Answer(stream, batch, sha256(payload).hexdigest(), NOW))


def confirms_another_content(payload: bytes) -> tuple[str, bytes]:
    stream, batch = identity(payload)
    return "confirmed", encode_answer(Answer(stream, batch, sha256(b"x").hexdigest(), NOW))


def confirms_another_stream(payload: bytes) -> tuple[str, bytes]:
    stream = "00000000-0000-4000-8000-000000000000"
    _, batch = identity(payload)
    return "confirmed", encode_answer(Answer(stream, batch, sha256(payload).hexdigest(), NOW))


def says_nonsense(payload: bytes) -> tuple[str, bytes]:
    return "confirmed", b"[" * 30_000


def refuses_device(device: str) -> Says:
    def says(payload: bytes) -> tuple[str, bytes]:
        if all(load.device != device for load in decode_batch(payload).loads):
            return confirms(payload)
        answer = Answer("", 0, sha256(payload).hexdigest(), NOW, "loads[0]: no such device")
        return "refused", encode_answer(answer)

    return says


def fill(folder: Path, count: int, *devices: str) -> None:
    with closing(Spool(folder)) as spool:
        for device in devices or ("pdu-a3",):
            spool.meet(device, "meter", b'{"v":1}')
            for n in range(count):
                spool.append([Span(device, NOW + 60 * n, 60, n, Origin.MEASURED)], {})


@contextmanager
def publishing(
    folder: Path, broker: Broker, confirm_timeout_s: float = 0.5, keepalive_s: int = 60
) -> Iterator[None]:
    delivery = Delivery("as-closed", 4, confirm_timeout_s, 2.0)
    sender = Sender(NODE, 4, delivery, keepalive_s, tells_status=True)
    will = (f"sobre/v1/{NODE}/status", b"offline")
    settings = Mqtt(host=broker.host, port=broker.port, keepalive_s=keepalive_s)
    ready: list[Publisher] = []
    started = threading.Event()

    def deliver() -> None:
        link = Link(settings, NODE, topics(NODE), will)
        with closing(Spool(folder)) as spool:
            ready.append(Publisher(sender, spool, link))
            started.set()
            ready[0].run()
        link.dispose()

    thread = threading.Thread(target=deliver)
    thread.start()
    assert started.wait(10)
    try:
        yield
        assert thread.is_alive()
    finally:
        ready[0].stop()
        thread.join(20)
    assert not thread.is_alive()


def until(holds: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def counts(folder: Path) -> Counts:
    with closing(Spool(folder)) as spool:
        return spool.counts()


def stored(payloads: list[bytes]) -> dict[tuple[str, int], int]:
    return {
        (load.device, load.seq): load.energy_j
        for payload in payloads
        for load in decode_batch(payload).loads
    }


@pytest.fixture
def collector(broker: Broker) -> Iterator[Collector]:
    with closing(Collector(broker, confirms)) as made:
        yield made


def test_confirmed_loads_are_forgotten(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    fill(tmp_path, 700)
    with publishing(tmp_path, broker):
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
    assert stored(collector.got) == {("pdu-a3", n + 1): n for n in range(700)}
    assert max(len(payload) for payload in collector.got) <= 64 * 1024
    assert max(len(decode_batch(payload).loads) for payload in collector.got) == 300


def test_broker_that_drops_large_messages_without_a_word_does_not_stop_the_delivery(
    tmp_path: Path, mosquitto: MakeBroker
) -> None:
    narrow = mosquitto(["message_size_limit 4096"])
    fill(tmp_path, 300)
    with closing(Collector(narrow, confirms)) as collector, publishing(tmp_path, narrow, 0.1):
        until(lambda: counts(tmp_path) == Counts(0, 0, 0), within_s=60)
    assert stored(collector.got) == {("pdu-a3", n + 1): n for n in range(300)}
    assert max(len(payload) for payload in collector.got) <= 4096


def test_loads_that_have_left_are_parted_but_never_merged(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    with closing(Spool(tmp_path)) as spool:
        outbox = Outbox(spool)
        parcel = outbox.next_parcel(NOW + 3600)
        assert parcel is not None
        assert outbox.part(parcel.number)
        halves = [outbox.next_parcel(NOW + 3600) for _ in range(3)]
        assert halves[2] is None
        sizes = [len(decode_batch(half.payload).loads) for half in halves if half is not None]
        assert sizes == [3, 3]
        assert spool.rows("SELECT DISTINCT alone FROM load") == [(HAS_LEFT,)]
        late = Answer(spool.stream, parcel.number, parcel.sha256, NOW)
        assert not outbox.confirm(late)
        assert spool.counts().waiting + spool.counts().unconfirmed > 0


@pytest.mark.parametrize(
    "says",
    [lambda payload: None, confirms_another_content, confirms_another_stream, says_nonsense],
    ids=["silent", "another-content", "another-stream", "nonsense"],
)
def test_unconfirmed_loads_stay_and_come_again_byte_for_byte(
    tmp_path: Path, broker: Broker, collector: Collector, says: Says
) -> None:
    collector.says = says
    fill(tmp_path, 5)
    with publishing(tmp_path, broker):
        until(lambda: len(collector.got) >= 3)
        assert counts(tmp_path) == Counts(5, 1, 0)
        assert len(set(collector.got)) == 1
        collector.says = confirms
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
    assert len(set(collector.got)) == 1


def test_batch_is_the_same_after_a_restart_although_loads_have_come(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    collector.says = lambda payload: None
    fill(tmp_path, 5)
    with publishing(tmp_path, broker):
        until(lambda: len(collector.got) >= 1)
    fill(tmp_path, 5)
    first = collector.got[0]
    collector.got.clear()
    collector.says = confirms
    with publishing(tmp_path, broker):
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
    assert collector.got[0] == first


def test_refused_load_is_kept_aside_and_the_others_arrive(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    collector.says = refuses_device("pdu-bad")
    fill(tmp_path, 3, "pdu-a3")
    fill(tmp_path, 1, "pdu-bad")
    fill(tmp_path, 2, "pdu-b4")
    with publishing(tmp_path, broker):
        until(lambda: counts(tmp_path) == Counts(0, 0, 1))
    accepted = [
        payload for payload in collector.got if collector.says(payload) == confirms(payload)
    ]
    expected = {("pdu-a3", 1), ("pdu-a3", 2), ("pdu-a3", 3), ("pdu-b4", 1), ("pdu-b4", 2)}
    assert set(stored(accepted)) == expected
    with closing(Spool(tmp_path)) as spool:
        assert Outbox(spool).aside() == [("pdu-bad", 1, "loads[0]: no such device")]


def test_not_more_batches_are_under_way_than_the_window(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    collector.says = lambda payload: None
    fill(tmp_path, 400, *(f"pdu-{n}" for n in range(5)))
    with publishing(tmp_path, broker):
        until(lambda: len(collector.got) >= 8)
        assert len(set(collector.got)) == 4
        assert counts(tmp_path).unconfirmed == 4


def test_broker_that_comes_back_empty_loses_nothing(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    collector.says = lambda payload: None
    fill(tmp_path, 50)
    with publishing(tmp_path, broker):
        until(lambda: len(collector.got) >= 1)
        broker.kill()
        collector.births.clear()
        for path in broker.folder.glob("*.db"):
            path.unlink()
        collector.says = confirms
        broker.start()
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
        until(lambda: collector.births.get(f"sobre/v1/{NODE}/birth/pdu-a3") == b'{"v":1}')
    assert stored(collector.got) == {("pdu-a3", n + 1): n for n in range(50)}


def test_births_are_said_again_on_every_connection(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    fill(tmp_path, 1)
    with publishing(tmp_path, broker):
        for connection in range(1, 4):
            said = f"'sobre/v1/{NODE}/birth/pdu-a3'"
            until(lambda: broker.log().count(said) >= connection)  # noqa: B023
            broker.kill()
            broker.start()


def test_without_a_broker_everything_is_kept(tmp_path: Path, broker: Broker) -> None:
    broker.stop()
    fill(tmp_path, 50)
    with publishing(tmp_path, broker):
        fill(tmp_path, 10, "pdu-b4")
    assert counts(tmp_path).waiting == 60
    broker.start()
    with closing(Collector(broker, confirms)) as collector, publishing(tmp_path, broker):
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))
    assert len(stored(collector.got)) == 60


def test_deaf_connection_is_replaced(tmp_path: Path, broker: Broker, collector: Collector) -> None:
    collector.says = lambda payload: None
    fill(tmp_path, 1)
    with publishing(tmp_path, broker, confirm_timeout_s=1.0, keepalive_s=1):
        until(lambda: broker.log().count(f"as {NODE} ") >= 2)
        collector.says = confirms
        until(lambda: counts(tmp_path) == Counts(0, 0, 0))


def test_status_says_online_and_offline(
    tmp_path: Path, broker: Broker, collector: Collector
) -> None:
    fill(tmp_path, 1)
    status = f"sobre/v1/{NODE}/status"
    with publishing(tmp_path, broker):
        until(lambda: collector.births.get(status) == b"online")
    until(lambda: collector.births.get(status) == b"offline")
