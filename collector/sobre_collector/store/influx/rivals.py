"""Two collectors that store the same numbers of a stream at the same time.

A point of other content would silently take the first one's place. Each collector writes its marks,
then looks whether another one's marks cover the same since it read them, and only then writes its
loads: of two, at least one sees the other, waits for it to end, and compares with what it stored.
Where both see each other, the one whose name comes first goes first, once the other says that it
waits.
"""

import time
from collections import defaultdict
from collections.abc import Sequence

from sobre_collector.rows import Arrival
from sobre_collector.store.influx.marks import Known, Marks
from sobre_collector.store.mark import Place
from sobre_collector.store.sorting import Ident

# Whoever comes second waits longer, so that the first is gone by then.
SECOND_WAITS = 2
_POLL_S = 0.05


class Rivals:
    """The other collectors during one append; `patience_s` bounds how long one is waited for."""

    def __init__(self, marks: Marks, patience_s: float) -> None:
        self._marks = marks
        self._patience_s = patience_s
        self._before = {by: writer.done for by, writer in marks.others().items()}
        self._busy = {by for by, then in marks.others().items() if then.begun > then.done}
        self._said = False

    def contested(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Loads that another collector stored, or is storing, since this was last asked.

        When this returns, that collector's append ended, waits for ours, or took too long.
        """
        writers, others = self._marks.writers(), self._marks.others()
        moved = {by for by, now in writers.items() if now != others.get(by)} - {self._marks.by}
        if not (moved or self._busy) or not arrivals:
            return []
        rivals: defaultdict[Ident, list[Known]] = defaultdict(list)
        for known in self._marks.of_nodes({arrival.node for arrival in arrivals}):
            new = known.number > self._before.get(known.by, 0)
            if known.by != self._marks.by and new:
                rivals[known.ident].append(known)
        found: list[Arrival] = []
        met: dict[str, int] = {}
        for arrival in arrivals:
            ident = (arrival.node, arrival.load.device, arrival.stream)
            ours = [known for known in rivals[ident] if _covers(known, arrival)]
            if ours:
                found.append(arrival)
            met |= {known.by: max(known.number, met.get(known.by, 0)) for known in ours}
        for by, number in met.items():
            self._wait(by, number)
            self._before[by] = number
        return found

    def _wait(self, by: str, number: int) -> None:
        first = self._marks.by < by
        patience_s = self._patience_s * (1 if first else SECOND_WAITS)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            writer = self._marks.writers().get(by)
            # One that was killed is not waited for when its agents send again.
            if writer is None or writer.at + patience_s < time.time():
                return
            if writer.done >= number or (first and writer.waits >= number):
                return
            if not first and not self._said:
                self._marks.wait()
                self._said = True
            time.sleep(_POLL_S)


def _covers(known: Known, arrival: Arrival) -> bool:
    load = arrival.load
    return known.mark.place(load.seq - load.replaces + 1, load.seq) is not Place.NEW
