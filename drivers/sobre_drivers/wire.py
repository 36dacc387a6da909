"""The wire, version 1: loads and answers as strict JSON, the same bytes on either side.

A reader ignores fields that it does not know, so that adding an optional one keeps v1; a field that
it knows must be exactly what `docs/asyncapi.yaml` says.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sobre_drivers.errors import WireError
from sobre_drivers.load import DEVICE, STATES, Load, Origin
from sobre_drivers.strict_json import MAX_BYTES, read_object, shown, written

MAX_LOADS = 300
# The largest integer that every JSON reader keeps exactly (RFC 8259, 6).
MAX_INT = 2**53 - 1
# The longest month with the hour of a clock change: a load never crosses a month.
MAX_SPAN_S = 31 * 86_400 + 3_600

# From fine to coarse.
LOAD_LENGTHS = ("minute", "ten-minutes", "hour", "day")
MAX_SLOWER = 10

STREAM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HASH = re.compile(r"[0-9a-f]{64}")
_ORIGINS = {origin.value: origin for origin in Origin}


@dataclass(frozen=True, slots=True)
class Batch:
    """Loads that travel, and are confirmed, together."""

    stream: str
    batch: int
    loads: tuple[Load, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the collector says of a payload: on its disk (`reason` None), or refused and why.

    `stream` is "" and `batch` 0 where a refused payload did not tell them; `sha256` always names
    the exact bytes that were received, `time` is the collector's clock (Unix seconds).
    """

    stream: str
    batch: int
    sha256: str
    time: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """What a node may do, never finer than it is configured.

    Nothing leaves a `paused` node, and a workstation does not even sample. It samples `slower`
    times more rarely, and its loads are as long as `load` at least (None: as configured).
    """

    paused: bool = False
    slower: int = 1
    load: str | None = None


def digest(payload: bytes) -> str:
    """The hash that names a payload: SHA-256, hexadecimal."""
    return sha256(payload).hexdigest()


def encode_batch(batch: Batch) -> bytes:
    """The payload of a `load` message; WireError if it would not be accepted at the other end."""
    if not 1 <= len(batch.loads) <= MAX_LOADS:
        raise WireError(f"loads: {len(batch.loads)} loads; 1 to {MAX_LOADS} are needed")
    for load in batch.loads:
        _consistent(load)
    loads = [_load_object(load) for load in batch.loads]
    payload = written({"v": 1, "stream": batch.stream, "batch": batch.batch, "loads": loads})
    if len(payload) > MAX_BYTES:
        raise WireError(f"{len(payload)} bytes; {MAX_BYTES} at most: send fewer loads at once")
    return payload


def decode_batch(payload: bytes) -> Batch:
    """The batch in a `load` payload; WireError names the field that is wrong."""
    message = _message(payload)
    loads = message.get("loads")
    if not isinstance(loads, list) or not 1 <= len(loads) <= MAX_LOADS:
        raise WireError(f"loads: a list of 1 to {MAX_LOADS} loads is needed")
    stream = _text(message, "stream", STREAM)
    number = _integer(message, "batch", 1)
    return Batch(stream, number, tuple([_load(item, i) for i, item in enumerate(loads)]))


def encode_answer(answer: Answer) -> bytes:
    """The payload of a `confirmed` message, or of a `refused` one if it has a reason."""
    message: dict[str, Any] = {
        "v": 1,
        "stream": answer.stream,
        "batch": answer.batch,
        "sha256": answer.sha256,
        "time": answer.time,
    }
    if answer.reason is not None:
        message["reason"] = answer.reason[:500]
    return written(message)


def decode_answer(payload: bytes) -> Answer:
    """The answer in a `confirmed` or `refused` payload."""
    message = _message(payload)
    reason = message.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise WireError("reason: a text is needed")
    stream = message.get("stream")
    if reason is None or stream != "":
        stream = _text(message, "stream", STREAM)
    return Answer(
        stream=stream,
        batch=_integer(message, "batch", 0 if reason is not None else 1),
        sha256=_text(message, "sha256", HASH),
        time=_integer(message, "time", 0),
        reason=reason,
    )


def encode_control(control: Control) -> bytes:
    """The payload of a `control` message, retained; to lift it, say `Control()`."""
    message: dict[str, Any] = {"v": 1, "paused": control.paused, "slower": control.slower}
    if control.load is not None:
        message["load"] = control.load
    return written(message)


def decode_control(payload: bytes) -> Control:
    """The control in a payload; an empty one, MQTT's way to take it back, lifts it."""
    if not payload:
        return Control()
    message = _message(payload)
    paused, load = message.get("paused", False), message.get("load")
    if not isinstance(paused, bool):
        raise WireError(f"paused: {shown(paused)}; true or false is needed")
    if load is not None and load not in LOAD_LENGTHS:
        raise WireError(f"load: {shown(load)} is none of {[*LOAD_LENGTHS]}")
    slower = _integer({"slower": 1, **message}, "slower", 1)
    if slower > MAX_SLOWER:
        raise WireError(f"slower: {slower}; {MAX_SLOWER} at most, or pause it")
    return Control(paused, slower, load)


