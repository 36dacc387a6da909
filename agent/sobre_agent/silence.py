"""Says once that a meter fell silent, or one of its devices, and once that it is back.

What says nothing is never 0 W; but nobody would look for a hole that no line tells of.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sobre_agent.schedule import Round
from sobre_agent.sources import HERE
from sobre_drivers.sample import Instant, Reading

# A device that answers without a value in so many rounds in a row is said to.
ROUNDS = 3

_NOTHING = "says no value; does the meter measure it, and is it switched on?"
_NO_REGISTER = (
    "no longer says its register; nothing is booked until it does, compare the meter's display"
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Mute:
    """A device that answers and lacks something: since when, and in how many rounds."""

    at: Instant
    rounds: int = 0


class Silence:
    """What is silent now, of sources and of the devices behind them."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._since: dict[str, Instant] = {}
        self._mute: dict[str, _Mute] = {}
        self._counted: set[str] = set()

    def note(self, heard: Round) -> None:
        """Compare a round with those before it."""
        name, at = heard.source.name, heard.at
        since = self._since.get(name)
        if heard.problem is not None and since is None:
            self._since[name] = at
            log.warning("%s silent since %s: %s", name, self._clock(at), heard.problem)
        elif heard.problem is None and since is not None:
            del self._since[name]
            log.info("%s back after %.0f min", name, (at.boot_s - since.boot_s) / 60)
        # This machine says of itself what it cannot see.
        if heard.source.address != HERE:
            self._note_devices(heard.readings, at)

    def _note_devices(self, readings: Iterable[Reading], at: Instant) -> None:
        begun: dict[str, list[str]] = {}
        for reading in readings:
            lacks = self._lacks(reading)
            if lacks is None:
                mute = self._mute.pop(reading.device, None)
                if mute is not None and mute.rounds >= ROUNDS:
                    minutes = (at.boot_s - mute.at.boot_s) / 60
                    log.info("%s says its values again after %.0f min", reading.device, minutes)
                continue
            mute = self._mute.setdefault(reading.device, _Mute(at))
            mute.rounds += 1
            if mute.rounds == ROUNDS:
                begun.setdefault(lacks, []).append(reading.device)
        for lacks, devices in begun.items():
            more = f" (and {len(devices) - 1} more)" if len(devices) > 1 else ""
            log.warning("%s%s %s", devices[0], more, lacks)

    def _lacks(self, reading: Reading) -> str | None:
        """What a device should say and does not; None if it says what it can."""
        if reading.register_uj is not None:
            self._counted.add(reading.device)
            return None
        if reading.device in self._counted:
            return _NO_REGISTER
        said = (reading.power_w, reading.state, reading.pages)
        return _NOTHING if all(each is None for each in said) else None

    def _clock(self, at: Instant) -> str:
        return datetime.fromtimestamp(at.wall_s, tz=UTC).astimezone(self._zone).strftime("%H:%M")
