"""Characters of seven bits, whether the line hands on their parity bit or not."""

# Stands for a character whose parity was lost; no meter sends it.
SPOILT = 0x1A


def seven_bits(data: bytes) -> bytes:
    """The characters without their parity bit (even); a wrong one is spoilt.

    A port that checks parity itself hands on seven bits, a serial server often all eight. Where the
    bit is missing, the message's checksum must do.
    """
    return data.translate(_SEVEN_BITS)


def _received(byte: int) -> int:
    return SPOILT if byte > 0x7F and byte.bit_count() % 2 else byte & 0x7F


_SEVEN_BITS = bytes(map(_received, range(256)))
