"""Which profiles fit what answers Modbus: by its own word, or by values that could be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sobre_drivers.errors import ConfigError, MeterError
from sobre_drivers.meters import catalog
from sobre_drivers.meters.commissioning.found import Match, best_first
from sobre_drivers.meters.commissioning.look import ANY_W
from sobre_drivers.meters.commissioning.plausible import verdicts
from sobre_drivers.meters.configured import MeterSettings
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.modbus import decoding, points, profile, sunspec
from sobre_drivers.meters.modbus.blocks import Block, merged
from sobre_drivers.meters.modbus.driver import Line, ModbusDriver
from sobre_drivers.meters.modbus.pdu import Refused
from sobre_drivers.meters.modbus.profile import Profile

# SunSpec's common model: maker and model are texts of 16 registers (model 1, offsets 2 and 18).
_COMMON, _TEXT_WORDS, _MAKER, _MODEL = 1, 16, 2, 18
# Values that hardly anything but a meter shows by chance.
_TELLING = ("V", "Hz")
_DEVICE = "found"
# Three places for its mark, and a chain of models.
_SUNSPEC_REQUESTS = 12


class Unit:
    """One unit on a line, asked one thing at a time; what it refused once is not asked again."""

    def __init__(self, line: Line, unit_id: int, timeout_s: float) -> None:
        self._line, self._unit_id, self._timeout_s = line, unit_id, timeout_s
        self._known: dict[Block, Sequence[int] | None] = {}
        self.refusal: int | None = None

    def words(self, function: int, address: int, count: int) -> Sequence[int] | None:
        """The words there; None if the unit refuses them. MeterError if it is silent."""
        block = Block(function, address, count)
        if block not in self._known:
            try:
                self._known[block] = self._line.read(self._unit_id, block, self._timeout_s)
            except Refused as refusal:
                self._known[block], self.refusal = None, refusal.code
        return self._known[block]

    def tells(self) -> str:
        """What it says it is, as SunSpec devices do; "" if it does not."""
        at = sunspec.model_address(lambda address, count: self.words(3, address, count), _COMMON)
        if at is None:
            return ""
        texts = [self.words(3, at + offset, _TEXT_WORDS) for offset in (_MAKER, _MODEL)]
        return " ".join(t for words in texts if words and (t := decoding.text(words)))

    def shown(self, model: Profile, meter: MeterSettings, folder: Path | None) -> list[Value]:
        """What it shows by a profile; MeterError as the driver has it."""
        behind = points.points(model, meter.device)
        about = catalog.describe(meter, folder)
        made = ModbusDriver(
            meter.device, self._line, self._unit_id, self._timeout_s, model, behind, about
        )
        return made.shown()


def profiles(folder: Path | None) -> dict[str, Profile]:
    """All Modbus profiles that are whole; what is wrong in one, `check` says."""
    found = {}
    for name, path in catalog.paths(folder).items():
        try:
            if catalog.about(path).protocol == "modbus":
                found[name] = profile.read(path)
        except ConfigError:
            continue
    return found


def requests(known: Mapping[str, Profile]) -> int:
    """How many requests it takes to hold one unit against all profiles, if it refuses none."""
    total = _SUNSPEC_REQUESTS
    for model in known.values():
        if model.sunspec_model is None and model.identify is None:
            wanted = points.wanted(model, points.points(model, _DEVICE), 0, shown=True)
            total += len(merged(wanted, model.max_registers, model.max_gap))
    return total + len(known)


def shown(unit: Unit, name: str, folder: Path | None) -> list[Value]:
    """What a unit shows by the profile of that name; MeterError if it is silent."""
    model = profile.read(catalog.find(name, folder))
    return unit.shown(model, _meter(name), folder)


def matches(unit: Unit, known: Mapping[str, Profile], folder: Path | None) -> tuple[Match, ...]:
    """The profiles that fit a unit, best first; MeterError if it fell silent."""
    found = list(_matches(unit, known, folder))
    named = [each for each in found if each[1].sure == "identified"]
    return best_first(named or found)


def _matches(
    unit: Unit, known: Mapping[str, Profile], folder: Path | None
) -> Iterator[tuple[int, Match]]:
    for name, model in known.items():
        if model.sunspec_model is not None:
            at = sunspec.model_address(_reader(unit, model.function), model.sunspec_model)
            if at is not None:
                why = f"SunS marker, model {model.sunspec_model} at {at}"
                yield 0, Match(name, "identified", why)
            continue
        if model.identify is not None:
            place = model.identify
            words = unit.words(place.function or model.function, place.address, place.words)
            if words is not None:
                told = place.told(words)
                if told is None:
                    continue
                why = f"register {place.address} holds {told}, as this model's"
                yield 0, Match(name, "identified", why)
                continue
        score, why = _evidence(unit, name, model, folder)
        if score:
            yield score, Match(name, "possible", why)


def _evidence(unit: Unit, name: str, model: Profile, folder: Path | None) -> tuple[int, str]:
    """How much of what a profile reads could be, 0 if any of it cannot; and what that was."""
    try:
        said = unit.shown(model, _meter(name), folder)
    except Refused:
        return 0, ""
    except MeterError as error:
        if isinstance(error.__cause__, Refused):
            return 0, ""
        raise
    rated_w = {each.device: model.rated_w or ANY_W for each in said}
    judged = list(zip(said, verdicts(said, rated_w), strict=True))
    if any(verdict.level == "wrong" for _, verdict in judged):
        return 0, ""
    held = [each for each, verdict in judged if verdict.level == "ok" and each.value]
    told_of = [each for each in said if each.value is not None]
    if len(held) < 2 or 2 * len(told_of) < len(said):
        return 0, ""
    telling = sorted(held, key=lambda each: each.unit not in _TELLING)[:3]
    told = ", ".join(f"{_short(each)} {each.value:.6g} {each.unit}" for each in telling)
    weight = sum(3 if each.unit in _TELLING else 1 for each in held)
    return weight, f"values could be ({told}), which is weak evidence; compare with its display"


def _short(each: Value) -> str:
    part = each.device.removeprefix(_DEVICE).lstrip("/")
    return f"{part} {each.name}".strip()


def _meter(name: str) -> MeterSettings:
    return MeterSettings(device=_DEVICE, profile=name, host=_DEVICE, rated_w=ANY_W)


def _reader(unit: Unit, function: int) -> Callable[[int, int], Sequence[int] | None]:
    return lambda address, count: unit.words(function, address, count)
