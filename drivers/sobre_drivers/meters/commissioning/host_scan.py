"""Asks hosts over TCP what they are: Redfish, plugs, NUT, IPP. Nothing is logged into."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from sobre_drivers.errors import MeterError
from sobre_drivers.meters import web
from sobre_drivers.meters.commissioning.found import Found, Match
from sobre_drivers.meters.commissioning.scan import Job, Way
from sobre_drivers.meters.figures import inside
from sobre_drivers.meters.ipp import client as ipp
from sobre_drivers.meters.ipp import meaning
from sobre_drivers.meters.nut import decoding as nut
from sobre_drivers.meters.nut.kind import PORT as NUT_PORT
from sobre_drivers.meters.web import Web

REDFISH_PORT, HTTP_PORT = 443, 80
# DSP0266: the service root is read without a login.
_ROOT = "/redfish/v1/"
_IPP_PATH = "/ipp/print"
_MOST_ANSWER = 64 * 1024
# What Shelly devices call themselves, by the beginning of that word.
_FIRST_SHELLY = {"SHPLG": "shelly-plug", "SHSW-PM": "shelly-plug", "SHSW-25": "shelly-2.5"}
_FIRST_SHELLY["SHEM"] = "shelly-em"
_LATER_SHELLY = {"Pro4PM": "shelly-pro-4pm", "PlusPMMini": "shelly-pm-mini"}
_LATER_SHELLY |= {"MiniPM": "shelly-pm-mini", "": "shelly-plus-plug"}


def job(protocol: str, host: str, port: int | None) -> Job:
    """One host, asked by one protocol; `port` None: its own."""
    ask, own, each = ASKED[protocol]
    return Job(f"{host}:{port or own}", 1, each, partial(_asked, ask, host, port, own))


def _asked(ask: "Ask", host: str, port: int | None, own: int, way: Way) -> Iterator[Found]:
    way.say(host)
    where: dict[str, object] = {"host": host}
    if port not in (None, own):
        where["port"] = port
    try:
        yield from ask(host, port or own, where, way)
    except MeterError:
        # Whoever does not speak it is none of them.
        return


def _redfish(host: str, port: int, where: Mapping[str, object], way: Way) -> Iterator[Found]:
    # Controllers sign their certificates themselves, and nothing secret is said here.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    way.pace.turn()
    server = Web(host, port, way.timeout_s, context)
    try:
        root = web.accepted(server.ask(_ROOT, {"Accept": "application/json"}))
    finally:
        server.close()
    version = inside(root, "RedfishVersion")
    if not isinstance(version, str):
        return
    maker = " ".join(str(root[key]) for key in ("Vendor", "Product") if root.get(key))
    match = Match("redfish", "likely", f"service root of Redfish {version}; it needs a login")
    yield Found("redfish", where, maker, (match,))


def _plug(host: str, port: int, where: Mapping[str, object], way: Way) -> Iterator[Found]:
    server = Web(host, port, way.timeout_s)
    try:
        way.pace.turn()
        answer = server.ask("/shelly")
        if answer.status == 200 and (shelly := _object(answer.body)):
            match = _shelly(shelly)
            if match is not None:
                yield Found("shelly", where, f"Shelly {match.why}", (match,))
                return
        way.pace.turn()
        said = web.accepted(server.ask("/cm?cmnd=Status%208"))
    finally:
        server.close()
    if inside(said, "StatusSNS", "ENERGY") is not None:
        match = Match("tasmota", "identified", "it tells ENERGY in Status 8")
        yield Found("tasmota", where, "Tasmota", (match,))


def _shelly(said: Mapping[str, Any]) -> Match | None:
    kind, app = said.get("type"), said.get("app")
    if isinstance(app, str) and isinstance(said.get("gen"), int):
        name = next(name for word, name in _LATER_SHELLY.items() if app.startswith(word))
        sure = app.startswith(("Pro4PM", "PlusPMMini", "MiniPM", "PlusPlug", "Plus1PM"))
        return Match(name, "identified" if sure else "possible", f"app {app}, gen {said['gen']}")
    if isinstance(kind, str):
        for word, name in _FIRST_SHELLY.items():
            if kind.startswith(word):
                return Match(name, "identified", f"type {kind}")
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        return web.json_object(body)
    except MeterError:
        return {}


def _nut(host: str, port: int, where: Mapping[str, object], way: Way) -> Iterator[Found]:
    way.pace.turn()
    listed = _told(host, port, "LIST UPS", way.timeout_s)
    names = [line.split()[1] for line in listed if line.startswith("UPS ") and " " in line]
    for name in filter(nut.is_name, names):
        way.pace.turn()
        said = nut.variables("\n".join(_told(host, port, f"LIST VAR {name}", way.timeout_s)), name)
        matches = []
        sources: tuple[tuple[nut.Source, str], ...]
        sources = (("realpower", "nut-realpower"), ("load", "nut-load"))
        for source, profile in sources:
            try:
                power_w = nut.power_w(said, source)
            except MeterError:
                continue
            matches.append(Match(profile, "identified", f"it tells {power_w:g} W by {source}"))
        model = " ".join(filter(None, (said.get("ups.mfr"), said.get("ups.model"))))
        yield Found("nut", dict(where) | {"host": f"{name}@{host}"}, model, tuple(matches))


def _told(host: str, port: int, question: str, timeout_s: float) -> list[str]:
    """The lines of upsd's answer to a list; MeterError if there is none."""
    end = f"END {question}\n".encode()
    deadline_s, answer = time.monotonic() + timeout_s, b""
    try:
        with socket.create_connection((host, port), timeout_s) as connection:
            connection.sendall(f"{question}\n".encode())
            while not answer.endswith(end) and len(answer) < _MOST_ANSWER:
                connection.settimeout(max(0.01, deadline_s - time.monotonic()))
                more = connection.recv(65536)
                answer += more
                if not more or answer.startswith(b"ERR "):
                    break
    except OSError as error:
        raise MeterError(f"no NUT server ({error})") from error
    return answer.decode("utf-8", "replace").splitlines()


def _ipp(host: str, port: int, where: Mapping[str, object], way: Way) -> Iterator[Found]:
    way.pace.turn()
    wanted = (meaning.STATE, meaning.MODEL, meaning.METER)
    said = ipp.Client(host, port, _IPP_PATH, way.timeout_s).ask(wanted).printer
    if meaning.STATE not in said:
        return
    model = str(next(iter(said.get(meaning.MODEL, ())), "") or "")
    meter = next(iter(said.get(meaning.METER, ())), None)
    own = isinstance(meter, Mapping) and next(iter(meter.get("meters-are-actual", ())), None)
    if own is True:
        match = Match("ipp-metered-printer", "identified", "it says that its own meter is real")
    else:
        match = Match("ipp-printer", "likely", "a printer without a meter: estimated by its state")
    yield Found("ipp", where, model, (match,))


Ask = Callable[[str, int, Mapping[str, object], Way], Iterator[Found]]

ASKED: dict[str, tuple[Ask, int, int]] = {
    "redfish": (_redfish, REDFISH_PORT, 0),
    "plug": (_plug, HTTP_PORT, 1),
    "nut": (_nut, NUT_PORT, 8),
    "ipp": (_ipp, ipp.PORT, 0),
}
