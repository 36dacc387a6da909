"""What a telegram says of energy: what was taken from the grid, and the power that is taken now."""

import re
from collections.abc import Iterator
from fractions import Fraction

from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.model import fingerprint
from sobre_drivers.meters.p1.decoding import Telegram
from sobre_drivers.sample import UJ_PER_KWH, Reading

UJ_PER_WH = UJ_PER_KWH // 1000

# IEC 62056-61: 1.8.0 is the total, 1.8.1 and 1.8.2 (and more where there are) its tariffs.
TOTAL = "1-0:1.8.0"
TARIFFS = tuple(f"1-0:1.8.{n}" for n in range(1, 5))
POWER = "1-0:1.7.0"
SERIALS = ("0-0:96.1.1", "0-0:42.0.0")

_PER_UNIT = {"Wh": Fraction(UJ_PER_WH), "kWh": Fraction(UJ_PER_KWH)}
_W_PER_UNIT = {"W": Fraction(1), "kW": Fraction(1000)}
_MEASURED = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\*([A-Za-z]+)")
_SHOWN = {
    "energy": TOTAL,
    "energy_tariff_1": TARIFFS[0],
    "energy_tariff_2": TARIFFS[1],
    "energy_injected": "1-0:2.8.0",
    "energy_injected_1": "1-0:2.8.1",
    "energy_injected_2": "1-0:2.8.2",
    "power": POWER,
    "power_injected": "1-0:2.7.0",
    "voltage_1": "1-0:32.7.0",
    "voltage_2": "1-0:52.7.0",
    "voltage_3": "1-0:72.7.0",
    "current_1": "1-0:31.7.0",
    "current_2": "1-0:51.7.0",
    "current_3": "1-0:71.7.0",
}


def energy_uj(telegram: Telegram) -> int | None:
    """What was taken from the grid (µJ); None unless the telegram says all of it."""
    if TOTAL in telegram.objects:
        return _whole(_in(telegram, TOTAL, _PER_UNIT))
    told = [tariff for tariff in TARIFFS if tariff in telegram.objects]
    # Nothing vouches for an old telegram: a tariff that noise hid would look like a reset.
    if not told or (not telegram.checked and told[:2] != list(TARIFFS[:2])):
        return None
    parts = [_in(telegram, tariff, _PER_UNIT) for tariff in told]
    return _whole(sum(part for part in parts if part is not None)) if None not in parts else None


def power_w(telegram: Telegram) -> float | None:
    """The active power that is taken now (W); None if the telegram does not say it."""
    found = _in(telegram, POWER, _W_PER_UNIT)
    return None if found is None else float(found)


def reading(device: str, telegram: Telegram) -> Reading | None:
    """What the meter shows; None if the telegram says nothing of electricity that was taken."""
    register_uj = energy_uj(telegram)
    if register_uj is None:
        return None
    return Reading(device, register_uj, power_w(telegram), _serial(telegram))


def values(device: str, telegram: Telegram) -> Iterator[Value]:
    """All that people may want to see of a telegram."""
    for name, reference in _SHOWN.items():
        found = _measured(telegram, reference)
        if found is not None:
            yield Value(device, name, float(found[0]), found[1])
    yield Value(device, "identification", telegram.identification, "")
    yield Value(device, "serial", _serial(telegram), "")


def _in(telegram: Telegram, reference: str, units: dict[str, Fraction]) -> Fraction | None:
    found = _measured(telegram, reference)
    return None if found is None or found[1] not in units else found[0] * units[found[1]]


def _measured(telegram: Telegram, reference: str) -> tuple[Fraction, str] | None:
    # The value comes last: a time may stand before it.
    read = _MEASURED.fullmatch(telegram.objects.get(reference, ("",))[-1])
    return None if read is None else (Fraction(read[1]), read[2])


def _whole(energy: Fraction | int | None) -> int | None:
    return None if energy is None else int(energy)


def _serial(telegram: Telegram) -> str | None:
    said = [telegram.objects[ref][-1] for ref in SERIALS if ref in telegram.objects]
    return fingerprint(said[0]) if said and said[0].strip("0") else None
