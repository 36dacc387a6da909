"""A profile applied to one meter: what to ask it, and what its answers mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Origin
from sobre_drivers.meters.kind import Own, Value
from sobre_drivers.meters.modbus import decoding
from sobre_drivers.meters.modbus.blocks import Block
from sobre_drivers.meters.modbus.profile import Part, Profile, Register, devices
from sobre_drivers.meters.model import class_and_power
from sobre_drivers.meters.units import count_uj, modulus_uj
from sobre_drivers.sample import Described

# The words that were read, by function and address; what is not in it could not be read.
Picture = Mapping[int, Mapping[int, int]]


@dataclass(frozen=True, slots=True)
class Point:
    """One device behind a meter; its addresses are the part's, `moved` on."""

    device: str
    part: Part
    moved: int


def points(profile: Profile, device: str, outlets: tuple[int, ...] = ()) -> tuple[Point, ...]:
    """The devices behind the meter `device`; of what repeats, only the numbers in `outlets`.

    ConfigError if a number is none of the profile's; all of them if `outlets` is empty.
    """
    numbers = {part.first + i for part in profile.part if part.count > 1 for i in range(part.count)}
    strange = sorted(set(outlets) - numbers)
    if strange:
        known = f"{min(numbers)} to {max(numbers)}" if numbers else "none at all"
        raise ConfigError(
            f"{device}: outlets has {strange}; a {profile.maker} {profile.model} has {known}"
        )
    found = []
    for name, part, moved in devices(profile):
        number = part.first + moved // part.step if part.count > 1 else None
        if number is None or not outlets or number in outlets:
            found.append(Point(f"{device}/{name}" if name else device, part, moved))
    return tuple(found)


def wanted(
    profile: Profile, chosen: Iterable[Point], base: int, *, shown: bool = False
) -> list[Block]:
    """The registers of the points and of the serial number; `shown` adds what is only shown."""
    blocks = []
    for point in chosen:
        settled = [point.part.power, point.part.energy]
        for register in [*settled, *(point.part.shown.values() if shown else ())]:
            if register is not None:
                function = register.function or profile.function
                blocks.append(
                    Block(function, base + register.address + point.moved, register.words)
                )
                if register.scale_exponent is not None:
                    blocks.append(Block(function, base + register.scale_exponent + point.moved, 1))
    if profile.serial is not None:
        serial = profile.serial
        function = serial.function or profile.function
        blocks.append(Block(function, base + serial.address, serial.length))
    return blocks


def values(profile: Profile, chosen: Iterable[Point], picture: Picture, base: int) -> list[Value]:
    """All that the profile knows of the points, and the serial number, for people to read."""
    made = []
    for point in chosen:
        for name, register in point.part.registers().items():
            found = value(profile, point, register, picture, base)
            told = None if found is None else float(found)
            made.append(Value(point.device, name, told, register.unit))
        if profile.serial is not None and not point.part.name:
            made.append(Value(point.device, "serial", serial(profile, picture, base), ""))
    return made


def value(
    profile: Profile, point: Point, register: Register, picture: Picture, base: int
) -> Fraction | None:
    """A register's value in its own unit; None if the meter did not say it."""
    found = told(profile, point, register, picture, base)
    return None if found is None else found[0]


def told(
    profile: Profile, point: Point, register: Register, picture: Picture, base: int
) -> tuple[Fraction, list[int], int] | None:
    """A register's value in its own unit, its words and their power of ten; None as for `value`."""
    words_of = picture.get(register.function or profile.function, {})
    words = decoding.cut(words_of, base + register.address + point.moved, register.words)
    exponent: int | None = 0
    if register.scale_exponent is not None:
        scale = decoding.cut(words_of, base + register.scale_exponent + point.moved, 1)
        exponent = decoding.exponent(scale[0]) if scale else None
    if words is None or exponent is None:
        return None
    number = decoding.number(words, register, profile.word_order, exponent)
    return None if number is None else (number, words, exponent)


def serial(profile: Profile, picture: Picture, base: int) -> str | None:
    """The meter's serial number; None if it has none, or did not say it."""
    if profile.serial is None:
        return None
    place = profile.serial
    words_of = picture.get(place.function or profile.function, {})
    words = decoding.cut(words_of, base + place.address, place.length)
    if words is None:
        return None
    if place.type == "text":
        return decoding.text(words)
    bits = decoding.pattern(words, place.word_order or profile.word_order)
    # Nothing but ones, or nothing at all, is how meters leave a number unset.
    unset = bits in (0, (1 << 16 * place.length) - 1)
    return None if unset else str(decoding.raw(bits, place.type))


def described(
    profile: Profile, name: str, point: Point, meter: Own, own: Own | None = None
) -> Described:
    """What the agent must know of a point; `meter` is what is said of the whole meter.

    ConfigError if nobody states its greatest power.
    """
    part = point.part
    device_class, rated_w = class_and_power(point.device, name, part, profile, meter, own)
    doubt = " (unconfirmed)" if profile.confirmed == "unconfirmed" else ""
    return Described(
        device=point.device,
        device_class=device_class,
        rated_w=rated_w,
        method=f"modbus {name}{doubt}",
        origin=Origin.MEASURED,
        uncertainty_ratio=profile.uncertainty_ratio,
        count_uj=count_uj(part.energy) if part.energy else 1,
        modulus_uj=modulus_uj(part.energy) if part.energy else None,
    )
