"""What a printer said of itself by IPP, with every text masked that names it or its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.masking import Masks, masked_again
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.ipp import meaning, profile
from sobre_drivers.meters.ipp.client import PORT, Client
from sobre_drivers.meters.ipp.driver import IppDriver
from sobre_drivers.meters.ipp.message import Answer, Value, Values
from sobre_drivers.meters.kind import Value as Shown
from sobre_drivers.sample import Reading

# Keywords of the standards and the model's name; all other texts are masked.
_KEPT = frozenset({meaning.REASONS, meaning.MODEL, "power-state"})
# Of a device id (IEEE 1284): what kind of printer it is.
_KEPT_FIELDS = frozenset({"MFG", "MANUFACTURER", "MDL", "MODEL", "CMD", "COMMAND SET", "CLS"})


def record(meter: MeterSettings, folder: Path | None, masks: Masks) -> dict[str, Any]:
    """The attributes that the profile reads, and the model's name."""
    model = profile.read(catalog.find(meter.profile, folder))
    port, ca_file = meter.port or PORT, meter.login.ca_file
    asked = _NotingClient(Client(meter.host, port, model.path, meter.timeout_s, ca_file))
    _driver(meter, folder, asked).shown()
    made = {name: _masked(name, values, masks) for name, values in asked.said.items()}
    return {"attributes": {name: masked_again(values, masks) for name, values in made.items()}}


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Shown]]:
    """What a profile reads from a capture."""
    said = held["attributes"]
    if not isinstance(said, dict) or not all(isinstance(each, list) for each in said.values()):
        raise ConfigError("capture: 'attributes' needs a list of values for each attribute")
    driver = _driver(meter, folder, _KeptClient(said))
    return list(driver.read()), driver.shown()


class _NotingClient:
    def __init__(self, client: Client) -> None:
        self._client, self.where = client, client.where
        self.said: dict[str, Values] = {}

    def ask(self, wanted: tuple[str, ...]) -> Answer:
        answer = self._client.ask((*wanted, meaning.MODEL))
        self.said.update(answer.printer)
        return answer


class _KeptClient:
    where = "capture"

    def __init__(self, said: Mapping[str, Values]) -> None:
        self._said = said

    def ask(self, wanted: tuple[str, ...]) -> Answer:
        return Answer(0, 0, self._said)


def _driver(
    meter: MeterSettings, folder: Path | None, client: _NotingClient | _KeptClient
) -> IppDriver:
    model = profile.read(catalog.find(meter.profile, folder))
    described = catalog.describe(meter, folder)
    return IppDriver(meter.device, cast(Client, client), model, described)


def _masked(name: str, values: Values, masks: Masks) -> list[Value]:
    return [_one(name, value, masks) for value in values]


def _one(name: str, value: Value, masks: Masks) -> Value:
    if isinstance(value, Mapping):
        return {member: _masked(member, values, masks) for member, values in value.items()}
    if not isinstance(value, str) or not value or name in _KEPT:
        return value
    if name == meaning.DEVICE_ID:
        return ";".join(_field(field, masks) for field in value.split(";"))
    return masks.stand_in(name, value)


def _field(field: str, masks: Masks) -> str:
    key, colon, text = field.partition(":")
    if key.strip().upper() in _KEPT_FIELDS or not text:
        return field
    space = text[: len(text) - len(text.lstrip())]
    return f"{key}{colon}{space}{masks.stand_in(meaning.DEVICE_ID, text.strip())}"
