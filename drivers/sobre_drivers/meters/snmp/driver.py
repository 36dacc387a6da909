"""Reads what answers SNMP: a PDU and its outlets, a UPS, a switch, a printer."""

import logging
from collections.abc import Sequence

from sobre_drivers.errors import MeterError
from sobre_drivers.meters.kind import Value
from sobre_drivers.meters.patience import Patience
from sobre_drivers.meters.snmp import decoding, points
from sobre_drivers.meters.snmp.decoding import Raw
from sobre_drivers.meters.snmp.points import Place, Point
from sobre_drivers.meters.snmp.profile import Profile
from sobre_drivers.meters.snmp.session import Session
from sobre_drivers.sample import Described, Reading

log = logging.getLogger(__name__)

_STRANGE = "it answers, yet has nothing of this profile; is it the right one?"


class SnmpDriver:
    """Reads an agent in as few requests as it allows.

    What the agent has is learnt when it is first asked, and again when some of it is gone. What it
    lacks is described too, since a device is born when the agent connects, but never read.
    """

    def __init__(
        self,
        name: str,
        session: Session,
        unit_id: int,
        profile: Profile,
        behind: Sequence[Point],
        about: Sequence[Described],
    ) -> None:
        self.name = name
        self._session = session
        self._unit = unit_id - 1 + profile.first_unit
        self._profile = profile
        self._points = behind
        self._about = about
        self._place: Place | None = None
        self._has: set[str] = set()
        self._stays: dict[str, Raw] = {}
        self._serial: str | None = None
        self._said: set[str] = set()
        self._patience = Patience() if profile.patient else None

    def describe(self) -> Sequence[Described]:
        """All devices that the model may have, or those that the configuration names."""
        return self._about

    def read(self) -> Sequence[Reading]:
        """What each device shows; MeterError if the agent could not be read at all.

        Nothing while it is left alone (sobre_drivers.meters.patience).
        """
        if self._patience is not None and self._patience.rests():
            return []
        try:
            place, answers = self._answers(shown=False)
        except MeterError:
            if self._patience is not None:
                self._patience.note(None, None)
            raise
        there = self._there(place, answers)
        made = [points.reading(self._profile, point, place, answers) for point in there]
        self._say_units(there, place, answers)
        delay_s = points.sleep_delay_s(self._profile, place, answers)
        return [self._checked(each, delay_s) for each in made]

    def shown(self) -> list[Value]:
        """All values of the profile as they are now; MeterError as for `read`."""
        self._place = None
        place, answers = self._answers(shown=True)
        self._place = None
        return [
            value
            for point in self._there(place, answers)
            for value in points.values(self._profile, point, place, answers)
        ]

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def _answers(self, *, shown: bool) -> tuple[Place, dict[str, Raw | None]]:
        try:
            if self._place is not None:
                found = self._session.get(sorted(self._has, key=_numbers))
                if found.keys() == self._has:
                    return self._place, {**self._stays, **found}
                if found:
                    place, gone = self._place, dict.fromkeys(self._has - found.keys())
                    # It lost something: it is looked through anew at the next round.
                    self._place = None
                    return place, {**self._stays, **found, **gone}
            place = self._look()
            wanted = {
                oid for each in self._points for oid in points.wanted(each, place, shown=shown)
            }
            wanted |= set(points.own(self._profile, place, shown=shown))
            found = self._session.get(sorted(wanted, key=_numbers))
            if not found.keys() - set(points.own(self._profile, place, shown=shown)):
                raise MeterError(_STRANGE)
        except MeterError as error:
            if self._patience is None:
                # What comes back may be another.
                self._place = None
            raise MeterError(f"{self._subject}: {error}") from error
        stay = {oid for each in self._points for oid in points.scales(each, place)}
        self._place, self._has = place, found.keys() - stay
        self._stays = {oid: found[oid] for oid in found.keys() & stay}
        return place, dict(found)

    def _look(self) -> Place:
        """Find the rows of the tables that the profile names."""
        found = {}
        for name, rows in self._profile.rows.items():
            column = rows.column.replace("{unit}", str(self._unit))
            found[name] = tuple(
                row
                for row, raw in self._session.walk(column)
                if not rows.equals or decoding.text(raw) in rows.equals
            )
        return Place(self._unit, found)

    def _there(self, place: Place, answers: dict[str, Raw | None]) -> list[Point]:
        absent = points.absent(self._points, place, answers)
        return [point for point in self._points if point.device not in absent]

    def _checked(self, reading: Reading, delay_s: float | None) -> Reading:
        """The pages of another printer are not those that were counted until now."""
        if reading.pages is None and reading.state is None:
            return reading
        replaced = None not in (self._serial, reading.serial) and self._serial != reading.serial
        self._serial = reading.serial or self._serial
        if self._patience is not None and self._note(reading, delay_s):
            log.warning(
                "%s: it sleeps when it is left alone, and not while it is asked; from now on it "
                "is hardly asked; set sample_s above its delay until sleep",
                self._subject,
            )
        if not replaced:
            return reading
        log.warning("%s: another serial number; its pages are counted anew", self._subject)
        return Reading(
            reading.device,
            reading.register_uj,
            reading.power_w,
            reading.serial,
            reading.state,
            None,
            reading.mean,
        )

    def _note(self, reading: Reading, delay_s: float | None) -> bool:
        """Whether it has just become clear that asking keeps it awake."""
        assert self._patience is not None
        before = self._patience.keeps_awake
        self._patience.note(reading.state, reading.pages, delay_s)
        return self._patience.keeps_awake and not before

    def _say_units(
        self, there: Sequence[Point], place: Place, answers: dict[str, Raw | None]
    ) -> None:
        for point in there:
            unit = points.counted_otherwise(point, place, answers)
            if unit is not None and point.device not in self._said:
                self._said.add(point.device)
                log.warning(
                    "%s: it counts pages in unit %d of the Printer MIB (7 impressions, 8 sheets), "
                    "not as the profile says; choose the profile of its unit",
                    self._subject,
                    unit,
                )

    @property
    def _subject(self) -> str:
        return f"{self.name} ({self._session.where})"


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
