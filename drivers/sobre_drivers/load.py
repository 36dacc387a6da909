"""The core record: the energy one device used over one span of time."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

CLASSES = (
    "workstation.laptop",
    "workstation.desktop",
    "monitor",
    "printer",
    "server",
    "storage",
    "network",
    "pdu",
    "ups",
    "cooling",
    "facility",
)
PC_STATES = ("on", "off", "sleep", "unknown")
PRINTER_STATES = ("printing", "warmup", "ready", "sleep", "off", "unknown")
STATES = frozenset(PC_STATES + PRINTER_STATES)

# A device id, children after one `/`: `pdu-a3/outlet-07`.
DEVICE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}(?:/[a-z0-9][a-z0-9._-]{0,62})?")
# A node is one level of an MQTT topic and a user name.
NODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class Origin(StrEnum):
    """What a load's energy is worth."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    ALLOCATED = "allocated"


class Load(NamedTuple):
    """Energy of `device` over the `span_s` seconds that end at `end` (Unix seconds, UTC).

    `seq` counts 1, 2, 3… per device in a stream; `register_j` is the agent's own running total
    after this span (J, never decreasing in a stream). `state_s` holds seconds by state, None for a
    meter. `replaces` is how many loads this one stands for: it covers the sequence numbers from
    `seq − replaces + 1` to `seq`.
    """

    device: str
    seq: int
    end: int
    span_s: int
    energy_j: int
    register_j: int
    origin: Origin
    state_s: Mapping[str, int] | None = None
    power_max_w: int | None = None
    pages: int | None = None
    replaces: int = 1

    @property
    def start(self) -> int:
        """Unix second at which the span begins."""
        return self.end - self.span_s


def personal(device_class: str) -> bool:
    """Whether devices of this class tell when a person is there (design.md 6)."""
    return device_class.startswith("workstation.") or device_class == "monitor"
