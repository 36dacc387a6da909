"""What a profile says of a plug beyond its model: how it counts, and how often it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings, require
from sobre_drivers.meters.kind import Own
from sobre_drivers.meters.model import Model
from sobre_drivers.sample import UJ_PER_KWH, Described

UJ_PER_WH = UJ_PER_KWH // 1000
UJ_PER_WS = 1_000_000


class Figures(NamedTuple):
    """What a plug says of one outlet: power (W), register (µJ); None: not said."""

    power_w: float | None = None
    register_uj: int | None = None
    serial: str | None = None


@dataclass(frozen=True, slots=True)
class PlugModel(Model):
    """A plug. `resolution_wh` is its register's step, which it renews every `renewed_s` s.

    One that publishes by itself is silent for `silent_s` at most while all is well.
    """

    resolution_wh: float = 1.0
    renewed_s: float = 0.0
    silent_s: float = 300.0

    def __post_init__(self) -> None:
        Model.__post_init__(self)
        require(self.resolution_wh > 0, "resolution_wh: a step above 0 Wh is needed")
        require(self.renewed_s >= 0, "renewed_s: 0 s or more")
        require(self.silent_s > 0, "silent_s: more than 0 s is needed")


def described(
    model: PlugModel,
    method: str,
    meter: MeterSettings,
    own: Mapping[str, Own],
    outlets: Mapping[str, int],
) -> list[Described]:
    """The outlets (by device) of a plug; ConfigError if nobody states their greatest power."""
    made = []
    for device in outlets:
        one = models.described(model, method, meter, own.get(device), device)
        # What a register shows may be older than we think, by as long as it takes to renew it.
        lag_uj = round(one.rated_w * model.renewed_s * UJ_PER_WS)
        count_uj = max(round(model.resolution_wh * UJ_PER_WH), lag_uj)
        made.append(replace(one, count_uj=count_uj))
    return made


def outlets(meter: MeterSettings, channels: int) -> dict[str, int]:
    """The channel (from 0) of each device that is read; a plug with one outlet is the device."""
    strange = sorted(number for number in meter.outlets if not 1 <= number <= channels)
    if strange or (channels == 1 and meter.outlets):
        raise ConfigError(f"{meter.device}: outlets has {meter.outlets}; this model has {channels}")
    if channels == 1:
        return {meter.device: 0}
    numbers = sorted(meter.outlets) or range(1, channels + 1)
    return {f"{meter.device}/outlet-{number:02d}": number - 1 for number in numbers}
