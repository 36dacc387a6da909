"""Two collectors that store the same numbers of a stream at the same time.

A point of other content would silently take the first one's place. Each collector writes its marks,
then looks whether another one's marks cover the same since it read them, and only then writes its
loads: of two, at least one sees the other, waits for it to end, and compares with what it stored.
Where both see each other, the one whose name comes first waits less long and goes first.
"""

import time
from collections import defaultdict
from collections.abc import Sequence

from sobre_collector.rows import Arrival
from sobre_collector.store.influx.marks import Known, Marks
from sobre_collector.store.mark import Place
from sobre_collector.store.sorting import Ident

# Of the patience of the collector whose name comes first.
SECOND_WAITS = 3
_POLL_S = 0.05


class Rivals:
    """Finds the loads that another collector is storing too; `patience_s` bounds the wait."""

    def __init__(self, marks: Marks, patience_s: float) -> None:
        self._marks = marks
        self._patience_s = patience_s

    def contested(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Loads that another collector stored or is storing since the marks were read.

        When this returns, that collector's append ended, or took too long.
        """
        writers = self._marks.writers()
        before = self._marks.others()
        busy = {by for by, now in writers.items() if by != self._marks.by and now != before.get(by)}
        busy |= {by for by, then in before.items() if then.begun > then.done}
        if not busy or not arrivals:
            return []
        rivals: defaultdict[Ident, list[Known]] = defaultdict(list)
        for known in self._marks.of_nodes({arrival.node for arrival in arrivals}):
            then = before.get(known.by)
            if known.by in busy and known.number > (then.done if then else 0):
                rivals[known.ident].append(known)
        found, waited_for = [], {}
        for arrival in arrivals:
            for known in rivals.get((arrival.node, arrival.load.device, arrival.stream), ()):
                if _covers(known, arrival):
                    found.append(arrival)
                    waited_for[known.by] = known.number
                    break
        for by, number in waited_for.items():
            self._wait(by, number)
        return found

    def _wait(self, by: str, number: int) -> None:
        first = self._marks.by < by
        deadline = time.monotonic() + self._patience_s * (1 if first else SECOND_WAITS)
        while time.monotonic() < deadline:
            writer = self._marks.writers().get(by)
            if writer is None or writer.done >= number:
                return
            time.sleep(_POLL_S)


def _covers(known: Known, arrival: Arrival) -> bool:
    load = arrival.load
    return known.mark.place(load.seq - load.replaces + 1, load.seq) is not Place.NEW
