"""Asks hosts by SNMP what they are: one packet, and a second where somebody answers."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.found import Found, Match, best_first
from sobre_drivers.meters.commissioning.scan import Job, Way
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.snmp import access, decoding, profile
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.exchange import Exchange
from sobre_drivers.meters.snmp.kind import PORT as SNMP_PORT
from sobre_drivers.meters.snmp.profile import Profile
from sobre_drivers.meters.snmp.session import Session

# SNMPv2-MIB: what kind of agent it is.
DESCRIPTION, OBJECT_ID = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"
_MOST_OIDS = 24


def job(host: str, port: int | None, snmp: SnmpAccess, exchange: Exchange, known: int) -> Job:
    """One host; ConfigError if the files of its access cannot be read."""
    who = access.credentials("meters scan", snmp)
    each = -(-2 * known // _MOST_OIDS)
    return Job(
        f"{host}:{port or SNMP_PORT}",
        1,
        each,
        partial(_asked, host, port or SNMP_PORT, snmp, who, exchange),
    )


def profiles(folder: Path | None) -> dict[str, Profile]:
    """All SNMP profiles that are whole and say how their model is recognised."""
    found = {}
    for name, path in catalog.paths(folder).items():
        try:
            if catalog.about(path).protocol == "snmp":
                found[name] = profile.read(path)
        except ConfigError:
            continue
    return found


def _asked(
    host: str,
    port: int,
    snmp: SnmpAccess,
    who: access.Credentials,
    exchange: Exchange,
    way: Way,
) -> Iterator[Found]:
    way.say(host)
    way.pace.turn()
    session = Session(exchange, host, port, who, way.timeout_s, retries=0, max_oids=_MOST_OIDS)
    try:
        try:
            said = session.get([OBJECT_ID, DESCRIPTION])
        except MeterError:
            return
        known = _worth_asking(profiles(way.folder), said)
        oids = sorted({oid for model in known.values() for oid in _oids(model)})
        told = dict(said)
        for at in range(0, len(oids), _MOST_OIDS):
            way.pace.turn()
            told |= session.get(oids[at : at + _MOST_OIDS])
    finally:
        session.close()
    where: dict[str, object] = {"host": host}
    if port != SNMP_PORT:
        where["port"] = port
    where |= {f"snmp.{key}": value for key, value in _written(snmp).items()}
    yield Found("snmp", where, decoding.text(said.get(DESCRIPTION)) or "", matches(known, told))


def matches(known: Mapping[str, Profile], told: Mapping[str, Raw]) -> tuple[Match, ...]:
    """The profiles that recognise an agent by what it told, of those that were worth asking."""
    found = []
    object_id = _object_id(told)
    for name, model in known.items():
        how = model.identify
        begins = [each for each in how.object_ids if _begins(object_id, each)]
        if how.exists and how.exists not in told:
            continue
        if how.equals_oid and decoding.text(told.get(how.equals_oid)) != how.equals:
            continue
        if begins:
            why = f"sysObjectID {object_id}"
            found.append((max(map(len, begins)) + bool(how.exists), Match(name, "identified", why)))
        elif how.exists or how.equals_oid:
            found.append((0, Match(name, "likely", f"it has {how.exists or how.equals_oid}")))
    return best_first(found)


def _worth_asking(known: Mapping[str, Profile], said: Mapping[str, Raw]) -> dict[str, Profile]:
    object_id = _object_id(said)
    return {
        name: model
        for name, model in known.items()
        if not model.identify.object_ids
        or any(_begins(object_id, each) for each in model.identify.object_ids)
    }


def _oids(model: Profile) -> list[str]:
    return [oid for oid in (model.identify.exists, model.identify.equals_oid) if oid]


def _begins(object_id: str, prefix: str) -> bool:
    return object_id == prefix or object_id.startswith(f"{prefix}.")


def _object_id(told: Mapping[str, Raw]) -> str:
    return str(told.get(OBJECT_ID, "")).lstrip(".")


def _written(snmp: SnmpAccess) -> dict[str, object]:
    """What was given, as a configuration says it; secrets stay in their files."""
    plain = SnmpAccess(user=snmp.user, version="3") if snmp.version == "3" else SnmpAccess()
    named = {name: getattr(snmp, name) for name in SnmpAccess.__dataclass_fields__}
    return {
        name: value
        for name, value in named.items()
        if value not in (None, "")
        and (value != getattr(plain, name) or name in ("version", "user"))
        and not (name == "version" and value == "2c")
    }
