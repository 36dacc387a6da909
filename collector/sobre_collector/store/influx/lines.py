"""Line protocol and InfluxQL as text: what is escaped how, and what neither can hold.

Only integers, booleans and texts are written, never a float: NaN and infinity have no place in
line protocol, and a float after an integer is a type conflict for ever.
"""

from collections.abc import Iterable

# What an integer field of InfluxDB holds.
LEAST, GREATEST = -(2**63), 2**63 - 1
# The last second that a time stamp in ns can tell: in April 2262.
LAST_S = GREATEST // 1_000_000_000 - 1
# A value that ends in a backslash swallows the separator after it, and no escape helps; a line
# break ends the point.
UNSAFE = frozenset("\\\n\r\t\0")
# Together with the other tags and the measurement, a key may take 65,535 bytes.
MAX_TAG_BYTES = 1_000

_TAG = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"'})
_QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})


class UnstorableError(ValueError):
    """A value that InfluxDB has no form for; the message says which."""


def tag(value: str) -> str:
    """A tag's value, escaped; UnstorableError if there is no way to write it."""
    if not value or UNSAFE & set(value) or len(value.encode()) > MAX_TAG_BYTES:
        raise UnstorableError(f"{value[:80]!r} cannot be a tag in InfluxDB")
    return value.translate(_TAG)


def taggable(value: str) -> str:
    """A value like this one that can be a tag."""
    plain = "".join("?" if each in UNSAFE else each for each in value) or "?"
    return plain.encode()[:MAX_TAG_BYTES].decode("utf-8", "ignore")


def text(value: str) -> str:
    """A text field, with its quotes; it may hold line breaks."""
    return f'"{value.translate(_TEXT)}"'


def whole(value: int) -> str:
    """An integer field; UnstorableError beyond 64 bits, or for what is no integer."""
    if type(value) is not int or not LEAST <= value <= GREATEST:
        raise UnstorableError(f"{value!r} is no integer of 64 bits")
    return f"{value}i"


def truth(value: bool) -> str:
    """A boolean field."""
    return "true" if value else "false"


def quoted(value: str) -> str:
    """A text in InfluxQL, with its quotes."""
    return f"'{value.translate(_QUOTED)}'"


def name(value: str) -> str:
    """An identifier in InfluxQL (many plain words are keywords), with its quotes."""
    return f'"{value.translate(_TEXT)}"'


def any_of(key: str, values: Iterable[str]) -> str:
    """The condition that a tag is one of these."""
    return "(" + " OR ".join(f"{name(key)} = {quoted(value)}" for value in values) + ")"
