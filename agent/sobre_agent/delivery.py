"""Puts the delivery together: a thread beside the sampling, or a process that comes and goes.

A PC connects for seconds a day. MQTT and TLS weigh 10 MB that a Python process cannot give back, so
there the delivery is a process of its own: `python -m sobre_agent.delivery CONFIG`.
"""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType

from sobre_agent import config as agent_config
from sobre_agent.config import AgentConfig
from sobre_agent.lock import held
from sobre_agent.mqtt import Link
from sobre_agent.publisher import Publisher, Sender, topics
from sobre_agent.sources import node_of
from sobre_agent.spool import Spool
from sobre_drivers.errors import SobreError
from sobre_drivers.topics import topic

# A delivery that takes longer is broken off and planned anew: it must not outlive its day.
LONGEST_S = 900.0
STOP_WITHIN_S = 10.0
LOCK = "delivery.lock"

log = logging.getLogger(__name__)


class Delivering:
    """Delivers in a thread of its own while loads close; `ended` is called if it cannot go on."""

    def __init__(
        self, config: AgentConfig, node: str, tells_status: bool, ended: Callable[[], None]
    ) -> None:
        self._config, self._node, self._tells_status = config, node, tells_status
        self._ended = ended
        self._link = _link(config, node, tells_status)
        self._publisher: Publisher | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._deliver, name="delivery", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that loads have closed."""
        self._link.wake()

    def tell(self, live: bytes) -> None:
        """Say what is seen now, if there is a connection."""
        if self._publisher is not None:
            self._publisher.tell(live)

    def stop(self) -> None:
        """Hang up and wait for it."""
        self._stopping = True
        if self._publisher is not None:
            self._publisher.stop()
        self._thread.join(STOP_WITHIN_S)

    def _deliver(self) -> None:
        config = self._config
        try:
            with (
                held(config.spool.folder / LOCK, "a delivery"),
                closing(Spool(config.spool.folder, None)) as spool,
            ):
                sender = _sender(config, self._node, self._tells_status)
                self._publisher = Publisher(sender, spool, self._link)
                if not self._stopping:
                    self._publisher.run()
        except SobreError as error:
            log.error("%s", error)
        finally:
            self._link.dispose()
            if not self._stopping:
                self._ended()


def main(path: Path) -> int:
    """Deliver what waits, once. Exit code 0: nothing is left; 1: some is; 2: configuration."""
    config = agent_config.load(path)
    node = node_of(config)
    with (
        held(config.spool.folder / LOCK, "a delivery"),
        closing(Spool(config.spool.folder, None)) as spool,
    ):
        link = _link(config, node)
        publisher = Publisher(_sender(config, node), spool, link)

        def stop(_: int, __: FrameType | None) -> None:
            publisher.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        return 0 if publisher.drain(LONGEST_S) else 1


def _sender(config: AgentConfig, node: str, tells_status: bool = False) -> Sender:
    return Sender(node, config.window, config.delivery, config.mqtt.keepalive_s, tells_status)


def _link(config: AgentConfig, node: str, tells_status: bool = False) -> Link:
    will = (topic(node, "status"), b"offline") if tells_status else None
    return Link(config.mqtt, node, topics(node), will)


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level="INFO")
    try:
        sys.exit(main(Path(sys.argv[1])))
    except SobreError as error:
        log.error("%s", error)
        sys.exit(1)
