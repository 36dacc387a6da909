"""How one collector parts the work with others: what it reads, and what it tells or is told."""

from collections.abc import Callable

from sobre_collector.mqtt import BIRTHS, LOADS, SHARED_LOADS, Link
from sobre_collector.registry import Registry
from sobre_collector.snapshot import FOLDER, Announcer, Copy


class Sharing:
    """Alone: it reads all loads and births, and tells nobody anything."""

    def topics(self) -> tuple[str, ...]:
        """What to read."""
        return (LOADS, BIRTHS)

    def use(self, link: Link) -> None:
        """The connection there is."""

    def connected(self) -> None:
        """The broker is there, again or for the first time."""

    def received(self, topic: str, payload: bytes) -> bool:
        """Whether a message was for us here, and not for the intake."""
        return False

    def announce(self) -> None:
        """Something may have changed."""


class Leading(Sharing):
    """Has the ledger: it alone reads births, and tells the others which devices there are."""

    def __init__(self, registry: Registry, closed: Callable[[], set[str]]) -> None:
        self._registry, self._closed = registry, closed

    def topics(self) -> tuple[str, ...]:
        return (SHARED_LOADS, BIRTHS)

    def use(self, link: Link) -> None:
        self._announcer = Announcer(self._registry.all, self._closed, link.retain)

    def connected(self) -> None:
        self._announcer.again()
        self.announce()

    def announce(self) -> None:
        self._announcer.announce(self._registry.version)


class Following(Sharing):
    """Has no ledger: it takes loads once it was told which devices there are."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy

    def topics(self) -> tuple[str, ...]:
        return (f"{FOLDER}/#",)

    def use(self, link: Link) -> None:
        self._link = link

    def received(self, topic: str, payload: bytes) -> bool:
        if not topic.startswith(f"{FOLDER}/"):
            return False
        self._copy.take(topic, payload)
        if self._copy.complete:
            self._link.read_too(SHARED_LOADS)
        return True
