"""Shelly, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings, require
from sobre_drivers.meters.kind import About, Lines, MeterDriver, Own
from sobre_drivers.meters.plugs import drivers, model
from sobre_drivers.meters.plugs.model import PlugModel
from sobre_drivers.meters.shelly.meaning import first_generation, later_generation
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml

MAX_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class ShellyModel(PlugModel):
    """`component` is what measures: `meters` or `emeters` in Gen1, `switch` or `pm1` later.

    With `channels` above 1 each is an outlet.
    """

    component: Literal["meters", "emeters", "switch", "pm1"] = "switch"
    channels: int = 1
    protocol: Literal["shelly"] = "shelly"

    def __post_init__(self) -> None:
        PlugModel.__post_init__(self)
        known = 1 <= self.channels <= MAX_CHANNELS
        require(known, f"channels: {self.channels}; 1 to {MAX_CHANNELS}")


def read(path: Path) -> ShellyModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), ShellyModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    made = read(path)
    return models.about("shelly", made, "register", made.channels)


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The plug, or its outlets; ConfigError if the settings do not fit."""
    drivers.check_polled(meter)
    made = read(path)
    return model.described(made, "shelly", meter, own, model.outlets(meter, made.channels))


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> MeterDriver:
    """The driver of a plug."""
    from sobre_drivers.meters.plugs.polled import Question

    made = read(path)
    questions = {}
    for device, channel in model.outlets(meter, made.channels).items():
        if made.component in ("meters", "emeters"):
            meaning = partial(first_generation, place=made.component, channel=channel)
            questions[device] = Question("/status", meaning)
        else:
            method = {"switch": "Switch", "pm1": "PM1"}[made.component]
            path_of = f"/rpc/{method}.GetStatus?id={channel}"
            questions[device] = Question(path_of, later_generation)
    return drivers.polled(meter, described, questions)
