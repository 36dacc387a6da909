"""Plugs that publish by themselves on a broker."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import web
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.meters.plugs.polled import values
from sobre_drivers.meters.plugs.subscription import Heard, Subscription
from sobre_drivers.sample import GAP_PERIODS, Described, Reading

Meaning = Callable[[Mapping[str, Any]], Figures]


class PublishedPlug:
    """Reads each message once: one that comes again and again would be a power that never ends."""

    def __init__(
        self,
        described: Described,
        subscription: Subscription,
        topic: str,
        silent_s: float,
        meaning: Meaning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = described.device
        self._described = described
        self._subscription = subscription
        self._topic = topic
        self._old_s = GAP_PERIODS * silent_s
        self._meaning = meaning
        self._clock = clock
        self._taken: Heard | None = None
        subscription.listen(topic)

    def describe(self) -> Sequence[Described]:
        """The plug."""
        return (self._described,)

    def read(self) -> Sequence[Reading]:
        """What it said since the last round, if anything; MeterError if it is silent too long."""
        try:
            heard = self._subscription.heard(self._topic)
            since_s = self._subscription.since_s(self._topic) if heard is None else heard.at_s
            silent_s = self._clock() - since_s
            if silent_s > self._old_s:
                raise MeterError(
                    f"says nothing for {silent_s / 60:.0f} min; is it plugged in, and the topic "
                    "right? (A retained message is no word of its own.)"
                )
            if heard is None or heard is self._taken:
                return ()
            self._taken = heard
            said = self._figures(heard)
        except MeterError as error:
            raise MeterError(f"{self._subject}: {error}") from error
        return (Reading(self.name, said.register_uj, said.power_w, said.serial),)

    def shown(self) -> list[Value]:
        """Power and energy, as it says them next."""
        try:
            heard = self._subscription.awaited(self._topic)
            if heard is None:
                raise MeterError(
                    "says nothing while we wait; is the topic right? One that speaks each minute "
                    "needs a timeout_s above 60"
                )
            return values(self.name, self._figures(heard))
        except MeterError as error:
            raise MeterError(f"{self._subject}: {error}") from error

    def close(self) -> None:
        """Hang up."""
        self._subscription.close()

    def _figures(self, heard: Heard) -> Figures:
        return self._meaning(web.json_object(heard.payload))

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._topic} on {self._subscription.where})"
