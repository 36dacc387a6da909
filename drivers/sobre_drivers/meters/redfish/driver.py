"""Reads the chassis of one management controller."""

from collections.abc import Mapping, Sequence

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.figures import counted_uj
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.redfish import decoding
from sobre_drivers.meters.redfish.decoding import Json, Shown
from sobre_drivers.meters.redfish.session import Session
from sobre_drivers.meters.web import Refused
from sobre_drivers.sample import UJ_PER_KWH, Described, Reading


class RedfishDriver:
    """Reads the only chassis that tells its power, or those that the configuration names.

    `parts` gives the device of each chassis by its id in small letters; empty: `name` is the one.
    """

    def __init__(
        self,
        name: str,
        session: Session,
        described: Sequence[Described],
        parts: Mapping[str, str],
        by_register: bool,
    ) -> None:
        self.name = name
        self._session = session
        self._described = described
        self._parts = parts
        self._by_register = by_register
        self._chassis: dict[str, Json] | None = None

    def describe(self) -> Sequence[Described]:
        """The chassis that are read."""
        return self._described

    def read(self) -> Sequence[Reading]:
        """What each chassis shows; MeterError if none could be read."""
        found = [self._reading(device, shown) for device, shown in self._shown().items()]
        if all(each.power_w is None and each.register_uj is None for each in found):
            wanted = "energy (EnergykWh); try profile redfish" if self._by_register else "power"
            raise MeterError(f"{self._subject}: no chassis that tells its {wanted}")
        return found

    def shown(self) -> list[Value]:
        """Power and energy of each chassis."""
        made = []
        for device, shown in self._shown().items():
            made.append(Value(device, "power", shown.power_w, "W"))
            made.append(Value(device, "energy", shown.energy_kwh, "kWh"))
        return made

    def close(self) -> None:
        """Log out."""
        self._session.close()

    def _reading(self, device: str, shown: Shown) -> Reading:
        if not self._by_register:
            return Reading(device, power_w=shown.power_w)
        register_uj = counted_uj(shown.energy_kwh, UJ_PER_KWH)
        # Another register is another meter: what lies between the two is no energy.
        return Reading(device, register_uj, shown.power_w, shown.counter)

    def _shown(self) -> dict[str, Shown]:
        try:
            return self._asked()
        except MeterError as error:
            # One that comes back may have other firmware, and other places.
            self._chassis = None
            raise MeterError(f"{self._subject}: {error}") from error

    def _asked(self) -> dict[str, Shown]:
        if self._chassis is None:
            self._chassis = self._found()
        if self._parts:
            devices = {path: self._parts[decoding.identifier(path)] for path in self._chassis}
        else:
            devices = dict.fromkeys(self._chassis, self.name)
        return {devices[path]: self._figures(chassis) for path, chassis in self._chassis.items()}

    def _found(self) -> dict[str, Json]:
        """The chassis to be read, by path. Without names there may be one only."""
        paths = decoding.members(self._session.get(decoding.CHASSIS))
        known = {decoding.identifier(path): path for path in paths}
        if self._parts:
            lost = sorted(self._parts.keys() - known.keys())
            if lost:
                raise MeterError(f"no chassis {lost[0]!r}; it has {', '.join(sorted(known))}")
            return {known[name]: self._session.get(known[name]) for name in self._parts}
        all_of_them: dict[str, Json] = {path: self._session.get(path) for path in paths}
        telling = {p: c for p, c in all_of_them.items() if not self._figures(c).empty}
        outer = {p: c for p, c in telling.items() if p not in decoding.inner(telling)}
        if len(outer) > 1:
            names = ", ".join(sorted(map(decoding.identifier, outer)))
            raise MeterError(
                f"several chassis tell their power ({names}); name those that count, each as "
                "[[meters.parts]]"
            )
        if not outer:
            raise MeterError(
                f"none of its {len(paths)} chassis tells power; it may need a licence or newer "
                "firmware, or try profile dcmi"
            )
        return outer

    def _figures(self, chassis: Json) -> Shown:
        """The newer place first; the older and the supplies are asked for what it lacks."""
        found = Shown()
        metrics = decoding.link(chassis, "EnvironmentMetrics")
        if metrics is not None:
            found = decoding.environment(self._get(metrics))
        older = decoding.link(chassis, "Power")
        if found.power_w is None and older is not None:
            found = decoding.either(found, decoding.power(self._get(older)))
        subsystem = decoding.link(chassis, "PowerSubsystem")
        lacking = found.power_w is None or (self._by_register and found.energy_kwh is None)
        if lacking and subsystem is not None:
            found = decoding.either(found, self._supplies(subsystem))
        return found

    def _supplies(self, subsystem: str) -> Shown:
        listed = decoding.link(self._get(subsystem), "PowerSupplies")
        paths = decoding.members(self._get(listed)) if listed is not None else []
        supplies = [each for path in paths if decoding.present(each := self._get(path))]
        metrics = [decoding.link(each, "Metrics") for each in supplies]
        return decoding.together(
            decoding.supply(self._get(path)) if path is not None else Shown() for path in metrics
        )

    def _get(self, path: str) -> Json:
        """A resource; nothing if the controller names a place that it does not have."""
        try:
            return self._session.get(path)
        except Refused as error:
            if error.answer.status == 404:
                return {}
            raise

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._session.where})"
