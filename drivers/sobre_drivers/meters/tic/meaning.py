"""What a frame says of energy. Only active energy that was withdrawn counts.

Power is said in VA: apparent, with which no energy can be settled. What is injected (EAIT) is no
consumption. Both are shown and never booked.
"""

from collections.abc import Iterator

from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.model import fingerprint
from sobre_drivers.meters.tic.decoding import Frame
from sobre_drivers.sample import UJ_PER_KWH, Reading

UJ_PER_WH = UJ_PER_KWH // 1000

# The indices of each contract, in Wh; together they are what was withdrawn.
CONTRACTS = (
    ("BASE",),
    ("HCHC", "HCHP"),
    ("EJPHN", "EJPHPM"),
    ("BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"),
)
WITHDRAWN = "EAST"
MAX_DIGITS = 12
SERIALS = ("ADSC", "ADCO")

_SHOWN = (
    ("apparent_power", ("SINSTS", "PAPP"), "VA"),
    ("energy_injected", ("EAIT",), "Wh"),
    ("current_1", ("IRMS1", "IINST1", "IINST"), "A"),
    ("current_2", ("IRMS2", "IINST2"), "A"),
    ("current_3", ("IRMS3", "IINST3"), "A"),
    ("voltage_1", ("URMS1",), "V"),
    ("voltage_2", ("URMS2",), "V"),
    ("voltage_3", ("URMS3",), "V"),
)
_TEXTS = (("tariff", ("LTARF", "PTEC")), ("contract", ("NGTF", "OPTARIF")))


def energy_wh(frame: Frame) -> int | None:
    """The total that was withdrawn (Wh); None unless the frame says all of it."""
    labels = {group.label for group in frame.groups}
    if WITHDRAWN in labels:
        return number(frame.said(WITHDRAWN))
    contracts = [contract for contract in CONTRACTS if labels & set(contract)]
    if len(contracts) != 1:
        return None
    indices = [number(frame.said(label)) for label in contracts[0]]
    return sum(index for index in indices if index is not None) if None not in indices else None


def reading(device: str, frame: Frame) -> Reading | None:
    """What the meter shows; None if this frame does not tell its energy, as short frames do not."""
    total_wh = energy_wh(frame)
    if total_wh is None:
        return None
    return Reading(device, register_uj=total_wh * UJ_PER_WH, serial=_serial(frame))


def values(device: str, frame: Frame) -> Iterator[Value]:
    """All that people may want to see of a frame."""
    total_wh = energy_wh(frame)
    yield Value(device, "energy", None if total_wh is None else float(total_wh), "Wh")
    for contract in CONTRACTS[1:]:
        for label in contract:
            found = number(frame.said(label))
            if found is not None:
                yield Value(device, label.lower(), float(found), "Wh")
    for name, labels, unit in _SHOWN:
        found = number(_first(frame, labels))
        if found is not None:
            yield Value(device, name, float(found), unit)
    for name, labels in _TEXTS:
        text = _first(frame, labels)
        if text is not None:
            yield Value(device, name, text.strip(), "")
    yield Value(device, "mode", frame.mode, "")
    yield Value(device, "serial", _serial(frame), "")


def number(text: str | None) -> int | None:
    """A whole number of digits and nothing else; indices have nine."""
    if text is None or len(text) > MAX_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)


def _serial(frame: Frame) -> str | None:
    found = _first(frame, SERIALS)
    return None if found is None else fingerprint(found)


def _first(frame: Frame, labels: tuple[str, ...]) -> str | None:
    return next((said for label in labels if (said := frame.said(label)) is not None), None)
