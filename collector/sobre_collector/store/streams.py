"""How far every stream has come, in memory and in `series.db`, and what must be rebuilt."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from sobre_collector.rows import Key, StreamMark, Touched
from sobre_collector.store.file import SeriesFile
from sobre_collector.store.mark import Mark
from sobre_collector.store.sorting import Ident


class Streams:
    """Marks of all streams, by identity and by device.

    `marks` and `families` are for reading; what moves is written by `put` inside a transaction,
    and taken over by `keep` once that is durable.
    """

    def __init__(self, file: SeriesFile) -> None:
        self._file = file
        self.marks: dict[Ident, Mark] = {}
        self.families: dict[tuple[str, str], list[Ident]] = {}
        self.number = 0
        self._version = -1
        self._issued: dict[Touched, int] = {}

    def refresh(self) -> None:
        """Read everything again if another process wrote to the file."""
        version = self._file.rows("PRAGMA data_version")[0][0]
        if version == self._version:
            return
        marks = {}
        for node, device, stream, *row in self._file.rows(_MARKS):
            seq, register_j, start, end, personal, holes, *touched, number = row
            marks[node, device, stream] = Mark(
                seq,
                register_j,
                start,
                end,
                bool(personal),
                [(low, high) for low, high in json.loads(holes or "[]")],
                None if number is None else (touched[0], touched[1], number),
            )
            self.number = max(self.number, number or 0)
        self.marks, self.families = {}, {}
        self.keep(marks)
        self._version = version

    def put(self, db: sqlite3.Connection, moved: Mapping[Ident, Mark]) -> None:
        """Write the marks that moved."""
        db.executemany(
            "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    self._file.number(db, ident),
                    mark.seq,
                    mark.register_j,
                    mark.start,
                    mark.end,
                    mark.personal,
                    json.dumps(mark.holes) if mark.holes else None,
                    *(mark.touched or (None, None, None)),
                )
                for ident, mark in moved.items()
            ],
        )

    def keep(self, moved: Mapping[Ident, Mark]) -> None:
        """Take over marks that are durable."""
        for ident in moved.keys() - self.marks.keys():
            self.families.setdefault(ident[:2], []).append(ident)
        self.marks.update(moved)

    def shown(self) -> list[StreamMark]:
        """The marks as rows."""
        return [
            StreamMark(
                Key(node, device), stream, mark.seq, mark.register_j, mark.end, tuple(mark.holes)
            )
            for (node, device, stream), mark in self.marks.items()
        ]

    def touched(self, limit: int) -> Sequence[Touched]:
        """Devices whose days must be rebuilt, the longest waiting first."""
        waiting: dict[Key, list[tuple[int, int, int]]] = {}
        for ident, mark in self.marks.items():
            if mark.touched is not None:
                waiting.setdefault(Key(ident[0], ident[1]), []).append(mark.touched)
        oldest = sorted(waiting.items(), key=lambda item: min(t[2] for t in item[1]))
        self._issued = {}
        for key, spans in oldest[:limit]:
            personal = any(self.marks[ident].personal for ident in self.families[key])
            start, end = min(t[0] for t in spans), max(t[1] for t in spans)
            self._issued[Touched(key, personal, start, end)] = max(t[2] for t in spans)
        return list(self._issued)

    def settled(self, done: Iterable[Touched]) -> dict[Ident, Mark]:
        """Marks without what is done, as far as nothing came in since it was handed out."""
        found = {}
        for touch in done:
            number = self._issued.get(touch, -1)
            for ident in self.families.get(touch.key, ()):
                mark = self.marks[ident]
                if mark.touched is not None and mark.touched[2] <= number:
                    found[ident] = mark.copy()
                    found[ident].touched = None
        return found


_MARKS = (
    "SELECT node, device, stream, seq, register_j, start, end, personal, holes, touched_start,"
    " touched_end, touched_number FROM marks JOIN streams USING (id)"
)
