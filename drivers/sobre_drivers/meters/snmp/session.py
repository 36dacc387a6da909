"""Asks SNMP agents. Only this module knows pysnmp."""

import logging
from collections.abc import Coroutine, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch import asyncio as hlapi
from pysnmp.proto import rfc1902

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.snmp.access import Credentials
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.exchange import Exchange

T = TypeVar("T")

# How many rows an answer to one GETBULK may hold, and a table at most.
_BULK = 24
MAX_ROWS = 2000
# RFC 3416, 3: error-status.
_TOO_BIG, _NO_SUCH_NAME, _GENERAL, _NO_ACCESS, _AUTHORIZATION = 1, 2, 5, 6, 16

_AUTHENTICATION = {
    "none": hlapi.usmNoAuthProtocol,
    "md5": hlapi.usmHMACMD5AuthProtocol,
    "sha": hlapi.usmHMACSHAAuthProtocol,
    "sha256": hlapi.usmHMAC192SHA256AuthProtocol,
    "sha512": hlapi.usmHMAC384SHA512AuthProtocol,
}
_PRIVACY = {
    "none": hlapi.usmNoPrivProtocol,
    "des": hlapi.usmDESPrivProtocol,
    "aes": hlapi.usmAesCfb128Protocol,
    "aes256": hlapi.usmAesCfb256Protocol,
}
# By the class of pysnmp's finding: what a person can do about it.
_REMEDIES = {
    "RequestTimedOut": "no answer within {0:g} s; check address, power and network, that SNMP is "
    "enabled, and the community or user",
    "UnknownUserName": "the agent does not know this user; check snmp.user",
    "WrongDigest": "the phrase of authentication is wrong; check authentication_file",
    "AuthenticationFailure": "the phrase of authentication is wrong; check authentication_file",
    "DecryptionError": "the phrase of privacy is wrong; check privacy_file",
    "UnsupportedSecurityLevel": "the agent has no such level; check authentication and privacy",
    "UnknownContext": "the agent does not know this context; check snmp.context",
    "NotInTimeWindow": "the agent's clock jumped; it is asked again at the next round",
}


