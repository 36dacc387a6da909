"""Asks hosts by SNMP what they are: one packet, and a second where somebody answers."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.found import Found, Match, best_first
from sobre_drivers.meters.commissioning.scan import Job, Way
from sobre_drivers.meters.configured import SnmpAccess
from sobre_drivers.meters.snmp import access, decoding, profile, recognise
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.exchange import Exchange
from sobre_drivers.meters.snmp.kind import PORT as SNMP_PORT
from sobre_drivers.meters.snmp.profile import Profile
from sobre_drivers.meters.snmp.recognise import DESCRIPTION, OBJECT_ID
from sobre_drivers.meters.snmp.session import Session

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
        known = recognise.worth_asking(profiles(way.folder), said)
        oids = [oid for oid in recognise.asked(known) if oid not in (OBJECT_ID, DESCRIPTION)]
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
    return best_first(
        [(0, _match(name, known[name], told)) for name in recognise.recognised(known, told)]
    )


def _match(name: str, model: Profile, told: Mapping[str, Raw]) -> Match:
    if recognise.by_number(model, told):
        return Match(name, "identified", f"sysObjectID {recognise.object_id(told)}")
    how = model.identify
    return Match(name, "likely", f"it has {how.exists or how.equals_oid}")


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
