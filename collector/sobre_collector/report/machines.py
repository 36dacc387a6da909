"""What the sections on printers, rooms and levers read of the ledger: plain values, as it has them.

Months of single machines stay unread text here: most are of years that a report does not ask for.
"""

from typing import Any

from sobre_collector.idle import IDLE_JOB
from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report.facts import COVERAGE_FACTOR
from sobre_collector.store.ledger import Ledger
from sobre_drivers.load import personal


def printers(ledger: Ledger, perimeter: Perimeter) -> Any:
    """Months of printers, and the models whose thresholds somebody confirmed."""
    months = ledger.units.contents("printer")
    if not months:
        return None
    return {"months": months, "confirmed": tuple(sorted(ledger.rulebook.thresholds()))}


def datacentre(ledger: Ledger, perimeter: Perimeter) -> Any:
    """Months of the rooms' points, each meter's uncertainty (k = 1), and the outlets that idle."""
    points = {point.key for room in perimeter.rooms for point in room.points}
    idle = _idle(ledger)
    if not points and idle is None:
        return None
    return {
        "months": ledger.units.contents_of(points),
        "u": tuple(
            (*key, device.uncertainty_ratio / COVERAGE_FACTOR)
            for key, device in sorted(ledger.devices().items())
            if key in points and device.uncertainty_ratio is not None
        ),
        "idle": idle,
    }


def waste(ledger: Ledger, perimeter: Perimeter) -> Any:
    """What is excluded and has not been ended (some may be over), and the outlets that idle.

    Months of printers are read for their own section.
    """
    rows = ledger.rulebook.in_force()
    found = {
        "idle": _idle(ledger),
        "excluded": tuple((e.subject, e.reason, e.by, e.until, e.units) for e in rows),
    }
    classes = {device.device_class for device in ledger.devices().values()}
    switched = "printer" in classes or any(map(personal, classes))
    return found if switched or any(found.values()) else None


def _idle(ledger: Ledger) -> str | None:
    notes = [job.result for job in ledger.jobs() if job.job == IDLE_JOB]
    return notes[-1] if notes else None
