"""What a node says of a device, once and retained: nothing that names a person or a time."""

import math
from dataclasses import asdict, dataclass

from sobre_drivers.errors import WireError
from sobre_drivers.load import CLASSES, Origin
from sobre_drivers.strict_json import read_object, shown, written

MAX_TEXT = 100
# 1 kWh: the coarsest step that meters with a serial line count in.
MAX_COUNT_J = 3_600_000


@dataclass(frozen=True, slots=True)
class Birth:
    """How a device is measured and to whom it belongs, as its node proposes it to the ledger.

    `rated_w` is its greatest plausible power (W), `uncertainty_ratio` the stated error of its
    energy (95 %, as a ratio; None if nobody stated one). `count_j` is the step of its register
    (J), None where it counts in 10 Wh or finer.
    """

    device_class: str
    organisation: str
    site: str
    method: str
    origin: Origin
    rated_w: float
    uncertainty_ratio: float | None
    agent_version: str
    count_j: int | None = None


def encode(birth: Birth) -> bytes:
    """The payload of a `birth` message."""
    fields = asdict(birth)
    if birth.count_j is None:
        del fields["count_j"]
    return written({"v": 1, "class": fields.pop("device_class"), **fields})


def decode(payload: bytes) -> Birth:
    """The birth in a payload; WireError names the field that is wrong."""
    message = read_object(payload, max_bytes=4096)
    if type(message.get("v")) is not int or message["v"] != 1:
        raise WireError(f"v: {shown(message.get('v'))}; this reader knows version 1")
    texts = {}
    for key in ("class", "organisation", "site", "method", "origin", "agent_version"):
        value = message.get(key)
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise WireError(f"{key}: {shown(value)}; a text of {MAX_TEXT} characters at most")
        texts[key] = value
    device_class, origin = texts.pop("class"), texts.pop("origin")
    if device_class not in CLASSES:
        raise WireError(f"class: {shown(device_class)} is none of {[*CLASSES]}")
    if origin not in list(Origin):
        raise WireError(f"origin: {shown(origin)} is none of {[*Origin]}")
    rated_w = _ratio_or_power(message, "rated_w", 1e7)
    if rated_w is None:
        raise WireError("rated_w: missing; the greatest plausible power in W is needed")
    uncertainty_ratio = _ratio_or_power(message, "uncertainty_ratio", 10.0)
    return Birth(
        device_class=device_class,
        **texts,
        origin=Origin(origin),
        rated_w=rated_w,
        uncertainty_ratio=uncertainty_ratio,
        count_j=_count(message.get("count_j")),
    )


def _count(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= MAX_COUNT_J:
        raise WireError(f"count_j: {shown(value)}; an integer from 1 to {MAX_COUNT_J} is needed")
    return value


def _ratio_or_power(message: dict[str, object], key: str, most: float) -> float | None:
    value = message.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= most:  # type: ignore[arg-type,operator]
        raise WireError(f"{key}: {shown(value)}; a number from 0 to {most:g} is needed")
    return float(value)  # type: ignore[arg-type]
