"""A real `sobre collect` process, and a node that sends until it is confirmed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from intake_house import Message
from services.mosquitto import Broker
from sobre_drivers.wire import decode_answer, digest

WITHIN_S = 30.0


def until(met: Callable[[], bool], what: str) -> None:
    """Wait for something, but not for ever."""
    deadline_s = time.monotonic() + WITHIN_S
    while not met():
        assert time.monotonic() < deadline_s, f"not in {WITHIN_S:g} s: {what}"
        time.sleep(0.01)


class Collector:
    """A collector process on a data folder; use it as a context, so that it ends."""

    def __init__(
        self,
        folder: Path,
        port: int,
        crash_at: str = "",
        settings: str = "",
        program: Sequence[str] = ("-m", "sobre_collector", "collect"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "collector.toml"
        self.config.write_text(settings or f'data = "data"\n[mqtt]\nport = {port}\n')
        self._program = program
        self.data = folder / "data"
        self._log = folder / "collector.log"
        self._environment = {**os.environ, "SOBRE_CRASH_AT": crash_at, **(environment or {})}

    def __enter__(self) -> "Collector":
        self._begins = len(self.log()) if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._program, "--config", str(self.config)],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return self._log.read_text()

    def connected(self) -> None:
        """Wait until it takes loads in."""
        until(lambda: ": connected" in self.log()[self._begins :], "connected")

    def kill(self) -> None:
        """As a power cut."""
        self.process.kill()
        self.process.wait()

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(WITHIN_S)

    def stop(self) -> int:
        """SIGTERM once it takes loads in; its exit code."""
        self.connected()
        self.process.send_signal(signal.SIGTERM)
        return self.ended()


class Node:
    """An agent in short: it publishes, and notes what was confirmed or refused."""

    def __init__(self, broker: Broker, name: str) -> None:
        self.answers: dict[str, str | None] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, f"test-{name}")
        self._client.on_message = self._on_message
        subscribed: list[bool] = []
        self._client.on_subscribe = lambda *_: subscribed.append(True)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        answers = [(f"sobre/v1/{name}/{kind}", 1) for kind in ("confirmed", "refused")]
        self._client.subscribe(answers)
        until(lambda: bool(subscribed), "subscribed")

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(
        self, messages: Sequence[Message], retain: bool = False, taken: bool = False
    ) -> None:
        """Send; with `taken`, until the broker has them."""
        sent = [self._client.publish(*message, qos=1, retain=retain) for message in messages]
        if taken:
            sent[-1].wait_for_publish(WITHIN_S)

    def open(self, messages: Sequence[Message]) -> list[Message]:
        """Those that were not answered."""
        return [message for message in messages if digest(message[1]) not in self.answers]

    def any_of(self, messages: Sequence[Message]) -> bool:
        """Whether one of them was answered."""
        return len(self.open(messages)) < len(messages)

    def deliver(self, messages: Sequence[Message]) -> None:
        """Send, and send again, until everything is answered."""
        deadline_s = time.monotonic() + WITHIN_S
        while left := self.open(messages):
            assert time.monotonic() < deadline_s, f"{len(left)} messages were never answered"
            self.publish(left)
            again_s = time.monotonic() + 1.0
            while self.open(left) and time.monotonic() < again_s:
                time.sleep(0.01)

    def _on_message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        answer = decode_answer(bytes(message.payload))
        self.answers[answer.sha256] = answer.reason
