"""IPP messages, written anew from RFC 8010: nothing of ours."""

from collections.abc import Mapping

from sobre_drivers.meters.ipp import message

# An answer written down from RFC 8010, 3.1: version 1.1, successful-ok, request 7; two operation
# attributes; of the printer an enum, two keywords of one name, an integer and an unknown value.
WRITTEN = bytes.fromhex(
    "0101 0000 00000007"
    "01"
    "47 0012 617474726962757465732d63686172736574 0005 7574662d38"
    "48 001b 617474726962757465732d6e61747572616c2d6c616e6775616765 0002 656e"
    "04"
    "23 000d 7072696e7465722d7374617465 0004 00000003"
    "44 0015 7072696e7465722d73746174652d726561736f6e73 0007 7374616e646279"
    "44 0000 0011 6d656469612d6c6f772d7761726e696e67"
    "21 000f 7072696e7465722d75702d74696d65 0004 00000e10"
    "12 0019 7072696e7465722d73746174652d6368616e67652d74696d65 0000"
    "03".replace(" ", "")
)


def encoded(tag: int, name: str, data: bytes) -> bytes:
    """An attribute."""
    text = name.encode("ascii")
    return (
        bytes([tag, len(text) >> 8, len(text) & 255]) + text + len(data).to_bytes(2, "big") + data
    )


def collection(members: Mapping[str, tuple[int, bytes]], name: str) -> bytes:
    inside = b"".join(
        encoded(0x4A, "", member.encode()) + encoded(tag, "", data)
        for member, (tag, data) in members.items()
    )
    return encoded(0x34, name, b"") + inside + encoded(0x37, "", b"")


def meter(actual: bool, kwh: int = 123, watts: int = 38, state: str = "on") -> bytes:
    return collection(
        {
            "current-watts": (0x21, watts.to_bytes(4, "big")),
            "lifetime-kwh": (0x21, kwh.to_bytes(4, "big")),
            "meters-are-actual": (0x22, bytes([actual])),
            "power-state": (0x44, state.encode()),
        },
        "power-state-monitor-col",
    )


def said(*more: bytes) -> Mapping[str, message.Values]:
    return message.answer(WRITTEN[:8] + b"\x04" + b"".join(more) + b"\x03").printer


def state(code: int, *reasons: str) -> bytes:
    made = encoded(0x23, "printer-state", code.to_bytes(4, "big"))
    for number, reason in enumerate(reasons or ("none",)):
        made += encoded(0x44, "" if number else "printer-state-reasons", reason.encode())
    return made


def number(name: str, value: int) -> bytes:
    return encoded(0x21, name, value.to_bytes(4, "big", signed=True))
