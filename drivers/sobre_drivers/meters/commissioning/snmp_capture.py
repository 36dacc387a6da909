"""Objects as an SNMP agent sent them: the profile's, those beside them, what it calls itself."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.masking import Masks
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.snmp import access, decoding, points, profile
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.driver import SnmpDriver
from sobre_drivers.meters.snmp.exchange import Exchange
from sobre_drivers.meters.snmp.kind import PORT
from sobre_drivers.meters.snmp.objects import places
from sobre_drivers.meters.snmp.profile import Profile
from sobre_drivers.meters.snmp.recognise import DESCRIPTION, OBJECT_ID
from sobre_drivers.meters.snmp.session import Session
from sobre_drivers.sample import Reading

# SNMPv2-MIB: who looks after it, what it is called, where it stands. Read to be masked elsewhere.
_OWN_TEXTS = {
    "contact": "1.3.6.1.2.1.1.4.0",
    "name": "1.3.6.1.2.1.1.5.0",
    "location": "1.3.6.1.2.1.1.6.0",
}
# ASN.1 tags, as snmpsim's recordings have them.
_INTEGER, _OCTETS, _HEX, _OID, _IP, _GAUGE, _COUNTER_64 = "2", "4", "4x", "6", "64", "66", "70"
_NUMBERS = {_INTEGER, "65", _GAUGE, "67", _COUNTER_64}
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_NUMBER = re.compile(r"\s*[+-]?\d{1,9}(?:\.\d+)?\s*")
_MAC_BYTES = 6
# No table of a meter is longer; a walk that a person names may be.
_MOST_OBJECTS = 20_000


class NotingSession:
    """Asks as a session does, and keeps all answers by their OIDs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.where = session.where
        self.said: dict[str, Raw] = {}

    def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """What the session itself gives."""
        found = self._session.get(oids)
        self.said |= found
        return found

    def walk(self, column: str) -> list[tuple[str, Raw]]:
        """What the session itself gives."""
        rows = self._session.walk(column)
        self.said |= {f"{column}.{row}": raw for row, raw in rows}
        return rows

    def close(self) -> None:
        """Hang up."""
        self._session.close()


class KeptSession:
    """Gives answers that were noted before."""

    where = "capture"

    def __init__(self, said: Mapping[str, Raw]) -> None:
        self._said = said

    def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """Those of them that were noted."""
        return {oid: self._said[oid] for oid in oids if oid in self._said}

    def walk(self, column: str) -> list[tuple[str, Raw]]:
        """The rows of a column that were noted."""
        inside = f"{column}."
        rows = [
            (oid.removeprefix(inside), raw)
            for oid, raw in self._said.items()
            if oid.startswith(inside)
        ]
        return sorted(rows, key=lambda row: tuple(map(int, row[0].split("."))))

    def close(self) -> None:
        """Nothing is held."""


def record(meter: MeterSettings, folder: Path | None, masks: Masks) -> dict[str, Any]:
    """All that the profile reads of an agent, and the tables in which that stands."""
    model = profile.read(catalog.find(meter.profile, folder))
    session = _session(meter)
    try:
        driver = _driver(meter, folder, model, session)
        driver.read()
        driver.shown()
        how = model.identify
        session.get([oid for oid in (OBJECT_ID, DESCRIPTION, how.exists, how.equals_oid) if oid])
        for subtree in _subtrees(model):
            session.walk(subtree)
        return _body(session, masks, model)
    finally:
        session.close()


def walked(meter: MeterSettings, subtrees: Sequence[str], masks: Masks) -> dict[str, Any]:
    """Subtrees of an agent for which there is no profile; every text in them is masked."""
    session = _session(meter)
    try:
        session.get([OBJECT_ID, DESCRIPTION])
        for subtree in subtrees:
            session.walk(subtree.strip("."))
        return _body(session, masks, None)
    finally:
        session.close()


def replay(
    meter: MeterSettings, folder: Path | None, held: Mapping[str, Any]
) -> tuple[list[Reading], list[Value]]:
    """What a profile reads from a capture."""
    model = profile.read(catalog.find(meter.profile, folder))
    kept = KeptSession(_said(held))
    driver = _driver(meter, folder, model, kept)
    return list(driver.read()), driver.shown()


def _session(meter: MeterSettings) -> NotingSession:
    who = access.credentials(meter.device, meter.snmp)
    port = meter.port or PORT
    return NotingSession(Session(Exchange(), meter.host, port, who, meter.timeout_s))


def _driver(
    meter: MeterSettings, folder: Path | None, model: Profile, session: NotingSession | KeptSession
) -> SnmpDriver:
    behind = points.points(model, meter.device, meter.outlets)
    described = catalog.describe(meter, folder)
    asked = cast(Session, session)
    return SnmpDriver(meter.device, asked, meter.unit_id, model, behind, described)


