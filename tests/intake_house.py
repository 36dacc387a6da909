"""An intake on real stores, and messages for it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sobre_collector.intake import Intake
from sobre_collector.registry import Registry
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers import birth
from sobre_drivers.birth import Birth
from sobre_drivers.load import Load, Origin
from sobre_drivers.sample import Instant
from sobre_drivers.wire import Batch, encode_batch

# 24 November 2026, 00:00 in Paris.
NOW = 1_795_474_800
PARIS = ZoneInfo("Europe/Paris")
A = str(UUID(int=1))
Message = tuple[str, bytes]


class Still:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.wall_s = NOW

    def now(self) -> Instant:
        return Instant(self.wall_s, 0.0, 0.0)


class House(NamedTuple):
    """An intake with its stores."""

    intake: Intake
    series: Series
    ledger: Ledger
    clock: Still

    def stored(self) -> list[tuple[str, int]]:
        return [(s.load.device, s.load.seq) for s in self.series.loads(0, 2**40)]

    def aside(self) -> list[tuple[str, int | None]]:
        return [(q.reason, q.load and q.load.seq) for q in self.series.quarantined()]


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """An intake whose stores lie in a folder."""
    ledger_file = folder / "ledger.db"
    with closing(Ledger(ledger_file)) as ledger, closing(SqliteSeries(folder)) as series:
        clock = Still()
        yield House(Intake(series, ledger, Registry(ledger), clock, PARIS), series, ledger, clock)


def born(
    node: str = "pc-1", device: str = "pc-1", device_class: str = "workstation.laptop", **more: Any
) -> Message:
    fields = {
        "organisation": "ville",
        "site": "mairie",
        "method": "rapl",
        "origin": Origin.MEASURED,
        "rated_w": 65.0,
        "uncertainty_ratio": 0.1,
        "agent_version": "0.1.0",
    }
    said = Birth(device_class=device_class, **{**fields, **more})
    return f"sobre/v1/{node}/birth/{device}", birth.encode(said)


def load(seq: int, device: str = "pc-1", energy_j: int = 6000, end: int | None = None) -> Load:
    ends = NOW - 86_400 + 600 * seq if end is None else end
    return Load(device, seq, ends, 600, energy_j, energy_j * seq, Origin.MEASURED)


def batch(*loads: Load, node: str = "pc-1", number: int = 7, stream: str = A) -> Message:
    return f"sobre/v1/{node}/load", encode_batch(Batch(stream, number, loads))
