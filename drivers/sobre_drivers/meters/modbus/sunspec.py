"""Where a SunSpec model stands: devices chain their models, each after the one before."""

from collections.abc import Callable, Sequence

# "SunS", and where it may stand (SunSpec Device Information Model Specification, 6.2).
_MARK = (0x5375, 0x6E53)
_BASES = (40000, 50000, 0)
_END = 0xFFFF
_MOST_MODELS = 200


def model_address(read: Callable[[int, int], Sequence[int] | None], model: int) -> int | None:
    """The address of a model's ID register; None if the device has no such model.

    `read(address, count)` gives the words there, None if the device refuses them.
    """
    for base in _BASES:
        mark = read(base, 2)
        if mark is None or tuple(mark) != _MARK:
            continue
        at = base + 2
        for _ in range(_MOST_MODELS):
            head = read(at, 2) if at <= 0xFFFE else None
            if head is None or head[0] == _END:
                return None
            if head[0] == model:
                return at
            at += 2 + head[1]
    return None
