"""A meter that is looked at by a person: what it shows, and what is to be thought of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning import plausible
from sobre_drivers.meters.commissioning.plausible import Verdict
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import MeterDriver, Value
from sobre_drivers.sample import UJ_PER_KWH

if TYPE_CHECKING:
    from sobre_drivers.meters.commissioning.recorded import NotingLine

# Stands in for a power that nobody stated: more than a meter of low voltage can tell (W).
ANY_W = 1e7


class Look:
    """Nothing is connected before the first `round`; `close` hangs up."""

    def __init__(self, meter: MeterSettings, folder: Path | None) -> None:
        described = catalog.describe(meter, folder)
        self._meter, self._folder = meter, folder
        self._rated_w = {each.device: each.rated_w for each in described if each.rated_w < ANY_W}
        self.step_wh = {each.device: each.count_uj * 1000 / UJ_PER_KWH for each in described}
        self._noted: NotingLine | None = None
        self._driver = self._made()

    def round(self) -> tuple[list[Value], list[Verdict]]:
        """What it shows now, and a verdict on each value; MeterError if it is silent."""
        shown = self._driver.shown()
        turned: list[Value] = []
        if self._noted is not None:
            from sobre_drivers.meters.commissioning import recorded

            turned = recorded.turned(self._meter, self._folder, self._noted.words)
        return shown, plausible.verdicts(shown, self._rated_w, turned)

    def close(self) -> None:
        """Hang up."""
        self._driver.close()

    def _made(self) -> MeterDriver:
        path = catalog.find(self._meter.profile, self._folder)
        if catalog.about(path).protocol != "modbus":
            return catalog.driver_for(self._meter, self._folder)
        try:
            from sobre_drivers.meters.commissioning import recorded
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{self._meter.device}: {error.name} is not installed; pip install 'sobre[meters]'"
            ) from error
        driver, self._noted = recorded.noting(self._meter, self._folder)
        return driver
