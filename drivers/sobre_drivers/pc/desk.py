"""The screens of one PC as devices: `pc-…/screen-1` and so on, never inside the PC's own figure."""

import logging
from collections.abc import Sequence
from pathlib import Path

from sobre_drivers import settings
from sobre_drivers.errors import MeterError
from sobre_drivers.load import Origin
from sobre_drivers.pc.parameters import FOLDER
from sobre_drivers.pc.screens import Screen, ScreenModel, seen
from sobre_drivers.sample import Described, Reading

log = logging.getLogger(__name__)


class Desk:
    """Screens beside a PC; they are counted by how many there are, not by which they are."""

    def __init__(self, device: str, root: Path, platform: str) -> None:
        self._model = settings.load(FOLDER / "monitor.toml", ScreenModel, {})
        self._device, self._ask = device, seen(root, platform)
        self._most = 0
        self.reason: str | None = None

    def describe(self) -> list[Described]:
        """Each screen that was ever seen; none where the system does not tell."""
        self._most = max(self._most, len(self._screens()))
        return [
            Described(
                device=f"{self._device}/screen-{number + 1}",
                device_class="monitor",
                rated_w=self._model.rated_w,
                method=f"screen, model {self._model.version}",
                origin=Origin.ESTIMATED,
                uncertainty_ratio=self._model.uncertainty_ratio,
                off_w=self._model.off_w,
                sleep_w=self._model.sleep_w,
                own=True,
            )
            for number in range(self._most)
        ]

    def read(self) -> list[Reading]:
        """Power (W) and state of each; one that vanished was switched off, and draws that."""
        screens = self._screens()
        if self.reason is not None:
            return []
        self._most = max(self._most, len(screens))
        found = []
        for number in range(self._most):
            screen = screens[number] if number < len(screens) else None
            power_w = self._model.off_w if screen is None else self._model.power_w(screen)
            state = "off" if screen is None else "on" if screen.lit else "sleep"
            name = f"{self._device}/screen-{number + 1}"
            found.append(Reading(name, power_w=power_w, state=state))
        return found

    def _screens(self) -> Sequence[Screen]:
        try:
            screens = self._ask()
        except (MeterError, OSError) as error:
            if self.reason is None:
                log.debug("screens: %s", error)
            self.reason = str(error)
            return ()
        self.reason = None
        return screens
