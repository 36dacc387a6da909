"""One side of a migration: all that a store holds, place by place, read and written exactly.

`Series` tells what counts; a migration also moves what is kept beside it (whom a mark belongs to,
what is to be rebuilt, what was forgotten), and must neither sort, compare nor confirm anything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from sobre_collector.rows import DayRow, Quarantined, StoredLoad
from sobre_collector.store.mark import Mark
from sobre_collector.store.sorting import Ident

# Where the infrastructure's series lie; people's devices have a place per month ("2026-11").
FOR_EVER = ""


class Position(NamedTuple):
    """What comes next: all that sorts before it is in the target, durably.

    `since` is a Unix second for loads, the ordinal of a date for days, else 0.
    """

    place: str
    kind: int
    since: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many loads, days and quarantined rows a place holds."""

    loads: int = 0
    days: int = 0
    aside: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What outlives the rows: months that were forgotten, and late loads that went with them.

    `late` is (number, J) by the month of their end. `dropped_before`: no load of the infrastructure
    that ended before this Unix second is kept, and none of them may be taken for new.
    """

    forgotten: frozenset[str] = frozenset()
    late: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    dropped_before: int = 0


class Source(Protocol):
    """What is copied, and what was copied; every call raises StoreError where it cannot be read."""

    name: str

    def places(self) -> list[str]:
        """The places that are there, in order; none that was forgotten."""
        ...

    def counts(self, place: str) -> Counts:
        """How much is there."""
        ...

    def next_end(self, place: str, since: int) -> int | None:
        """The end of the first load that ended at or after a Unix second; None if there is none."""
        ...

    def loads(self, place: str, since: int, before: int) -> Iterator[StoredLoad]:
        """Loads that ended in [since, before), one by one."""
        ...

    def next_day(self, place: str, since: str) -> str | None:
        """The first day from an ISO date on; None if there is none."""
        ...

    def days(self, place: str, first: str, last: str) -> Iterator[DayRow]:
        """Days from `first` to `last`, one by one."""
        ...

    def aside(self, place: str) -> Iterator[Quarantined]:
        """What may not count, one by one."""
        ...

    def marks(self) -> Iterator[tuple[Ident, Mark]]:
        """How far each stream has come, and what must be rebuilt."""
        ...

    def facts(self) -> Facts:
        """What outlives the rows."""
        ...

    def close(self) -> None:
        """Give files or connections back."""
        ...


class Target(Source, Protocol):
    """Where a migration goes. Writing the same twice changes nothing."""

    def begun(self) -> tuple[str, Position] | None:
        """The source's fingerprint and what comes next; None if nothing was begun here.

        ConfigError if the target holds anything that no migration of ours brought.
        """
        ...

    def keep(self, fingerprint: str, position: Position) -> None:
        """Remember what comes next; what was written before is durable."""
        ...

    def put_loads(self, place: str, loads: Sequence[StoredLoad]) -> None: ...

    def put_days(self, place: str, days: Sequence[DayRow]) -> None: ...

    def put_aside(self, place: str, rows: Sequence[Quarantined]) -> None: ...

    def put_marks(self, marks: Iterable[tuple[Ident, Mark]]) -> None: ...

    def put_facts(self, facts: Facts) -> None: ...

    def finish(self, crash: Callable[[str], None] = ...) -> None:
        """Let a collector use what was proved; closes the target."""
        ...
