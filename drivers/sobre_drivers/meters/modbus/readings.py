"""From the words of a round to what each device shows, and what of it is nonsense."""

from collections.abc import Mapping, Sequence

from sobre_drivers.meters.modbus import decoding, points
from sobre_drivers.meters.modbus.points import Picture, Point
from sobre_drivers.meters.modbus.profile import Profile
from sobre_drivers.meters.modbus.sense import Sense
from sobre_drivers.registers import Limits
from sobre_drivers.sample import RATED_MARGIN, Described, Reading


class Readings:
    """Remembers of each point where its register stood; None is what cannot be, and never 0."""

    def __init__(
        self, profile: Profile, behind: Sequence[Point], about: Sequence[Described]
    ) -> None:
        self._profile = profile
        self._points = [
            (point, Sense(Limits(each.rated_w * RATED_MARGIN, each.count_uj, each.modulus_uj)))
            for point, each in zip(behind, about, strict=True)
        ]

    def of(
        self, picture: Picture, base: int, at_s: float
    ) -> tuple[list[Reading], Mapping[str, str]]:
        """What each point shows at an instant (s, on any clock), and by device what is wrong."""
        made, wrong = [], {}
        serial = points.serial(self._profile, picture, base)
        for point, sense in self._points:
            register_uj, doubt = self._energy(point, sense, picture, base, at_s)
            power_w, other = self._power(point, sense, picture, base)
            made.append(Reading(point.device, register_uj, power_w, serial))
            if doubt or other:
                wrong[point.device] = doubt or other or ""
        return made, wrong

    def _energy(
        self, point: Point, sense: Sense, picture: Picture, base: int, at_s: float
    ) -> tuple[int | None, str | None]:
        register = point.part.energy
        if register is None:
            return None, None
        told = points.told(self._profile, point, register, picture, base)
        if told is None:
            return None, None
        number, words, exponent = told
        register_uj = decoding.energy_uj(number, register)
        if register_uj is None:
            return None, f"energy {float(number):g} {register.unit} cannot be; it is below 0"
        order = self._profile.word_order
        doubt = sense.energy(register_uj, words, register, order, at_s, exponent)
        return (None if doubt else register_uj), doubt

    def _power(
        self, point: Point, sense: Sense, picture: Picture, base: int
    ) -> tuple[float | None, str | None]:
        register = point.part.power
        if register is None:
            return None, None
        told = points.told(self._profile, point, register, picture, base)
        if told is None:
            return None, None
        number, words, exponent = told
        power_w = decoding.power_w(number, register)
        order = self._profile.word_order
        counted = point.part.energy is not None
        doubt = sense.power(power_w, words, register, order, exponent, backwards=counted)
        return (None if doubt else power_w), doubt