class Session:
    """One agent. `requests` counts what was sent to it, retries apart."""

    def __init__(
        self,
        exchange: Exchange,
        host: str,
        port: int,
        who: Credentials,
        timeout_s: float,
        retries: int = 1,
        max_oids: int = 32,
    ) -> None:
        self.where = f"{host}:{port}"
        self.requests = 0
        self._exchange = exchange
        self._address = (host, port)
        self._who = who
        self._timeout_s = timeout_s
        self._retries = retries
        self._max_oids = max_oids
        self._target: Any = None
        self._joined = False

    def get(self, oids: Sequence[str]) -> dict[str, Raw]:
        """What the agent says of these objects; those that it does not have are left out.

        MeterError if it does not answer, or refuses.
        """
        found: dict[str, Raw] = {}
        at = 0
        while at < len(oids):
            some = oids[at : at + self._max_oids]
            answer = self._run(self._get(some), len(some))
            if answer is None:
                self._max_oids = max(1, len(some) // 2)
                continue
            found |= answer
            at += len(some)
        return found

    def walk(self, column: str) -> list[tuple[str, Raw]]:
        """The rows of a column: the last numbers of their OIDs, and what they hold."""
        return self._run(self._walk(column), MAX_ROWS)

    def close(self) -> None:
        """Hang up; the next question connects again."""
        if self._joined:
            self._joined, self._target = False, None
            self._exchange.leave()

    def _run(self, work: Coroutine[Any, Any, T], questions: int) -> T:
        if not self._joined:
            _hush()
            self._exchange.enter()
            self._joined = True
        once_s = self._timeout_s * (1 + self._retries)
        try:
            return self._exchange.run(work, once_s * max(1, questions))
        except (PySnmpError, OSError) as error:
            raise MeterError(f"cannot be asked ({_plain(error)}); check its address") from error

    async def _get(self, oids: Sequence[str]) -> dict[str, Raw] | None:
        """None if the answer would be too big for the agent."""
        left = list(oids)
        while left:
            status, index, bound = await self._ask(hlapi.get_cmd, left)
            if status == 0:
                return {
                    oid: raw
                    for oid, (_, value) in zip(left, bound, strict=True)
                    if (raw := _raw(value)) is not None
                }
            if status == _TOO_BIG and len(left) > 1:
                return None
            # Version 1 refuses the whole question for one object that it does not have.
            if status in (_NO_SUCH_NAME, _GENERAL) and 1 <= index <= len(left):
                del left[index - 1]
                continue
            raise MeterError(_refusal(status))
        return {}

    async def _walk(self, column: str) -> list[tuple[str, Raw]]:
        rows: list[tuple[str, Raw]] = []
        at, inside = column, f"{column}."
        while len(rows) < MAX_ROWS:
            status, _, bound = await self._next(at)
            if status == _NO_SUCH_NAME:
                return rows
            if status:
                raise MeterError(_refusal(status))
            for name, value in bound:
                oid, raw = str(name), _raw(value)
                # An agent that goes round in circles would never end.
                if not oid.startswith(inside) or _numbers(oid) <= _numbers(at):
                    return rows
                if raw is not None:
                    rows.append((oid[len(inside) :], raw))
                at = oid
            if not bound:
                return rows
        return rows

    async def _next(self, oid: str) -> tuple[int, int, Sequence[Any]]:
        if self._who.version == "1":
            return await self._ask(hlapi.next_cmd, [oid])
        return await self._ask(hlapi.bulk_cmd, [oid], 0, _BULK)

    async def _ask(
        self, command: Any, oids: Iterable[str], *counts: int
    ) -> tuple[int, int, Sequence[Any]]:
        """error-status, error-index and the bindings of an answer."""
        if self._target is None:
            kind = (
                hlapi.Udp6TransportTarget if ":" in self._address[0] else hlapi.UdpTransportTarget
            )
            self._target = await kind.create(
                self._address, timeout=self._timeout_s, retries=self._retries
            )
        self.requests += 1
        finding, status, index, bound = await command(
            self._exchange.engine(self._who, hlapi.SnmpEngine),
            _authority(self._who),
            self._target,
            hlapi.ContextData(contextName=self._who.context.encode()),
            *counts,
            *(_made(oid) for oid in oids),
            lookupMib=False,
        )
        if finding:
            told = _REMEDIES.get(type(finding).__name__, f"{finding}; check its SNMP settings")
            raise MeterError(told.format(self._timeout_s * (1 + self._retries)))
        return int(status), int(index), bound


def _authority(who: Credentials) -> Any:
    if who.version != "3":
        return hlapi.CommunityData(who.community, mpModel=0 if who.version == "1" else 1)
    return hlapi.UsmUserData(
        who.user,
        who.authentication_phrase or None,
        who.privacy_phrase or None,
        authProtocol=_AUTHENTICATION[who.authentication],
        privProtocol=_PRIVACY[who.privacy],
    )


@lru_cache(maxsize=65_536)
def _made(oid: str) -> Any:
    # It looks itself up in the MIBs that pysnmp knows when it is first asked for, which takes as
    # long as all the rest.
    return hlapi.ObjectType(hlapi.ObjectIdentity(oid))


def _raw(value: Any) -> Raw | None:
    """None for an object that does not exist."""
    # NoSuchObject, NoSuchInstance and EndOfMibView are Null too; agents send it for "none" as well.
    if isinstance(value, rfc1902.univ.Null):
        return None
    # Integers, gauges, counters and ticks.
    if isinstance(value, rfc1902.univ.Integer):
        return int(value)
    if isinstance(value, rfc1902.univ.OctetString) and not isinstance(value, rfc1902.IpAddress):
        return bytes(value)
    return str(value.prettyPrint())


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


def _refusal(status: int) -> str:
    if status in (_NO_ACCESS, _AUTHORIZATION):
        return "the agent does not let us read this; check the view of its community or user"
    return f"the agent refused (error-status {status}); is this the model of the profile?"


def _plain(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _hush() -> None:
    # It logs what we say once ourselves.
    logger = logging.getLogger("pysnmp")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)
