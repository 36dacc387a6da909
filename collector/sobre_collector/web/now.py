"""What the infrastructure does now, and whether the fleet is well: pure, from rows of the store.

Workstations never appear one by one, nor even as a number while they are fewer than ten.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sobre_collector.rows import Device, Key, StoredLoad, StreamMark
from sobre_drivers.load import personal

# PDU outlets report every ten minutes: two such loads and a resend may be on their way.
SILENT_S = 1_800
# As much as has to be read so that a load of ten minutes is among it.
RECENT_S = 1_260
# More rows than this are no page to read; the others are counted.
MOST_ROWS = 40


@dataclass(frozen=True, slots=True)
class Last:
    """The last load of an infrastructure device."""

    key: Key
    device_class: str
    organisation: str
    power_w: float
    span_s: int
    end: int
    origin: str


@dataclass(frozen=True, slots=True)
class Silence:
    """An infrastructure device of which nothing came since `since` (Unix seconds)."""

    key: Key
    device_class: str
    organisation: str
    since: int


@dataclass(frozen=True, slots=True)
class Now:
    """One look at the fleet; `workstations` None while they are some, but fewer than `at_least`."""

    at: int
    last: tuple[Last, ...]
    more: int
    silent: tuple[Silence, ...]
    more_silent: int
    infrastructure: int
    workstations: int | None
    at_least: int
    quarantined: int


def look(
    at: int,
    devices: Mapping[Key, Device],
    loads: Iterable[StoredLoad],
    marks: Iterable[StreamMark],
    quarantined: int,
    at_least: int,
) -> Now:
    """The infrastructure's last loads by power, and its silent devices, longest first.

    Fewer than `at_least` workstations are not counted out.
    """
    ours = {key: one for key, one in devices.items() if not personal(one.device_class)}
    newest: dict[Key, StoredLoad] = {}
    for stored in loads:
        key = Key(stored.node, stored.load.device)
        before = newest.get(key)
        if key in ours and (before is None or before.load.end < stored.load.end):
            newest[key] = stored
    heard = {key: one.first_seen for key, one in ours.items()}
    for mark in marks:
        if mark.key in heard:
            heard[mark.key] = max(heard[mark.key], mark.end)
    last = sorted(
        (_last(ours[key], stored) for key, stored in newest.items()),
        key=lambda one: (-one.power_w, one.key),
    )
    silent = sorted(
        (
            Silence(key, ours[key].device_class, ours[key].organisation, since)
            for key, since in heard.items()
            if at - since > SILENT_S
        ),
        key=lambda one: (one.since, one.key),
    )
    workstations = sum(personal(one.device_class) for one in devices.values())
    return Now(
        at=at,
        last=tuple(last[:MOST_ROWS]),
        more=max(0, len(last) - MOST_ROWS),
        silent=tuple(silent[:MOST_ROWS]),
        more_silent=max(0, len(silent) - MOST_ROWS),
        infrastructure=len(ours),
        workstations=None if 0 < workstations < at_least else workstations,
        at_least=at_least,
        quarantined=quarantined,
    )


def _last(device: Device, stored: StoredLoad) -> Last:
    load = stored.load
    return Last(
        Key(stored.node, load.device),
        device.device_class,
        device.organisation,
        load.energy_j / load.span_s,
        load.span_s,
        load.end,
        load.origin.value,
    )
