"""What plugs publish on a broker. Only this module of the drivers knows paho.

A retained message is as old as nobody knows: what a broker kept is dropped, and the plug's next own
word is waited for.
"""

import threading
import time
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import web
from sobre_drivers.meters.configured import Login

PORT, TLS_PORT = 1883, 8883
KEEPALIVE_S = 60
LONGEST_RETRY_S = 60
MAX_PAYLOAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Heard:
    """The last message of a topic, and when it came (s, on the monotonic clock)."""

    payload: bytes
    at_s: float


class Subscription:
    """One connection for all plugs on a broker; it is made, and made again, by itself."""

    def __init__(self, host: str, port: int | None, login: Login, timeout_s: float) -> None:
        self._host, self._login, self._timeout_s = host, login, timeout_s
        self._port = port or (TLS_PORT if login.ca_file else PORT)
        self.where = f"{host}:{self._port}"
        self._changed = threading.Condition()
        self._topics: dict[str, float] = {}
        self._heard: dict[str, Heard] = {}
        self._asked: dict[int, list[str]] = {}
        self._refused: set[str] = set()
        self._problem: str | None = None
        self._ready = False
        self._client: Client | None = None

    def listen(self, topic: str) -> None:
        """Listen to a topic, from the next `heard` on at the latest."""
        with self._changed:
            self._topics.setdefault(topic, time.monotonic())
            if self._client is not None:
                self._subscribe(self._client, [topic])

    def heard(self, topic: str) -> Heard | None:
        """The last message of a topic; None if none came yet.

        MeterError while there is no connection, whatever was heard before.
        """
        self._connected(topic)
        with self._changed:
            return self._heard.get(topic)

    def awaited(self, topic: str) -> Heard | None:
        """The same, after waiting for one for a while."""
        self._connected(topic)
        with self._changed:
            self._changed.wait_for(lambda: topic in self._heard, self._timeout_s)
            return self._heard.get(topic)

    def following(self, topic: str, before: Heard | None, wait_s: float) -> Heard | None:
        """The message of a topic after `before`; None if none comes within `wait_s`."""
        self._connected(topic)
        with self._changed:
            self._changed.wait_for(lambda: self._heard.get(topic) is not before, wait_s)
            heard = self._heard.get(topic)
            return None if heard is before else heard

    def since_s(self, topic: str) -> float:
        """Since when (s, monotonic) the topic is listened to."""
        with self._changed:
            return self._topics[topic]

    def close(self) -> None:
        """Hang up and forget; the next `heard` connects again."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
        with self._changed:
            self._ready, self._problem = False, None
            self._heard.clear()

    def _connected(self, topic: str) -> None:
        if self._client is None:
            self._client = self._started()
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._problem, self._timeout_s)
            if not self._ready:
                raise MeterError(self._problem or f"no answer within {self._timeout_s:g} s")
            if topic in self._refused:
                raise MeterError("the broker does not let us read it; see its access list")

    def _started(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, clean_session=True, protocol=MQTTv311)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.reconnect_delay_set(1, LONGEST_RETRY_S)
        client.connect_timeout = self._timeout_s
        if self._login.ca_file is not None or self._port == TLS_PORT:
            client.tls_set_context(web.tls_context(self._login.ca_file))
        if self._login.username:
            client.username_pw_set(self._login.username, web.password(self._login.password_file))
        with self._changed:
            now_s = time.monotonic()
            self._topics = dict.fromkeys(self._topics, now_s)
        client.connect_async(self._host, self._port, KEEPALIVE_S)
        client.loop_start()
        return client

    def _on_connect(self, client: Client, _: Any, __: Any, code: Any, ___: Any) -> None:
        if code.is_failure:
            self._say(f"the broker refuses: {code}; see login")
            return
        with self._changed:
            self._asked.clear()
            self._subscribe(client, list(self._topics))

    def _on_connect_fail(self, _: Client, __: Any) -> None:
        self._say("the broker cannot be reached; check host, port, network and login.ca_file")

    def _on_disconnect(self, _: Client, __: Any, ___: Any, code: Any, ____: Any) -> None:
        if self._problem is None:
            self._say(f"the connection to the broker was lost ({code}); it is made again")

    def _subscribe(self, client: Client, topics: list[str]) -> None:
        _, number = client.subscribe([(topic, 0) for topic in topics])
        if number is not None:
            self._asked[number] = topics

    def _on_subscribe(self, _: Client, __: Any, number: int, codes: Any, ____: Any) -> None:
        with self._changed:
            for topic, code in zip(self._asked.pop(number, ()), codes, strict=False):
                (self._refused.add if code.is_failure else self._refused.discard)(topic)
            self._ready, self._problem = True, None
            self._changed.notify_all()

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        if message.retain or len(message.payload) > MAX_PAYLOAD:
            return
        with self._changed:
            self._heard[message.topic] = Heard(bytes(message.payload), time.monotonic())
            self._changed.notify_all()

    def _say(self, problem: str) -> None:
        with self._changed:
            self._ready, self._problem = False, problem
            self._changed.notify_all()
