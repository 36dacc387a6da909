"""Many nodes behind one connection: sends single-load messages and waits for every `confirmed`.

`python -m bench.sender PORT COUNT RATE`: births and a first load of each node come before, and are
not counted. RATE 0 sends as fast as confirmations allow. It says "warm", goes on when it is told to
by a line on standard input, and then says how many were confirmed and in how many seconds.
"""

import sys
import time
from collections.abc import Callable
from threading import Semaphore
from typing import Any
from uuid import UUID

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from sobre_drivers import birth
from sobre_drivers.birth import Birth
from sobre_drivers.load import Load, Origin
from sobre_drivers.topics import topic
from sobre_drivers.wire import Batch, encode_batch

NODES = 1_000
# Of a saturated collector, so many messages wait at most: brokers drop what is more than 10,000.
MOST_OPEN = 5_000
TICK_S = 0.02
WITHIN_S = 240.0
MINUTE_J = 6_000


class Sender:
    """Counts the answers to what it sends."""

    def __init__(self, port: int) -> None:
        self.confirmed = 0
        self.room = Semaphore(MOST_OPEN)
        self.client = client = Client(CallbackAPIVersion.VERSION2, "sender")
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        client.on_message = self._heard
        subscribed: list[bool] = []
        client.on_subscribe = lambda *_: subscribed.append(True)
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe("sobre/v1/+/confirmed", 1)
        self._until(lambda: bool(subscribed))

    def _heard(self, *_: Any) -> None:
        self.confirmed += 1
        self.room.release()

    def send(self, messages: list[tuple[str, bytes]], rate: float) -> tuple[int, float]:
        """How many of the messages were confirmed, and the seconds until the last one was."""
        before, begun_s = self.confirmed, time.monotonic()
        for n, (name, payload) in enumerate(messages):
            if rate:
                ahead_s = begun_s + n / rate - time.monotonic()
                # A sleep for each message would cost more than the message.
                if ahead_s > TICK_S:
                    time.sleep(ahead_s)
            else:
                self.room.acquire(timeout=WITHIN_S)
            self.client.publish(name, payload, qos=1)
        self._until(lambda: self.confirmed - before >= len(messages))
        return self.confirmed - before, time.monotonic() - begun_s

    def _until(self, met: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + WITHIN_S
        while not met() and time.monotonic() < deadline_s:
            time.sleep(0.005)


def births() -> list[tuple[str, bytes]]:
    """Each node is one meter."""
    said = birth.encode(
        Birth("server", "ville", "salle", "modbus", Origin.MEASURED, 2_000.0, 0.01, "0")
    )
    return [(topic(_node(n), "birth", _node(n)), said) for n in range(NODES)]


def loads(first: int, count: int, now: int) -> list[tuple[str, bytes]]:
    """Single-load messages of all nodes in turn, from each one's load `first` on."""
    made = []
    for n in range(count):
        node, seq = _node(n % NODES), first + n // NODES
        end = now - 86_400 + 60 * seq
        load = Load(node, seq, end, 60, MINUTE_J, MINUTE_J * seq, Origin.MEASURED)
        payload = encode_batch(Batch(str(UUID(int=n % NODES + 1)), seq, (load,)))
        made.append((topic(node, "load"), payload))
    return made


def _node(n: int) -> str:
    return f"meter-{n:04}"


def main(port: int, count: int, rate: float) -> None:
    now = int(time.time()) // 60 * 60
    sender = Sender(port)
    measured = loads(2, count, now)
    for name, payload in births():
        sender.client.publish(name, payload, qos=1)
    warm, _ = sender.send(loads(1, NODES, now), 500.0)
    print(f"warm {warm}", flush=True)
    sys.stdin.readline()
    sender.room = Semaphore(MOST_OPEN)
    confirmed, seconds = sender.send(measured, rate)
    print(f"{confirmed} {seconds}", flush=True)
    sender.client.disconnect()
    sender.client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
