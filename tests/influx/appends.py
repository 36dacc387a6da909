"""Appends that are cut or held at a step, and what they send."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from sobre_collector.conservation import check
from sobre_collector.rows import Arrival, Key
from sobre_collector.store.base import Series
from sobre_collector.store.ledger import Ledger
from test_series import PC, PDU, arrival, load

# 1 December 2026, 00:00 in Paris, where November ends.
DECEMBER = 1_796_079_600
EITHER = pytest.mark.parametrize("key", [PDU, PC], ids=["infrastructure", "workstation"])


class PowerCutError(Exception):
    """The machine is gone."""


def cut_at(wanted: str) -> Callable[[str], None]:
    def crash(step: str) -> None:
        if step == wanted:
            raise PowerCutError

    return crash


class Pause:
    """Holds an append at a step until it is let go."""

    def __init__(self, step: str) -> None:
        self._step = step
        self.reached, self.go = Event(), Event()

    def __call__(self, step: str) -> None:
        if step == self._step:
            self.reached.set()
            assert self.go.wait(30)


def batch(*seqs: int, key: Key = PDU) -> list[Arrival]:
    return [arrival(load(seq, key), key) for seq in seqs]


def forged(seq: int, key: Key = PDU) -> Arrival:
    return arrival(load(seq, key)._replace(energy_j=7), key)


def balance(series: Series, folder: Path) -> tuple[int, int]:
    """Missing and doubled J, by the nightly check."""
    with closing(Ledger(folder / "ledger.db")) as ledger:
        found = check(series, ledger)
    return found.missing_j, found.doubled_j
