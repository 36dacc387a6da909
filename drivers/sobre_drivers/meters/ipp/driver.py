"""Reads a printer by IPP: one question a round, and none while it should be left alone."""

import logging
from collections.abc import Sequence
from time import monotonic

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.ipp import meaning
from sobre_drivers.meters.ipp.client import Client
from sobre_drivers.meters.ipp.meaning import Seen
from sobre_drivers.meters.ipp.profile import Profile
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.patience import Patience
from sobre_drivers.sample import Described, Reading

log = logging.getLogger(__name__)


class IppDriver:
    """One printer. What it says of the time of its last change makes the mean power exact."""

    def __init__(
        self, name: str, client: Client, profile: Profile, about: Sequence[Described]
    ) -> None:
        self.name = name
        self._client = client
        self._profile = profile
        self._about = about
        self._patience = Patience()
        self._last: tuple[float, Seen] | None = None

    def describe(self) -> Sequence[Described]:
        """The printer."""
        return self._about

    def read(self) -> Sequence[Reading]:
        """What the printer shows; nothing while it is left alone. MeterError if it is silent."""
        if self._patience.rests():
            return []
        try:
            now = self._seen()
        except MeterError:
            self._patience.note(None, None)
            self._last = None
            raise
        before, at_s = self._last, monotonic()
        self._last = (at_s, now)
        kept_awake = self._patience.keeps_awake
        self._patience.note(now.state, now.pages)
        if self._patience.keeps_awake and not kept_awake:
            log.warning(
                "%s: it sleeps when it is left alone, and not while it is asked; from now on it "
                "is hardly asked; set sample_s above its delay until sleep",
                self._subject,
            )
        mean_w = None
        if before is not None and self._profile.power_w is not None:
            mean_w = meaning.mean_w(self._profile, before[1].state, now, at_s - before[0])
        return [self._reading(now, mean_w, before)]

    def shown(self) -> list[Value]:
        """All that is known of the printer, for people to read; MeterError as for `read`."""
        now = self._seen()
        power_w = meaning.typical_w(self._profile, now.state)
        kwh = None if now.register_uj is None else now.register_uj / 3.6e12
        pages = None if now.pages is None else float(now.pages)
        return [
            Value(self.name, "state", now.state, ""),
            Value(self.name, "since", now.since_s, "s"),
            Value(self.name, "pages", pages, self._profile.pages),
            Value(self.name, "power", now.power_w if power_w is None else power_w, "W"),
            Value(self.name, "energy", kwh, "kWh"),
            Value(self.name, "serial", now.serial, ""),
        ]

    def close(self) -> None:
        """Nothing is kept open."""

    def _seen(self) -> Seen:
        try:
            answer = self._client.ask(meaning.wanted(self._profile))
        except MeterError as error:
            raise MeterError(f"{self._subject}: {error}") from error
        if meaning.STATE not in answer.printer:
            raise MeterError(f"{self._subject}: it does not say its state; is it a printer?")
        return meaning.seen(self._profile, answer.printer)

    def _reading(
        self, now: Seen, mean_w: float | None, before: tuple[float, Seen] | None
    ) -> Reading:
        known = before is not None and None not in (before[1].serial, now.serial)
        replaced = known and before is not None and before[1].serial != now.serial
        if replaced:
            log.warning("%s: another printer answers; its pages are counted anew", self._subject)
        power_w = meaning.typical_w(self._profile, now.state) if mean_w is None else mean_w
        return Reading(
            self.name,
            register_uj=now.register_uj,
            power_w=now.power_w if self._profile.power_w is None else power_w,
            serial=now.serial,
            state=now.state,
            pages=None if replaced else now.pages,
            mean=mean_w is not None,
        )

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._client.where})"
