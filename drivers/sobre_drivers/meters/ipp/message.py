"""Internet Printing Protocol, as bytes (RFC 8010): one question, and what printers answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sobre_drivers.errors import MeterError

# RFC 8011, 5.4.15.
GET_PRINTER_ATTRIBUTES = 0x000B
VERSION = (2, 0)

_OPERATION, _END, _PRINTER = 0x01, 0x03, 0x04
_FIRST_VALUE_TAG = 0x10
_INTEGER, _BOOLEAN, _ENUM = 0x21, 0x22, 0x23
_BEGIN, _FINISH, _MEMBER = 0x34, 0x37, 0x4A
_TEXTS = frozenset({0x41, 0x42, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49})
_WITH_LANGUAGE = frozenset({0x35, 0x36})
_CHARSET, _LANGUAGE, _URI, _KEYWORD = 0x47, 0x48, 0x45, 0x44
# A collection in a collection is as deep as power states go.
MAX_DEPTH = 4

# What a printer says of one attribute; None is "unknown", "no value" or a kind that tells nothing.
Value = int | bool | str | Mapping[str, "Values"] | None
Values = Sequence[Value]


@dataclass(frozen=True, slots=True)
class Answer:
    """A printer's answer: its status code, and its own attributes by name."""

    status: int
    request: int
    printer: Mapping[str, Values]


def question(uri: str, request: int, wanted: Sequence[str]) -> bytes:
    """Ask the printer at `uri` for these attributes of its own."""
    parts = [
        bytes(VERSION),
        GET_PRINTER_ATTRIBUTES.to_bytes(2, "big"),
        request.to_bytes(4, "big"),
        bytes((_OPERATION,)),
        _attribute(_CHARSET, "attributes-charset", "utf-8"),
        _attribute(_LANGUAGE, "attributes-natural-language", "en"),
        _attribute(_URI, "printer-uri", uri),
    ]
    names = ["requested-attributes"] + [""] * (len(wanted) - 1)
    parts += [_attribute(_KEYWORD, name, word) for name, word in zip(names, wanted, strict=True)]
    return b"".join(parts) + bytes((_END,))


def answer(data: bytes) -> Answer:
    """What a printer answered; MeterError if it is no IPP, or ends in the middle."""
    reader = _Reader(data)
    reader.take(2)
    status, request = reader.number(2), reader.number(4)
    printer: dict[str, list[Value]] = {}
    group, name = 0, ""
    while (tag := reader.number(1)) != _END:
        if tag < _FIRST_VALUE_TAG:
            group, name = tag, ""
            continue
        found, value = reader.attribute(tag)
        # A further value has no name of its own.
        name = found or name
        if group == _PRINTER and name:
            printer.setdefault(name, []).append(value)
    return Answer(status, request, printer)


def _attribute(tag: int, name: str, text: str) -> bytes:
    made = bytes((tag,))
    for each in (name.encode(), text.encode()):
        made += len(each).to_bytes(2, "big") + each
    return made


class _Reader:
    """Takes an answer apart from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        made = self._data[self._at : self._at + count]
        if len(made) < count:
            raise MeterError("an answer that ends in the middle; is it the printer's IPP port?")
        self._at += count
        return made

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def attribute(self, tag: int, depth: int = 0) -> tuple[str, Value]:
        """Name and value of an attribute whose tag was read."""
        name = self.take(self.number(2))
        data = self.take(self.number(2))
        if tag == _BEGIN:
            return _text(name), self._collection(depth + 1)
        return _text(name), _value(tag, data)

    def _collection(self, depth: int) -> Mapping[str, Values]:
        if depth > MAX_DEPTH:
            raise MeterError(f"an answer nested deeper than {MAX_DEPTH}; is it a printer?")
        members: dict[str, list[Value]] = {}
        name = ""
        while (tag := self.number(1)) != _FINISH:
            if tag < _FIRST_VALUE_TAG:
                raise MeterError("an answer whose collection never ends; is it a printer?")
            _, value = self.attribute(tag, depth)
            if tag == _MEMBER:
                name = str(value)
            elif name:
                members.setdefault(name, []).append(value)
        # The name and value of its end are empty.
        self.take(self.number(2))
        self.take(self.number(2))
        return members


def _value(tag: int, data: bytes) -> Value:
    if tag in (_INTEGER, _ENUM):
        return int.from_bytes(data, "big", signed=True) if len(data) == 4 else None
    if tag == _BOOLEAN:
        return data == b"\x01" if len(data) == 1 else None
    if tag in _TEXTS or tag == _MEMBER:
        return _text(data)
    if tag in _WITH_LANGUAGE:
        after = 2 + int.from_bytes(data[:2], "big")
        length = int.from_bytes(data[after : after + 2], "big")
        return _text(data[after + 2 : after + 2 + length])
    return None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
