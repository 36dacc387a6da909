"""What a server, a plug or a NUT server answered, with every text masked that names anything."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters import catalog, web
from sobre_drivers.meters.commissioning.masking import Masks, json_masked, masked_again
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.nut import decoding as nut
from sobre_drivers.meters.nut import kind as nut_kind
from sobre_drivers.meters.nut.driver import NutDriver
from sobre_drivers.meters.plugs import model as plug_model
from sobre_drivers.meters.plugs.model import Figures
from sobre_drivers.meters.plugs.polled import PolledPlug, Question, values
from sobre_drivers.meters.redfish import kind as redfish_kind
from sobre_drivers.meters.redfish.driver import RedfishDriver
from sobre_drivers.meters.redfish.session import Session
from sobre_drivers.meters.shelly import kind as shelly_kind
from sobre_drivers.meters.shelly import meaning as shelly
from sobre_drivers.meters.tasmota import meaning as tasmota
from sobre_drivers.meters.web import Answer, Refused, Web
from sobre_drivers.sample import Reading

Json = Mapping[str, Any]

_NUT_TEXTS = """
    device.mfr device.model device.type ups.mfr ups.model ups.status ups.firmware ups.type
    driver.name driver.version battery.type
"""
_NUT_KEPT = frozenset(_NUT_TEXTS.split())
_NOT_FOUND = 404


def record(meter: MeterSettings, folder: Path | None, masks: Masks) -> dict[str, Any]:
    """What the profile asks for, and its answers."""
    path = catalog.find(meter.profile, folder)
    protocol = catalog.about(path).protocol
    if protocol == "nut":
        return _upsd(meter, masks)
    if protocol == "redfish":
        made = redfish_kind.PORT if meter.port is None else meter.port
        session = _NotingSession(Session(meter.host, made, meter.login, meter.timeout_s))
        driver = _redfish(meter, folder, session)
        try:
            driver.shown()
        finally:
            driver.close()
        return {"resources": _masked(session.said, masks)}
    return {"pages": _masked(_plug(meter, path, folder), masks)}


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Value]]:
    """What a profile reads from a capture."""
    path = catalog.find(meter.profile, folder)
    protocol = catalog.about(path).protocol
    if protocol == "nut":
        said = {str(name): str(text) for name, text in _table(held, "variables").items()}
        power_w = nut.power_w(said, nut_kind.read(path).power)
        reading = Reading(meter.device, power_w=power_w, serial=nut.serial(said))
        return [reading], [Value(meter.device, name, text, "") for name, text in said.items()]
    if protocol == "redfish":
        driver = _redfish(meter, folder, _KeptSession(_table(held, "resources")))
        return list(driver.read()), driver.shown()
    pages, readings, shown = _table(held, "pages"), [], []
    for device, question in _questions(meter, path).items():
        if question.path not in pages:
            raise ConfigError(f"capture: pages has no {question.path!r}")
        figures = question.meaning(pages[question.path])
        readings.append(Reading(device, figures.register_uj, figures.power_w, figures.serial))
        shown += values(device, figures)
    return readings, shown


class _NotingSession:
    def __init__(self, session: Session) -> None:
        self._session, self.where = session, session.where
        self.said: dict[str, Json] = {}

    def get(self, path: str) -> dict[str, Any]:
        found = self._session.get(path)
        self.said[path] = found
        return found

    def close(self) -> None:
        self._session.close()


class _KeptSession:
    where = "capture"

    def __init__(self, said: Json) -> None:
        self._said = said

    def get(self, path: str) -> dict[str, Any]:
        if path not in self._said:
            raise Refused(Answer(_NOT_FOUND, {}, b""))
        return dict(self._said[path])

    def close(self) -> None: ...


def _redfish(
    meter: MeterSettings, folder: Path | None, session: _NotingSession | _KeptSession
) -> RedfishDriver:
    described = catalog.describe(meter, folder)
    by_register = redfish_kind.read(catalog.find(meter.profile, folder)).settle_by == "register"
    parts = {part.name: f"{meter.device}/{part.name}" for part in meter.parts}
    asked = cast(Session, session)
    return RedfishDriver(meter.device, asked, described, parts, by_register)


def _questions(meter: MeterSettings, path: Path) -> dict[str, Question]:
    if catalog.about(path).protocol == "tasmota":
        return {meter.device: Question("/cm?cmnd=Status%208", tasmota.figures)}
    made, found = shelly_kind.read(path), {}
    for device, channel in plug_model.outlets(meter, made.channels).items():
        if made.component in ("meters", "emeters"):
            first = partial(shelly.first_generation, place=made.component, channel=channel)
            found[device] = Question("/status", first)
        else:
            method = {"switch": "Switch", "pm1": "PM1"}[made.component]
            page = f"/rpc/{method}.GetStatus?id={channel}"
            found[device] = Question(page, shelly.later_generation)
    return found


def _plug(meter: MeterSettings, path: Path, folder: Path | None) -> dict[str, Json]:
    pages: dict[str, Json] = {}

    def noting(question: Question) -> Question:
        def meaning(page: Json) -> Figures:
            pages[question.path] = page
            return question.meaning(page)

        asked = question.path
        if catalog.about(path).protocol == "tasmota" and meter.login.username:
            # Tasmota takes the password in the address alone.
            who = quote(meter.login.username, safe="")
            secret = quote(web.password(meter.login.password_file), safe="")
            asked = asked.replace("?", f"?user={who}&password={secret}&")
        return Question(asked, meaning)

    asked = {device: noting(each) for device, each in _questions(meter, path).items()}
    server = Web(meter.host, meter.port or 80, meter.timeout_s)
    described = catalog.describe(meter, folder)
    driver = PolledPlug(meter.device, server, meter.login, described, asked)
    try:
        driver.read()
    finally:
        driver.close()
    return pages


def _upsd(meter: MeterSettings, masks: Masks) -> dict[str, Any]:
    ups, host = nut.named(meter.host)
    address = (host, meter.port or nut_kind.PORT)
    described = catalog.describe(meter)[0]
    driver = NutDriver(described, address, ups, "realpower", meter.timeout_s)
    made: dict[str, str] = {}
    for name, value in ((each.name, str(each.value)) for each in driver.shown()):
        plain = name in _NUT_KEPT or (_number(value) and "serial" not in name)
        made[name] = value if plain or not value else masks.stand_in(name, value)
    return {"variables": {name: masks.everywhere(value) for name, value in made.items()}}


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) <= 9


def _masked(said: Mapping[str, Json], masks: Masks) -> dict[str, Any]:
    made = {path: json_masked(page, masks) for path, page in said.items()}
    # A service tag may be part of a path.
    return {masks.everywhere(path): masked_again(page, masks) for path, page in made.items()}


def _table(held: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = held.get(key)
    if not isinstance(found, dict):
        raise ConfigError(f"capture: {key!r} is missing, or no table")
    return found
