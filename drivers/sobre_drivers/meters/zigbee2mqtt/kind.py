"""Zigbee2MQTT, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, MeterDriver, Own
from sobre_drivers.meters.plugs import drivers, model
from sobre_drivers.meters.plugs.model import PlugModel
from sobre_drivers.meters.zigbee2mqtt.meaning import figures
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml


@dataclass(frozen=True, slots=True)
class ZigbeeModel(PlugModel):
    """A plug that Zigbee2MQTT knows with power and energy."""

    protocol: Literal["zigbee2mqtt"] = "zigbee2mqtt"


def read(path: Path) -> ZigbeeModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), ZigbeeModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    return models.about("zigbee2mqtt", read(path), "register")


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The plug; ConfigError if the settings do not fit."""
    drivers.check_published(meter)
    return model.described(read(path), "mqtt", meter, own, model.outlets(meter, 1))


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> MeterDriver:
    """The driver of a plug."""
    return drivers.published(meter, described, read(path).silent_s, figures, lines)