def encode_live(time_s: int, seen: Sequence[tuple[str, float | None, int]]) -> bytes:
    """The payload of a `live` message, SenML (RFC 8428): device, power (W), running total (J)."""
    records: list[dict[str, Any]] = []
    base = ""
    for device, power_w, register_j in seen:
        above, slash, name = device.rpartition("/")
        record: dict[str, Any] = {}
        if above + slash != base:
            base = record["bn"] = above + slash
        if not records:
            record |= {"bt": time_s, "bu": "W"}
        record["n"] = name
        if power_w is not None:
            record["v"] = round(power_w, 3)
        records.append({**record, "s": register_j})
    text = json.dumps(records, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def identity(payload: bytes) -> tuple[str, int]:
    """The stream and batch that a payload claims, as far as they can be told: ("", 0) if not."""
    try:
        message = _message(payload)
        return _text(message, "stream", STREAM), _integer(message, "batch", 1)
    except WireError:
        return "", 0


def _load_object(load: Load) -> dict[str, Any]:
    item: dict[str, Any] = {
        "device": load.device,
        "seq": load.seq,
        "end": load.end,
        "span_s": load.span_s,
        "energy_j": load.energy_j,
        "register_j": load.register_j,
        "origin": load.origin.value,
    }
    if load.state_s is not None:
        item["state_s"] = dict(load.state_s)
    if load.power_max_w is not None:
        item["power_max_w"] = load.power_max_w
    if load.pages is not None:
        item["pages"] = load.pages
    if load.replaces != 1:
        item["replaces"] = load.replaces
    return item


def _load(item: object, index: int) -> Load:
    try:
        if not isinstance(item, dict):
            raise WireError("an object is needed")
        device, origin = item.get("device"), item.get("origin")
        if not isinstance(device, str) or DEVICE.fullmatch(device) is None:
            raise WireError(f"device: {shown(device)} is not a device id")
        if not isinstance(origin, str) or origin not in _ORIGINS:
            raise WireError(f"origin: {shown(origin)} is none of {[*_ORIGINS]}")
        load = Load(
            device,
            _integer(item, "seq", 1),
            _integer(item, "end", 0),
            _integer(item, "span_s", 1),
            _integer(item, "energy_j", 0),
            _integer(item, "register_j", 0),
            _ORIGINS[origin],
            _states(item["state_s"]) if "state_s" in item else None,
            _integer(item, "power_max_w", 0) if "power_max_w" in item else None,
            _integer(item, "pages", 0) if "pages" in item else None,
            _integer(item, "replaces", 1) if "replaces" in item else 1,
        )
        _consistent(load)
    except WireError as error:
        raise WireError(f"loads[{index}].{error}") from error
    return load


def _consistent(load: Load) -> None:
    if load.span_s > MAX_SPAN_S:
        raise WireError(f"span_s: {load.span_s} s; a load never crosses a month")
    if load.start < 0:
        raise WireError("span_s: the span begins before 1970")
    if load.energy_j > load.register_j:
        raise WireError("energy_j: more than the running total register_j")
    if load.replaces > load.seq:
        raise WireError("replaces: more loads than there were")
    if load.state_s and sum(load.state_s.values()) > load.span_s:
        raise WireError("state_s: more seconds than span_s")


def _states(value: object) -> dict[str, int]:
    if not isinstance(value, dict):
        raise WireError("state_s: an object of seconds by state is needed")
    for state, seconds in value.items():
        if state not in STATES:
            raise WireError(f"state_s: {shown(state)} is no state")
        if type(seconds) is not int or not 0 <= seconds <= MAX_SPAN_S:
            raise WireError(f"state_s.{state}: {shown(seconds)} is no number of seconds")
    return value


def _message(payload: bytes) -> dict[str, Any]:
    message = read_object(payload)
    version = message.get("v")
    if type(version) is not int or version != 1:
        raise WireError(f"v: {shown(version)}; this reader knows version 1")
    return message


def _integer(message: dict[str, Any], key: str, least: int) -> int:
    value = message.get(key)
    # `type is`, since True is an int in Python and not on the wire.
    if type(value) is not int or not least <= value <= MAX_INT:
        raise WireError(f"{key}: {shown(value)}; an integer from {least} to 2^53−1 is needed")
    return value


def _text(message: dict[str, Any], key: str, form: re.Pattern[str]) -> str:
    value = message.get(key)
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise WireError(f"{key}: {shown(value)} is not of the form {form.pattern}")
    return value


def split(loads: Sequence[Load]) -> list[Sequence[Load]]:
    """Loads cut into groups that each fit one message."""
    # A load is at most some 520 bytes long: 120 of them stay below the limit of 64 KiB.
    return [loads[i : i + 120] for i in range(0, len(loads), 120)]
