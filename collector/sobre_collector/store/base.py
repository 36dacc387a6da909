"""The seam between what is computed and where it is kept: SQLite, or InfluxDB by the same calls.

Drawn so that a database without transactions across files, and with silent overwriting, can serve
it too: appending is idempotent by (node, device, stream, seq), and what an append touched is kept
until the days were rebuilt.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from sobre_collector.rows import (
    Arrival,
    DayRow,
    Key,
    LoadPart,
    Outcome,
    Quarantined,
    Refused,
    Run,
    StoredLoad,
    StreamMark,
    Touched,
)


class Series(Protocol):
    """Loads, days and quarantine. Every call raises StoreError if the disk or database refuses."""

    def append(self, arrivals: Sequence[Arrival]) -> Outcome:
        """Store loads once, whatever comes twice; returns only when all are durable.

        A load with a reason is quarantined. One whose identity is stored with other content is a
        fork: quarantined with reason "fork". What is confirmed afterwards is on disk.
        """
        ...

    def quarantine(self, node: str, payload: bytes, reason: str, received: int) -> None:
        """Keep a payload that is no message, once for the same bytes of the same node."""
        ...

    def refuse(self, payloads: Sequence[Refused]) -> None:
        """Keep many payloads that are no messages, as `quarantine` does, in one step."""
        ...

    def quarantined(self) -> Iterator[Quarantined]:
        """What may not count, oldest first."""
        ...

    def readmit(
        self,
        key: Key,
        reason: str,
        personal: bool,
        bound_w: float | None = None,
        step_j: int = 0,
    ) -> int:
        """Let loads of a device quarantined for `reason` count; how many they were.

        With a bound, those of a higher mean power (W), a step of the register (J) taken off, stay
        quarantined for that reason.
        """
        ...

    def rule(self, arrivals: Sequence[Arrival]) -> int:
        """Let loads that are here count (reason None), or quarantine them for their reason.

        How many of them stood otherwise before; their days must be rebuilt. One that is not here
        with exactly this content is left out, and so is a fork, which has no place of its own in
        its stream. Doing it again changes nothing.
        """
        ...

    def late(self) -> Mapping[str, tuple[int, int]]:
        """Number and energy (J) of the loads that stand aside as late, by the month of their end.

        What `forget` and `expire` drop stays counted.
        """
        ...

    def loads(self, start: int, end: int, key: Key | None = None) -> Iterator[StoredLoad]:
        """Loads whose span overlaps [start, end) in Unix seconds, by device and end."""
        ...

    def marks(self) -> Iterator[StreamMark]:
        """How far each stream has come."""
        ...

    def touched(self, limit: int = 10_000) -> Sequence[Touched]:
        """Devices whose days must be rebuilt; they stay until `put_days` has them."""
        ...

    def put_days(self, rows: Iterable[DayRow], done: Iterable[Touched]) -> None:
        """Replace days and forget what was touched, in one step; a later touch stays."""
        ...

    def days(self, first: str, last: str, key: Key | None = None) -> Iterator[DayRow]:
        """Days from `first` to `last` (ISO dates, inclusive), by device and day."""
        ...

    def forget(self, month: str) -> None:
        """Drop the loads and days of personal devices of a month ("2026-11"), names and all."""
        ...

    def expire(self, loads_before: int, days_before: str) -> int:
        """Drop what the infrastructure needs no more; how many loads and days went.

        Loads, also quarantined ones, that ended before a Unix second; days before an ISO date.
        """
        ...

    def close(self) -> None:
        """Give the files or connections back."""
        ...


class Narrow(Protocol):
    """Faster reads that a store may offer beside `Series`, as its attribute `narrow`."""

    def runs(self, begins: int, ends: int, work_begins: int, work_ends: int) -> Iterator[Run]:
        """Infrastructure whose loads that overlap [begins, ends) are one run, added up.

        All whole in it, none across an edge of the working hours, without states and pages.
        Devices of which that cannot be said are left out.
        """
        ...

    def parts(self, start: int, end: int, personal: bool) -> Iterator[tuple[Key, list[LoadPart]]]:
        """Each of the people's devices, or of the others, with its loads that overlap, by end."""
        ...

    def mixed(self) -> set[Key]:
        """Devices that neither of the two kinds holds alone: `Series.loads` must be asked."""
        ...

    def claims(
        self, since: int, due: Mapping[tuple[Key, str], tuple[int, int] | None]
    ) -> Iterator[tuple[Key, str, tuple[int, int, int, int, int]]]:
        """(device, stream, (first seq, seq, J, register in J, end)) of loads that end after.

        Only of the streams that are `due`. Between the numbers (after, up to) that stand there,
        loads of which each begins where the one before it ended, by number and by register, come
        as one; those up to `after` need not come. With None, and beyond, each comes by itself.
        """
        ...


def narrow_of(series: Series) -> Narrow | None:
    """The faster reads of a store; None if it has none."""
    found: Narrow | None = getattr(series, "narrow", None)
    return found
