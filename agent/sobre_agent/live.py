"""The live figures of this agent's devices: in one file for `sobre up` on the same machine, and as
messages for whoever listens to a reader of meters."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sobre_agent.books import Books
from sobre_agent.schedule import Round
from sobre_agent.spool import Spool
from sobre_drivers.calendar import local_day
from sobre_drivers.errors import StoreError
from sobre_drivers.load import personal
from sobre_drivers.sample import UJ_PER_J, Reading, Sample

log = logging.getLogger(__name__)


class Powers:
    """The last power of each device (W); None where it says nothing now."""

    def __init__(self) -> None:
        self.by_device: dict[str, float | None] = {}
        self._last: dict[str, Sample] = {}

    def take(self, heard: Round) -> None:
        """Take a round in."""
        for reading in heard.readings:
            sample = Sample(heard.at, reading)
            self.by_device[reading.device] = _power_w(self._last.get(reading.device), sample)
            self._last[reading.device] = sample
        if heard.problem is not None:
            for described in heard.source.driver.describe():
                self.by_device[described.device] = None


class Teller:
    """Hands each round's figures to `tell` as a message; nothing of what is a person's."""

    def __init__(self, books: Books, tell: Callable[[bytes], None]) -> None:
        self._books, self._tell, self._powers = books, tell, Powers()

    def show(self, heard: Round) -> None:
        """Take a round in and tell it."""
        self._powers.take(heard)
        seen = [
            (reading.device, self._powers.by_device[reading.device], self._books.total_j(device))
            for reading in heard.readings
            if (device := reading.device) in self._books.described
            and not personal(self._books.described[device].device_class)
        ]
        if seen:
            from sobre_drivers.wire import encode_live

            self._tell(encode_live(int(heard.at.wall_s), seen))


class Live:
    """Written at each round: the last power of each device (W) and its energy today (J)."""

    def __init__(self, path: Path, node: str, zone: ZoneInfo, books: Books, spool: Spool) -> None:
        self._path, self._node, self._zone = path, node, zone
        self._books, self._spool = books, spool
        self._powers = Powers()
        self._failed = False

    def show(self, heard: Round) -> None:
        """Take a round in and write the file; one that cannot be written is said once."""
        self._powers.take(heard)
        try:
            _replace(self._path, self._figures(heard.at.wall_s))
        except (OSError, StoreError) as error:
            if not self._failed:
                log.warning("%s: %s; live figures are not shown", self._path, error)
            self._failed = True
            return
        self._failed = False

    def _figures(self, wall_s: float) -> Mapping[str, Any]:
        day = local_day(wall_s, self._zone).isoformat()
        today_j = {total.device: total.energy_j for total in self._spool.history(day, day)}
        counts = self._spool.counts()
        devices = [
            {
                "device": device,
                "power_w": self._powers.by_device.get(device),
                "method": described.method,
                "origin": described.origin.value,
                "uncertainty_ratio": described.uncertainty_ratio,
                "energy_today_j": today_j.get(device, 0) + self._books.open_j(device),
            }
            for device, described in self._books.described.items()
        ]
        spool = {"waiting": counts.waiting, "unconfirmed": counts.unconfirmed}
        return {"time": int(wall_s), "node": self._node, "devices": devices, "spool": spool}


def _power_w(before: Sample | None, now: Sample) -> float | None:
    """Power now (W); where a meter only counts, the mean since it was last asked."""
    power_w = now.reading.power_w
    if power_w is not None or before is None:
        return power_w
    counted_uj = _counted_uj(before.reading, now.reading)
    span_s = now.at.mono_s - before.at.mono_s
    return None if counted_uj is None or span_s <= 0 else counted_uj / UJ_PER_J / span_s


def _counted_uj(before: Reading, now: Reading) -> int | None:
    if before.register_uj is None or now.register_uj is None:
        return None
    return now.register_uj - before.register_uj if now.register_uj >= before.register_uj else None


def _replace(path: Path, figures: Mapping[str, Any]) -> None:
    """Readers see the old file or the new one, never half of it."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(figures), "utf-8")
    new.replace(path)
