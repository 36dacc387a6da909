"""The collector's connection to the broker: the only module here that knows paho.

Its callbacks only hand on what came: an exception in one would end paho's thread while it still
says "connected".
"""

import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from sobre_collector.config import Mqtt, password
from sobre_collector.intake import DROPPED
from sobre_drivers.errors import ConfigError
from sobre_drivers.topics import PREFIX

log = logging.getLogger(__name__)

LOADS, BIRTHS = f"{PREFIX}/+/load", f"{PREFIX}/+/birth/#"
SHARED_LOADS = f"$share/collector/{LOADS}"
# Our acknowledgement to the broker would say that a message came, and nobody needs to know that
# before it is stored; `confirmed` says so. Without it the broker spares us a fifth of the work.
QOS = 0
KEEPALIVE_S = 30
RECONNECT_S = (1, 60)
# Answers that the broker has not taken yet; beyond, they are dropped, and agents ask again.
MOST_IN_FLIGHT = 1_000
MOST_QUEUED = 20_000


class Link:
    """A connection that comes back by itself; `received` is called from paho's own thread.

    So is `connected`, each time that the broker lets us read `topics`.
    """

    def __init__(
        self,
        settings: Mqtt,
        received: Callable[[str, bytes], object],
        topics: Sequence[str] = (LOADS, BIRTHS),
        connected: Callable[[], object] = lambda: None,
    ) -> None:
        self._received, self._connected = received, connected
        self._topics = list(topics)
        self._asked: int | None = None
        self._host, self._port = settings.address
        self._said = ""
        self._last: MQTTMessageInfo | None = None
        # A clean session: what was not confirmed is sent again, and a collector that is gone
        # leaves no queue behind that the broker would have to keep.
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            settings.username,
            clean_session=True,
            protocol=MQTTv311,
        )
        client.username_pw_set(settings.username, password(settings))
        if settings.secure:
            client.tls_set_context(_tls(settings))
        client.max_inflight_messages_set(MOST_IN_FLIGHT)
        client.max_queued_messages_set(MOST_QUEUED)
        client.reconnect_delay_set(*RECONNECT_S)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message

    def start(self) -> None:
        """Connect, now or as soon as there is a broker."""
        self._client.connect_async(self._host, self._port, KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Hand answers to the broker; one that is lost is asked for again."""
        for topic, payload in messages:
            self._last = self._client.publish(topic, payload, qos=1)

    def retain(self, topic: str, payload: bytes) -> None:
        """Publish what the broker keeps for whoever comes later."""
        self._client.publish(topic, payload, qos=1, retain=True)

    def read_too(self, topic: str) -> None:
        """Read one topic more, from now on."""
        if topic not in self._topics:
            self._topics.append(topic)
            if self._client.is_connected():
                self._client.subscribe(topic, QOS)

    def stop(self, within_s: float = 2.0) -> None:
        """Let the last answers go out, and disconnect."""
        if self._last is not None and self._client.is_connected():
            try:
                self._last.wait_for_publish(within_s)
            except (RuntimeError, ValueError) as error:
                log.debug("the last answer was not taken: %s", error)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, _: Any, __: Any, code: Any, ___: Any) -> None:
        if code.is_failure:
            self._say(f"refuses us: {code}; see user name, password and certificate")
        else:
            self._asked = client.subscribe([(topic, QOS) for topic in self._topics])[1]
            # By itself, since other brokers may not have it, or not let us read it.
            client.subscribe(DROPPED, QOS)

    def _on_subscribe(self, _: Client, __: Any, number: int, codes: Any, ___: Any) -> None:
        if number != self._asked:
            return
        if any(code.is_failure for code in codes):
            self._say("does not let us read loads and births; see its access list")
            return
        self._said = ""
        log.info("broker %s:%s: connected", self._host, self._port)
        self._connected()

    def _on_disconnect(self, _: Client, __: Any, ___: Any, code: Any, ____: Any) -> None:
        if code.is_failure:
            self._say(f"connection lost: {code}")

    def _on_connect_fail(self, _: Client, __: Any) -> None:
        self._say("does not answer; it is tried again")

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._received(topic, bytes(message.payload))

    def _say(self, finding: str) -> None:
        # Reconnecting meets the same finding again and again: it is told once.
        if finding != self._said:
            log.warning("broker %s:%s: %s", self._host, self._port, finding)
        self._said = finding


def _tls(settings: Mqtt) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate_file is not None:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"mqtt: certificates cannot be used ({error}); see ca_file, certificate_file, key_file"
        ) from error
    return context
