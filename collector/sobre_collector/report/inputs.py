"""What sections of the report need beside months and perimeter, and how it is read.

A reader answers with plain values, whose `repr` enters the report's fingerprint, or with None.
"""

from collections.abc import Callable
from typing import Any

from sobre_collector.perimeter.facts import Perimeter
from sobre_collector.report import calibrating, devices, machines
from sobre_collector.store.ledger import Ledger

Reader = Callable[[Ledger, Perimeter], Any]

# By the name of the section.
READERS: dict[str, Reader] = {
    "checks": devices.sampled,
    "printers": machines.printers,
    "datacentre": machines.datacentre,
    "waste": machines.waste,
    "calibration": calibrating.read,
}


def inputs(ledger: Ledger, perimeter: Perimeter) -> dict[str, Any]:
    """What each reader found, without those that found nothing."""
    read = {name: reader(ledger, perimeter) for name, reader in READERS.items()}
    return {name: value for name, value in read.items() if value is not None}
