"""The connection to the broker: the only module that knows paho.

One thread owns it and sleeps in `select` until there is something to do. Paho's own threads wake
every second, and an exception in one of its callbacks ends them while they still say "connected";
here callbacks only note what came.
"""

import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from sobre_agent.config import Mqtt

CONNECT_TIMEOUT_S = 30.0
GOODBYE_S = 2.0
# A read that finds nothing costs little; a probe that comes late costs the connection.
MISC_PER_KEEPALIVE = 4


@dataclass(frozen=True, slots=True)
class Message:
    """What came in."""

    topic: str
    payload: bytes


class Link:
    """A connection of `node`; each `open` is a new one with nothing left of the last.

    `will` is a topic and what the broker says there, retained, if the connection breaks. Everything
    raises ConnectionError when the broker cannot be reached, refuses, or is gone.
    """

    def __init__(
        self,
        settings: Mqtt,
        node: str,
        topics: Sequence[str],
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self._settings, self._node, self._topics, self._will = settings, node, topics, will
        self._inbox: deque[Message] = deque()
        self._problem: str | None = None
        self._ready = False
        self._client: Client | None = None
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)

    def open(self, seconds: float = CONNECT_TIMEOUT_S) -> None:
        """Connect and subscribe."""
        self.close()
        self._inbox.clear()
        self._problem, self._ready = None, False
        settings = self._settings
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, self._node, clean_session=True, protocol=MQTTv311
        )
        client.connect_timeout = seconds
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        try:
            if settings.encrypted:
                client.tls_set_context(tls_context(settings))
            if settings.password_file is not None or settings.username:
                client.username_pw_set(settings.username or self._node, password(settings))
            client.connect(settings.host, settings.tcp_port, settings.keepalive_s)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise ConnectionError(f"{self._broker}: {why}") from error
        deadline_s = time.monotonic() + seconds
        while not self._ready:
            if time.monotonic() > deadline_s:
                raise ConnectionError(f"{self._broker}: does not answer")
            self._turn(1.0)

    def publish(self, topic: str, payload: bytes, retain: bool = False, qos: int = 1) -> None:
        """Hand a message to the broker; it says nothing of whether it arrived."""
        if self._client is None:
            raise ConnectionError(f"{self._broker}: not connected")
        self._client.publish(topic, payload, qos=qos, retain=retain)

    def wait(self, timeout_s: float) -> list[Message]:
        """What came within `timeout_s`; returns early when something came or `wake` was called."""
        self._turn(min(timeout_s, self._settings.keepalive_s / MISC_PER_KEEPALIVE))
        came = list(self._inbox)
        self._inbox.clear()
        return came

    def pause(self, timeout_s: float) -> None:
        """Wait without a connection; returns early when `wake` was called."""
        self._select([self._woken], [], timeout_s)

    def wake(self) -> None:
        """End a `wait` or `pause`; may be called from any thread."""
        # A full buffer wakes as well; a disposed link has nobody to wake.
        with suppress(OSError):
            self._waker.send(b"!")

    def close(self) -> None:
        """Say goodbye, so that no will is published."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(OSError, ValueError):
            while client.want_write() and _writable(client):
                client.loop_write()
            client.disconnect()
            client.loop_write()

    def dispose(self) -> None:
        """Close for good."""
        self.close()
        self._waker.close()
        self._woken.close()

    @property
    def _broker(self) -> str:
        return f"{self._settings.host}:{self._settings.tcp_port}"

    def _turn(self, timeout_s: float) -> None:
        client = self._client
        wire = None if client is None else client.socket()
        if client is None or wire is None:
            raise ConnectionError(f"{self._broker}: the connection is gone")
        writing = [wire] if client.want_write() else []
        # TLS may hold decrypted bytes that `select` does not see.
        held = isinstance(wire, ssl.SSLSocket) and wire.pending() > 0
        self._select([wire, self._woken], writing, 0.0 if held else timeout_s)
        outcomes = (client.loop_read(), client.loop_write(), client.loop_misc())
        lost = next((o for o in outcomes if o is not MQTTErrorCode.MQTT_ERR_SUCCESS), None)
        if self._problem or lost is not None:
            raise ConnectionError(f"{self._broker}: {self._problem or 'the connection was lost'}")

    def _select(self, reading: list[Any], writing: list[Any], timeout_s: float) -> None:
        readable, _, _ = select.select(reading, writing, [], max(0.0, timeout_s))
        if self._woken in readable:
            with suppress(BlockingIOError):
                while self._woken.recv(4096):
                    pass

    def _on_connect(self, client: Client, _: Any, __: Any, code: Any, ___: Any) -> None:
        if code.is_failure:
            self._problem = f"refused: {code}; see user name, password and certificate"
        elif self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            self._ready = True

    def _on_subscribe(self, _: Client, __: Any, ___: int, codes: Any, ____: Any) -> None:
        if any(code.is_failure for code in codes):
            self._problem = "may not read its own answers; see the broker's access list"
        self._ready = True

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        self._inbox.append(Message(message.topic, bytes(message.payload)))


def tls_context(settings: Mqtt) -> ssl.SSLContext:
    """TLS 1.2 at least, the broker's name checked, with our certificate if there is one."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate_file is not None:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    return context


def _writable(client: Client) -> bool:
    wire = client.socket()
    return wire is not None and bool(select.select([], [wire], [], GOODBYE_S)[1])


def password(settings: Mqtt) -> str | None:
    """The password in its file, without the line's end; None if there is no such file set."""
    file: Path | None = settings.password_file
    return None if file is None else file.read_text("utf-8").rstrip("\r\n")
