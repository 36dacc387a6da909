"""Whether two stores hold the same: what is counted of each stream, and how it is compared.

Digests do not depend on the order in which a database hands its rows out, and a row that is there
twice counts twice.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from sobre_collector.rows import DayRow, Quarantined, StoredLoad
from sobre_collector.store.mark import Mark
from sobre_collector.store.sorting import Ident

_MODULUS = 2**128


class Subject(NamedTuple):
    """What a tally is of; `part` is a stream, or a reason of the quarantine, or nothing."""

    kind: str
    node: str
    device: str
    part: str

    def __str__(self) -> str:
        return " ".join(filter(None, self))


@dataclass(slots=True)
class Tally:
    """Number, energy (J), the greatest `seq` with its register (J), and a digest of contents."""

    count: int = 0
    energy_j: int = 0
    seq: int = 0
    register_j: int = 0
    digest: int = 0

    def add(self, content: Sequence[object], energy_j: int = 0) -> None:
        """Count one row more."""
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        hashed = blake2b(text.encode(), digest_size=16).digest()
        self.count += 1
        self.energy_j += energy_j
        self.digest = (self.digest + int.from_bytes(hashed)) % _MODULUS

    def __str__(self) -> str:
        last = f", no. {self.seq} at {self.register_j} J" if self.seq else ""
        return f"{self.count} ({self.energy_j} J{last}, digest {self.digest:032x})"


Tallies = dict[Subject, Tally]


def tally_loads(found: Tallies, loads: Iterable[StoredLoad]) -> int:
    """Count loads by device and stream; how many they were."""
    count = 0
    for node, stream, load in loads:
        tally = found.setdefault(Subject("loads", node, load.device, stream), Tally())
        tally.add(load, load.energy_j)
        if load.seq > tally.seq:
            tally.seq, tally.register_j = load.seq, load.register_j
        count += 1
    return count


def tally_days(found: Tallies, days: Iterable[DayRow]) -> None:
    """Count days by device."""
    for row in days:
        tally = found.setdefault(Subject("days", *row.key, ""), Tally())
        figures = [row.length_s, row.observed_s, row.off_s, row.measured_j, row.estimated_j]
        figures += [row.allocated_j, row.out_of_hours_j, row.filled_j]
        said = [row.personal, row.valid, dict(row.state_s), row.pages]
        tally.add([row.day, *figures, *said], row.energy_j)


def tally_aside(found: Tallies, rows: Iterable[Quarantined]) -> None:
    """Count what may not count, by device and reason."""
    for row in rows:
        load, payload = row.load, row.payload
        device = "" if load is None else load.device
        tally = found.setdefault(Subject("quarantine", row.node, device, row.reason), Tally())
        content = [row.received, row.stream, load, None if payload is None else payload.hex()]
        tally.add(content, 0 if load is None else load.energy_j)


def tally_marks(found: Tallies, marks: Iterable[tuple[Ident, Mark]]) -> None:
    """Count how far streams have come, with their holes and what must be rebuilt."""
    for (node, device, stream), mark in marks:
        tally = found.setdefault(Subject("mark", node, device, stream), Tally())
        tally.seq, tally.register_j = mark.seq, mark.register_j
        claimed = [mark.start, mark.end, mark.personal, mark.holes]
        tally.add([mark.seq, mark.register_j, *claimed, mark.touched])


def differences(source: Mapping[Subject, Tally], target: Mapping[Subject, Tally]) -> list[str]:
    """One line for each subject of which the two sides do not hold the same."""
    return [
        f"{subject}: source {source.get(subject, 'nothing')}, "
        f"target {target.get(subject, 'nothing')}"
        for subject in sorted(source.keys() | target.keys())
        if source.get(subject) != target.get(subject)
    ]


def total(tallies: Mapping[Subject, Tally], kind: str) -> Tally:
    """All tallies of a kind as one: its digest says that each subject's is the same."""
    found = Tally()
    for subject in sorted(tallies):
        if subject.kind == kind:
            tally = tallies[subject]
            before = found.count, found.energy_j
            found.add([*subject, f"{tally.digest:032x}", tally.seq, tally.register_j])
            found.count, found.energy_j = before[0] + tally.count, before[1] + tally.energy_j
    return found