def _subtrees(model: Profile) -> list[str]:
    """The columns in which the profile's objects stand, without those that are within another."""
    columns = set()
    for part in model.part:
        for oid in part.templates():
            plain = oid.split(".{")[0] if places(oid) else oid.rpartition(".")[0]
            columns.add(plain)
    return sorted(each for each in columns if each.count(".") > 6)


def _body(session: NotingSession, masks: Masks, model: Profile | None) -> dict[str, Any]:
    if len(session.said) > _MOST_OBJECTS:
        raise MeterError(f"more than {_MOST_OBJECTS} objects; name a smaller subtree")
    with suppress(MeterError):
        _learn(session, masks)
    telling = _telling(model)
    serial = _numbered(model.serial) if model is not None and model.serial else None
    addresses = _addresses(session, masks)
    objects = {}
    for oid in sorted(session.said, key=lambda each: tuple(map(int, each.split(".")))):
        if oid.endswith(addresses):
            # Tables of addresses have them for the numbers of their rows.
            continue
        if serial is not None and serial.fullmatch(oid):
            objects[oid] = _serial(session.said[oid], masks)
        else:
            objects[oid] = _tagged(session.said[oid], oid, telling, masks)
    return {
        "objects": {oid: [tag, _last(tag, value, masks)] for oid, (tag, value) in objects.items()}
    }


def _addresses(session: NotingSession, masks: Masks) -> tuple[str, ...]:
    """The ends of the OIDs of rows that are numbered by an address."""
    found = {raw for raw in session.said.values() if isinstance(raw, str)}
    own = sorted(raw for raw in found if _ADDRESS.fullmatch(raw))
    for each in own:
        masks.stand_in("address", each)
    return tuple(f".{each}" for each in own)


def _learn(session: NotingSession, masks: Masks) -> None:
    """What its people call it may stand in any other text."""
    found = session.get(list(_OWN_TEXTS.values()))
    for kind, oid in _OWN_TEXTS.items():
        text = decoding.text(found.get(oid))
        if text:
            masks.stand_in(kind, text)


def _telling(model: Profile | None) -> set[str]:
    """Texts by which a profile knows rows and models: they name nobody."""
    if model is None:
        return set()
    rows = {text for rows in model.rows.values() for text in rows.equals}
    return rows | {model.identify.equals}


def _numbered(template: str) -> re.Pattern[str]:
    return re.compile(r"\d+(?:\.\d+)*".join(map(re.escape, re.split(r"\{[a-z_]+\}", template))))


def _serial(raw: Raw, masks: Masks) -> tuple[str, str | int]:
    told = decoding.text(raw)
    if told is None:
        return _OCTETS, ""
    stand_in = masks.stand_in("serial number", told)
    return (_INTEGER, int(stand_in)) if isinstance(raw, int) else (_OCTETS, stand_in)


def _tagged(raw: Raw, oid: str, telling: set[str], masks: Masks) -> tuple[str, str | int]:
    if isinstance(raw, int):
        if -(1 << 31) <= raw < 1 << 31:
            return _INTEGER, raw
        return (_GAUGE if 0 <= raw < 1 << 32 else _COUNTER_64), raw
    if isinstance(raw, str):
        if _ADDRESS.fullmatch(raw):
            return _IP, "192.0.2.1"
        return _OID, raw
    if len(raw) == _MAC_BYTES and not raw.isascii():
        masks.stand_in("MAC", raw.hex())
        return _HEX, "00005e005301"
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _HEX, "00" * len(raw)
    if not text.isprintable():
        return _HEX, "00" * len(raw)
    if oid == DESCRIPTION or text in telling or _NUMBER.fullmatch(text) or not text.strip():
        return _OCTETS, text
    return _OCTETS, masks.stand_in("text", text)


def _last(tag: str, value: str | int, masks: Masks) -> str | int:
    """What was learnt as a secret later is one in earlier objects too."""
    return masks.everywhere(value) if tag == _OCTETS and isinstance(value, str) else value


def _said(held: Mapping[str, Any]) -> dict[str, Raw]:
    made: dict[str, Raw] = {}
    for oid, pair in dict(held.get("objects", {})).items():
        try:
            tag, value = pair
            if tag in _NUMBERS:
                made[oid] = int(value)
            elif tag == _HEX:
                made[oid] = bytes.fromhex(value)
            else:
                made[oid] = str(value).encode() if tag == _OCTETS else str(value)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"capture: objects.{oid} is {pair!r}; a tag and a value are needed"
            ) from error
    return made
