"""JSON from strangers, read strictly: what a lenient reader would let in poisons a sum later."""

import json
import re
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
    if _too_deep(payload):
        raise WireError(f"nested deeper than {MAX_DEPTH}, or brackets that do not match")
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


def _too_deep(payload: bytes) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH, told without a loop over the bytes."""
    text = _STRINGS.sub(b"", payload) if b"\\" in payload else payload
    left = text.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    if b'"' in left:
        # A string holds brackets: strings are cut out first.
        left = _STRINGS.sub(b"", payload).translate(None, _NO_STRUCTURE)
    for _ in range(MAX_DEPTH):
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    return bool(left)


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_finite,
    parse_constant=_no_constant,
)
