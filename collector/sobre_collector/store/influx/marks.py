"""How far every stream has come, as points that each collector writes under its own name.

A collector's cache holds the devices of the nodes it was asked about, and is given up as soon as
another collector's `writer` point moved. Marks are written before the loads they tell of: cut in
between, a mark says too much, which comparing with what is stored finds out; never too little,
which would let another content take a load's place.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sobre_collector.rows import Key, StreamMark
from sobre_collector.store.influx.database import Database
from sobre_collector.store.influx.joined import joined
from sobre_collector.store.influx.lines import any_of, tag, text, truth
from sobre_collector.store.influx.points import series_key
from sobre_collector.store.mark import Mark
from sobre_collector.store.sorting import Ident

# Beyond this many marks the cache is given up, and read again as it is needed.
MAX_CACHED = 50_000
# Beyond this many alternatives, InfluxQL's parser takes longer than a second query.
NODES_A_STATEMENT = 200
# A collector that was heard of this long ago has no append under way.
GONE_S = 3_600


class Writer(NamedTuple):
    """A collector's last appends that began, ended, and waited for another collector, and when.

    One that waits looks again before it writes. `at` is in Unix seconds.
    """

    begun: int
    done: int
    waits: int
    at: int


class Known(NamedTuple):
    """A stream's mark as one collector wrote it, last with its append `number`.

    `mark.touched` is kept until it was settled.
    """

    by: str
    ident: Ident
    mark: Mark
    number: int


class Marks:
    """Marks of the streams that were asked for; `by` is this collector's own name.

    `marks` and `families` are for reading. What moved is written by `put` before the loads, and
    `done` ends the append.
    """

    def __init__(self, database: Database, state: str, by: str) -> None:
        self._database = database
        self._state = state
        self.by = by
        self._tag = tag(by)
        self._nodes: set[str] = set()
        self._others: dict[str, Writer] | None = None
        self._waits = 0
        self.number = 0
        self.marks: dict[Ident, Mark] = {}
        self.families: dict[tuple[str, str], list[Ident]] = {}

    def refresh(self, nodes: Iterable[str]) -> None:
        """Know the marks of these nodes as they are written now."""
        writers = self.writers()
        own = writers.pop(self.by, None)
        self.number = max(self.number, own.begun if own else 0)
        if writers != self._others or len(self.marks) > MAX_CACHED:
            self.forget()
        self._others = writers
        unknown = set(nodes) - self._nodes
        found: dict[Ident, list[Known]] = {}
        for known in self.of_nodes(unknown):
            found.setdefault(known.ident, []).append(known)
        for ident, all_known in found.items():
            mark = joined(known.mark for known in all_known)
            mark.touched = next((k.mark.touched for k in all_known if k.by == self.by), None)
            self._keep(ident, mark)
        self._nodes.update(unknown)

    def copy(self, ident: Ident) -> Mark:
        """The mark of a stream as it is known, to be moved."""
        known = self.marks.get(ident)
        return Mark() if known is None else known.copy()

    def forget(self) -> None:
        """Read everything again when it is needed: what is known may not be what is written."""
        self._nodes.clear()
        self.marks, self.families = {}, {}

    def put(self, moved: Mapping[Ident, Mark]) -> None:
        """Write what will be seen with the append that begins; cached only once it is written."""
        self.number += 1
        lines = [_mark_line(self._tag, ident, mark) for ident, mark in moved.items()]
        self._write([*lines, self._writer_line(self.number - 1)])
        for ident, mark in moved.items():
            self._keep(ident, mark)

    def done(self) -> None:
        """End the append that `put` began: what it touched may be rebuilt and settled."""
        self._write_writer(self.number)

    def wait(self) -> None:
        """Tell that the append that `put` began will look at the others again before it writes."""
        self._waits = self.number
        self._write_writer(self.number - 1)

    def settle(self, touched: Mapping[tuple[str, Ident], int]) -> None:
        """Write that what these collectors touched up to these numbers was rebuilt."""
        lines = [
            f"settled,by={tag(by)}{series_key(*ident)}number={number}i 0"
            for (by, ident), number in touched.items()
        ]
        if not lines:
            return
        self.number += 1
        self._write([*lines, self._writer_line(self.number)])
        for (by, ident), number in touched.items():
            mark = self.marks.get(ident)
            if by == self.by and mark is not None and mark.touched and mark.touched[2] <= number:
                mark.touched = None

    def writers(self) -> dict[str, Writer]:
        """Every collector by its name."""
        found = self._database.query(self._state, 'SELECT * FROM "writer" GROUP BY "by"')
        return {
            group.tags["by"]: Writer(row["begun"], row["done"], row["waits"], row["at"])
            for group in found
            for row in group.rows()
        }

    def others(self) -> Mapping[str, Writer]:
        """The other collectors as they were when the marks were read."""
        return self._others or {}

    def of_nodes(self, nodes: Iterable[str]) -> Iterator[Known]:
        """The marks of all collectors for these nodes, as they are written now."""
        names = sorted(nodes)
        return self._read(
            [
                any_of("node", names[first : first + NODES_A_STATEMENT])
                for first in range(0, len(names), NODES_A_STATEMENT)
            ]
        )

    def every(self) -> Iterator[Known]:
        """All marks of all collectors."""
        return self._read([""], slow=True)

    def shown(self) -> Iterator[StreamMark]:
        """All marks as rows."""
        found: dict[Ident, list[Mark]] = {}
        for known in self.every():
            found.setdefault(known.ident, []).append(known.mark)
        for ident in sorted(found):
            mark, (node, device, stream) = joined(found[ident]), ident
            yield StreamMark(
                Key(node, device), stream, mark.seq, mark.register_j, mark.end, tuple(mark.holes)
            )

    def _keep(self, ident: Ident, mark: Mark) -> None:
        if ident not in self.marks:
            self.families.setdefault(ident[:2], []).append(ident)
        self.marks[ident] = mark

    def _read(self, conditions: list[str], slow: bool = False) -> Iterator[Known]:
        if not conditions:
            return
        wheres = [f" WHERE {condition}" if condition else "" for condition in conditions]
        # What was settled is read first: a touch that was settled since stays open, and is built
        # once more; the other way round one that came since would be lost.
        settled = {
            (row["by"], _ident(row)): row["number"]
            for group in self._database.query(
                self._state, *(f'SELECT * FROM "settled"{where}' for where in wheres), slow=slow
            )
            for row in group.rows()
        }
        for group in self._database.query(
            self._state, *(f'SELECT * FROM "mark"{where}' for where in wheres), slow=slow
        ):
            for row in group.rows():
                ident = _ident(row)
                mark = _mark(row)
                if mark.touched and mark.touched[2] <= settled.get((row["by"], ident), 0):
                    mark.touched = None
                yield Known(row["by"], ident, mark, row["number"])

    def _write_writer(self, done: int) -> None:
        self._write([self._writer_line(done)])

    def _writer_line(self, done: int) -> str:
        at = int(time.time())
        numbers = f"begun={self.number}i,done={done}i,waits={self._waits}i"
        return f"writer,by={self._tag} at={at}i,{numbers} 0"

    def _write(self, lines: list[str]) -> None:
        self._database.write(self._state, "\n".join(lines))


def _mark_line(by: str, ident: Ident, mark: Mark) -> str:
    low, high, number = mark.touched or (0, 0, 0)
    return (
        f"mark,by={by}{series_key(*ident)}seq={mark.seq}i,register_j={mark.register_j}i,"
        f"start={mark.start}i,end={mark.end}i,personal={truth(mark.personal)},"
        f"holes={text(json.dumps(mark.holes))},low={low}i,high={high}i,number={number}i 0"
    )


def _mark(row: Mapping[str, Any]) -> Mark:
    return Mark(
        row["seq"],
        row["register_j"],
        row["start"],
        row["end"],
        row["personal"],
        [(low, high) for low, high in json.loads(row["holes"])],
        (row["low"], row["high"], row["number"]) if row["number"] else None,
    )


def _ident(row: Mapping[str, Any]) -> Ident:
    return row["node"], row["device"], row["stream"]
