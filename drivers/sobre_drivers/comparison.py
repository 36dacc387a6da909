"""One PC beside a plug: what `sobre-agent calibrate` writes, and `sobre calibration add` reads.

It names neither the PC nor a person, and tells no time but the day on which it ended.
"""

import math
from dataclasses import asdict, dataclass
from datetime import date

from sobre_drivers.birth import MAX_TEXT
from sobre_drivers.errors import WireError
from sobre_drivers.load import CLASSES
from sobre_drivers.strict_json import read_object, shown, written

KIND = "sobre-calibration"
# Shorter, and a session says more about a quarter of an hour than about the PC.
LEAST_HOURS = 2.0
MOST_HOURS = 24.0 * 92
# Beyond, another device hangs on the plug, or the plug feeds more than the PC.
LEAST_RATIO, MOST_RATIO = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Mean power (W) of one PC over `hours`, by its model and at the plug.

    `se_ratio` is the standard error of their ratio within the session, `reference_u_ratio` the
    plug's stated error (95 %). `day` is the ISO date on which it ended.
    """

    device_class: str
    processor: str
    method: str
    model_w: float
    plug_w: float
    se_ratio: float
    reference_u_ratio: float
    hours: float
    day: str

    @property
    def factor_ratio(self) -> float:
        """What the plug says for each watt of the model."""
        return self.plug_w / self.model_w


def encode(comparison: Comparison) -> bytes:
    """The content of a file."""
    return written({"v": 1, "kind": KIND, **asdict(comparison)})


def decode(payload: bytes) -> Comparison:
    """The comparison in a file; WireError names what is wrong with it."""
    given = read_object(payload, max_bytes=4096)
    if given.get("kind") != KIND or type(given.get("v")) is not int or given["v"] != 1:
        raise WireError(f"kind: {shown(given.get('kind'))}; `sobre-agent calibrate` writes {KIND}")
    texts = {}
    for key in ("device_class", "processor", "method", "day"):
        value = given.get(key)
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise WireError(f"{key}: {shown(value)}; a text of {MAX_TEXT} characters at most")
        texts[key] = value
    if texts["device_class"] not in CLASSES:
        raise WireError(f"device_class: {shown(texts['device_class'])} is none of {[*CLASSES]}")
    try:
        date.fromisoformat(texts["day"])
    except ValueError as error:
        raise WireError(f"day: {shown(texts['day'])}; a day such as 2026-11-24") from error
    found = Comparison(
        **texts,
        model_w=_number(given, "model_w", 0.01, 1e5),
        plug_w=_number(given, "plug_w", 0.01, 1e5),
        se_ratio=_number(given, "se_ratio", 0.0, 10.0),
        reference_u_ratio=_number(given, "reference_u_ratio", 0.0, 1.0),
        hours=_number(given, "hours", LEAST_HOURS, MOST_HOURS),
    )
    if not LEAST_RATIO <= found.factor_ratio <= MOST_RATIO:
        raise WireError(
            f"the plug says {found.plug_w:.1f} W and the model {found.model_w:.1f} W; look whether "
            "the plug feeds this PC, and nothing else"
        )
    return found


def _number(given: dict[str, object], key: str, least: float, most: float) -> float:
    value = given.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WireError(f"{key}: {shown(value)}; a number is needed")
    if not math.isfinite(value) or not least <= value <= most:
        raise WireError(f"{key}: {value:g}; from {least:g} to {most:g} is possible")
    return float(value)
