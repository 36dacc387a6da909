"""JSON from strangers, read strictly: what a lenient reader would let in poisons a sum later."""

import json
from typing import Any

from sobre_drivers.errors import WireError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8


def shown(text: object) -> str:
    """Foreign text made safe for a log line: `repr`, 200 characters at most."""
    line = repr(text)
    return line if len(line) <= 200 else line[:197] + "..."


def read_object(payload: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """A JSON object, read strictly: UTF-8, finite numbers, no key twice, not deep.

    Raises WireError; every other message of the wire starts here.
    """
    if len(payload) > max_bytes:
        raise WireError(f"{len(payload)} bytes; {max_bytes} at most")
    # The scanner recurses: depth is bounded before it runs.
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _depth(payload) > MAX_DEPTH:
        raise WireError(f"nested deeper than {MAX_DEPTH}")
    try:
        message = _DECODER.decode(payload.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise WireError("not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise WireError(f"not JSON: {shown(str(error))}") from error
    if not isinstance(message, dict):
        raise WireError("a JSON object is needed")
    return message


def written(message: dict[str, Any]) -> bytes:
    """A message as compact UTF-8 JSON; ValueError for a number that is not finite."""
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:20]} is not finite")
    return number


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _depth(payload: bytes) -> int:
    depth = deepest = 0
    quoted = escaped = False
    for byte in payload:
        if quoted:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                quoted = False
        elif byte == 0x22:
            quoted = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_finite,
    parse_constant=_no_constant,
)
