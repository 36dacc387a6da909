"""A profile applied to one agent: what to ask it, and what its answers mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sobre_drivers.errors import ConfigError
from sobre_drivers.load import Origin
from sobre_drivers.meters.kind import Own, Value
from sobre_drivers.meters.model import class_and_power
from sobre_drivers.meters.snmp import decoding
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.objects import PAGE_UNITS, Object, State, places
from sobre_drivers.meters.snmp.profile import Part, Profile, devices
from sobre_drivers.meters.units import count_uj, modulus_uj
from sobre_drivers.sample import Described, Reading

# What the agent said, by OID. What it has never had is not in it; None: it has it, and did not say.
Answers = Mapping[str, Raw | None]
# The rows that were found, as the last numbers of their OIDs, by the profile's name for them.
Found = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Point:
    """One device behind an agent: a part, and its number where it repeats."""

    device: str
    part: Part
    number: int

    @property
    def repeats(self) -> bool:
        """Whether the agent may turn out not to have it."""
        return self.part.count > 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the agent's tables the values of this profile stand."""

    unit: int
    found: Found

    def filled(self, template: str, number: int, every_row: bool = False) -> list[str]:
        """The OIDs that a template stands for; none if a row of its was not found."""
        made = [template.replace("{unit}", str(self.unit)).replace("{n}", str(number))]
        for name in places(made[0]):
            rows = self.found.get(name, ())
            made = [
                oid.replace(f"{{{name}}}", row)
                for oid in made
                for row in (rows if every_row else rows[:1])
            ]
        return made


def points(profile: Profile, device: str, outlets: tuple[int, ...] = ()) -> tuple[Point, ...]:
    """The devices behind the agent `device`; of what repeats, only the numbers in `outlets`.

    ConfigError if a number is none of the profile's; all of them if `outlets` is empty.
    """
    numbers = {part.first + i for part in profile.part if part.count > 1 for i in range(part.count)}
    strange = sorted(set(outlets) - numbers)
    if strange:
        known = f"{min(numbers)} to {max(numbers)}" if numbers else "none at all"
        raise ConfigError(
            f"{device}: outlets has {strange}; a {profile.maker} {profile.model} has {known}"
        )
    return tuple(
        Point(f"{device}/{name}" if name else device, part, number)
        for name, part, number in devices(profile)
        if part.count == 1 or not outlets or number in outlets
    )


def wanted(point: Point, place: Place, *, shown: bool = False) -> list[str]:
    """The OIDs that tell of a point; `shown` adds what is only shown."""
    part, made = point.part, []
    objects = part.objects().values() if shown else [part.power, part.energy]
    for each in objects:
        if each is not None:
            for template in each.templates:
                made += place.filled(template, point.number, each.every_row)
            made += place.filled(each.scale_oid, point.number) if each.scale_oid else []
    if part.pages is not None:
        made += place.filled(part.pages.oid, point.number)
        made += place.filled(part.pages.unit_oid, point.number)
    if part.state is not None:
        for template in part.state.ask.values():
            made += place.filled(template, point.number)
    return made


def scales(point: Point, place: Place) -> list[str]:
    """Those of them that only say how others are written, and stay as they are."""
    made = []
    for each in point.part.objects().values():
        made += place.filled(each.scale_oid, point.number) if each.scale_oid else []
    return made


def own(profile: Profile, place: Place, *, shown: bool = False) -> list[str]:
    """The OIDs that tell of the agent itself: its serial number, when it sleeps, and its model."""
    texts = [profile.serial, profile.sleep_delay, profile.model_name if shown else ""]
    return [oid for each in texts if each for oid in place.filled(each, 0)]


def reading(profile: Profile, point: Point, place: Place, answers: Answers) -> Reading:
    """What the point shows; None for each value that the agent did not say."""
    part = point.part
    power = None if part.power is None else value(part.power, point, place, answers)
    energy = None if part.energy is None else value(part.energy, point, place, answers)
    power_w = decoding.power_w(power, part.power) if part.power and power is not None else None
    state = None if part.state is None else _state(part.state, point, place, answers)
    if part.state is not None and part.power is None and state is not None:
        power_w = part.state.power_w.get(state)
    return Reading(
        device=point.device,
        register_uj=decoding.energy_uj(energy, part.energy)
        if part.energy and energy is not None
        else None,
        power_w=power_w,
        serial=serial(profile, place, answers),
        state=state,
        pages=_pages(point, place, answers),
    )


