"""Tasmota, as the catalogue takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import model as models
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import About, Lines, MeterDriver, Own
from sobre_drivers.meters.plugs import drivers, model
from sobre_drivers.meters.plugs.model import PlugModel
from sobre_drivers.meters.tasmota.meaning import figures
from sobre_drivers.sample import Described
from sobre_drivers.settings import build, read_toml


@dataclass(frozen=True, slots=True)
class TasmotaModel(PlugModel):
    """`by` is how it is heard: asked over HTTP, or by what it publishes over MQTT."""

    by: Literal["http", "mqtt"] = "http"
    protocol: Literal["tasmota"] = "tasmota"


def read(path: Path) -> TasmotaModel:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), TasmotaModel, str(path))


def about(path: Path) -> About:
    """The model of a profile file."""
    return models.about("tasmota", read(path), "register")


def describe(
    name: str, path: Path, meter: MeterSettings, own: Mapping[str, Own]
) -> list[Described]:
    """The plug; ConfigError if the settings do not fit."""
    made = read(path)
    (drivers.check_polled if made.by == "http" else drivers.check_published)(meter)
    return model.described(made, f"tasmota {made.by}", meter, own, model.outlets(meter, 1))


def driver(
    path: Path, meter: MeterSettings, described: list[Described], lines: Lines
) -> MeterDriver:
    """The driver of a plug."""
    made = read(path)
    if made.by == "mqtt":
        return drivers.published(meter, described, made.silent_s, figures, lines)
    from sobre_drivers.meters.plugs.polled import Question

    question = Question(f"/cm?{_who(meter)}cmnd=Status%208", figures)
    return drivers.polled(meter, described, {meter.device: question})


def _who(meter: MeterSettings) -> str:
    """User and password, which Tasmota takes in the address alone."""
    from sobre_drivers.meters.web import password

    login = meter.login
    if not login.username:
        return ""
    try:
        secret = password(login.password_file)
    except MeterError as error:
        raise ConfigError(f"{meter.device}: {error}") from error
    return f"user={quote(login.username, safe='')}&password={quote(secret, safe='')}&"
