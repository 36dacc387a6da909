"""Every joule of the agents' own spools and registers, looked for in the collector's store."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from faults.busy_agent import FIRST, booked_uj, counted_uj
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load

Ident = tuple[str, str, str]
EVER = 2**53


@dataclass(frozen=True, slots=True)
class Kept:
    """What an agent's spool says of one device: its last number, its register (J), what waits."""

    seq: int
    register_j: int
    waiting: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Balance:
    """All in J, but `loads` and what meters counted and books do not hold: `unbooked_uj`."""

    generated_j: int
    stored_j: int
    quarantined_j: int
    waiting_j: int
    lost_j: int
    doubled_j: int
    loads: int
    unbooked_uj: int = 0

    @property
    def exact(self) -> bool:
        """Whether each joule that the agents settled is in the store, once."""
        whole = self.stored_j + self.quarantined_j == self.generated_j
        none = (self.lost_j, self.doubled_j, self.waiting_j, self.unbooked_uj) == (0, 0, 0, 0)
        return whole and none and self.generated_j > 0


def balance(data: Path, agents: Iterable[tuple[str, Path]]) -> Balance:
    """Hold a collector's data folder against agents: (node, folder of its spool) each."""
    kept: dict[Ident, Kept] = {}
    unbooked_uj = 0
    for node, folder in agents:
        kept |= {(node, device, stream): k for device, stream, k in of_spool(folder)}
        unbooked_uj += _unbooked_uj(folder)
    stored: dict[Ident, list[Load]] = defaultdict(list)
    aside: dict[Ident, list[Load]] = defaultdict(list)
    with closing(SqliteSeries(data, create=False)) as series:
        for row in series.loads(0, EVER):
            stored[row.node, row.load.device, row.stream].append(row.load)
        for held in series.quarantined():
            if held.load is not None and held.stream is not None:
                aside[held.node, held.load.device, held.stream].append(held.load)
    lost_j = doubled_j = waiting_j = 0
    for ident in kept.keys() | stored.keys() | aside.keys():
        known = kept.get(ident, Kept(0, 0, {}))
        loads = stored[ident] + aside[ident]
        once = {load.seq: load.energy_j for load in loads if load.seq <= known.seq}
        doubled_j += sum(load.energy_j for load in loads) - sum(once.values())
        # What is stored and not confirmed yet waits and is no loss.
        left_j = sum(energy_j for seq, energy_j in known.waiting.items() if seq not in once)
        waiting_j += left_j
        lost_j += known.register_j - left_j - sum(once.values())
    return Balance(
        sum(k.register_j for k in kept.values()),
        _total(stored),
        _total(aside),
        waiting_j,
        lost_j,
        doubled_j,
        sum(k.seq for k in kept.values()),
        unbooked_uj,
    )


def of_spool(folder: Path) -> list[tuple[str, str, Kept]]:
    """Device, stream and what is kept of it, of each device in a spool."""
    with closing(sqlite3.connect(folder / "spool.db")) as db:
        ((stream,),) = db.execute("SELECT value FROM meta WHERE key = 'stream'").fetchall()
        rows = db.execute("SELECT device, seq, register_j FROM device").fetchall()
        waiting: dict[str, dict[int, int]] = {device: {} for device, _, _ in rows}
        for device, seq, energy_j in db.execute("SELECT device, seq, energy_j FROM load"):
            waiting[device][seq] = energy_j
    return [(device, stream, Kept(seq, j, waiting[device])) for device, seq, j in rows]


def _unbooked_uj(folder: Path) -> int:
    """What the meters of a busy agent counted and its books do not hold; of others 0."""
    truth = folder.parent / FIRST
    if not truth.exists():
        return 0
    first = json.loads(truth.read_text())
    with closing(sqlite3.connect(folder / "spool.db")) as db:
        rows = db.execute("SELECT device, register_j, state FROM device").fetchall()
    found = 0
    for device, register_j, text in rows:
        state = json.loads(text)
        found += abs(counted_uj(state, first[device]) - booked_uj(state, register_j))
    return found


def _total(loads: dict[Ident, list[Load]]) -> int:
    return sum(load.energy_j for found in loads.values() for load in found)