def values(profile: Profile, point: Point, place: Place, answers: Answers) -> list[Value]:
    """All that the profile knows of a point, for people to read."""
    made = []
    for name, each in point.part.objects().items():
        found = value(each, point, place, answers)
        told: float | str | None = None if found is None else float(found)
        if found is None and not each.unit:
            told = _text(each.oid, point.number, place, answers)
        made.append(Value(point.device, name, told, each.unit))
    if point.part.state is not None:
        state = _state(point.part.state, point, place, answers)
        made.append(Value(point.device, "state", state, ""))
    if point.part.pages is not None:
        pages = _pages(point, place, answers)
        told = None if pages is None else float(pages)
        made.append(Value(point.device, "pages", told, point.part.pages.unit))
    if not point.part.name:
        for name, oid in (("serial", profile.serial), ("model", profile.model_name)):
            if oid:
                made.append(Value(point.device, name, _text(oid, 0, place, answers), ""))
    return made


def value(about: Object, point: Point, place: Place, answers: Answers) -> Fraction | None:
    """An object's value in its own unit; the sum where there are several. None if not said.

    A sum of what the agent has is no sum if one of it was not said.
    """
    oids = [
        oid
        for template in about.templates
        for oid in place.filled(template, point.number, about.every_row)
    ]
    asked = [oid for oid in oids if oid in answers]
    scales = place.filled(about.scale_oid, point.number) if about.scale_oid else []
    scale = answers.get(scales[0]) if scales else None
    total = Fraction(0)
    for oid in asked:
        one = decoding.number(answers[oid], about, scale)
        if one is None:
            return None
        total += one
    return total if asked else None


def serial(profile: Profile, place: Place, answers: Answers) -> str | None:
    """The serial number; None if the agent has none, or did not say it."""
    return _text(profile.serial, 0, place, answers) if profile.serial else None


def sleep_delay_s(profile: Profile, place: Place, answers: Answers) -> float | None:
    """After how long (s) it sleeps by itself; None if it does not say, or never does."""
    for oid in place.filled(profile.sleep_delay, 0) if profile.sleep_delay else ():
        delay = answers.get(oid)
        return float(delay) if isinstance(delay, int) and delay > 0 else None
    return None


def counted_otherwise(point: Point, place: Place, answers: Answers) -> int | None:
    """The unit (PrtMarkerCounterUnitTC) in which pages are counted if it is not the profile's."""
    if point.part.pages is None:
        return None
    for oid in place.filled(point.part.pages.unit_oid, point.number):
        unit = answers.get(oid)
        if isinstance(unit, int) and unit != PAGE_UNITS[point.part.pages.unit]:
            return unit
    return None


def _pages(point: Point, place: Place, answers: Answers) -> int | None:
    about = point.part.pages
    if about is None:
        return None
    units = place.filled(about.unit_oid, point.number)
    counts = place.filled(about.oid, point.number)
    if not (units and counts) or answers.get(units[0]) != PAGE_UNITS[about.unit]:
        return None
    count = answers.get(counts[0])
    # -1 and -2 are the Printer MIB's "other" and "unknown".
    return count if isinstance(count, int) and count >= 0 else None


def _state(about: State, point: Point, place: Place, answers: Answers) -> str:
    said = {}
    for name, template in about.ask.items():
        for oid in place.filled(template, point.number):
            said[name] = answers.get(oid)
    for rule in about.rules:
        if all(said.get(name) in allowed for name, allowed in rule.when.items()):
            return rule.state
    return "unknown"


def _text(template: str, number: int, place: Place, answers: Answers) -> str | None:
    for oid in place.filled(template, number):
        return decoding.text(answers.get(oid))
    return None


def described(
    profile: Profile, name: str, point: Point, meter: Own, own: Own | None = None
) -> Described:
    """What the agent must know of a point; `meter` is what is said of the whole meter.

    ConfigError if nobody states its greatest power.
    """
    part = point.part
    device_class, rated_w = class_and_power(point.device, name, part, profile, meter, own)
    measured = part.power is not None or part.energy is not None
    doubt = " (unconfirmed)" if profile.confirmed == "unconfirmed" else ""
    counts = f", pages in {part.pages.unit}" if part.pages is not None else ""
    return Described(
        device=point.device,
        device_class=device_class,
        rated_w=rated_w,
        method=f"snmp {name}{doubt}{counts}",
        origin=Origin.MEASURED if measured else Origin.ESTIMATED,
        uncertainty_ratio=profile.uncertainty_ratio,
        count_uj=count_uj(part.energy) if part.energy else 1,
        modulus_uj=modulus_uj(part.energy) if part.energy else None,
    )


def absent(chosen: Iterable[Point], place: Place, answers: Answers) -> set[str]:
    """The devices among those that repeat of which the agent knows no value at all."""
    return {
        point.device
        for point in chosen
        if point.repeats and not any(oid in answers for oid in wanted(point, place))
    }
