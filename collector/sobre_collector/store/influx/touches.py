"""Which devices' days must be rebuilt, over what all collectors wrote."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sobre_collector.rows import Key, Touched
from sobre_collector.store.influx.marks import GONE_S, Known, Marks, Writer
from sobre_collector.store.sorting import Ident


class Touches:
    """Hands out what was touched, and remembers what of it may be settled."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._issued: dict[Touched, dict[tuple[str, Ident], int]] = {}

    def touched(self, limit: int) -> Sequence[Touched]:
        """Devices whose days must be rebuilt, those of the oldest loads first.

        What an append that is under way touches comes later: its loads may not be there yet.
        """
        # Read before the marks: what ended meanwhile is told the next time.
        writers, now = self._marks.writers(), time.time()
        waiting: defaultdict[Key, list[Known]] = defaultdict(list)
        personal: set[Key] = set()
        for known in self._marks.every():
            key = Key(*known.ident[:2])
            if known.mark.personal:
                personal.add(key)
            if _ended(known, writers, now):
                waiting[key].append(known)
        self._issued = {}
        for key, all_known in waiting.items():
            spans = {(k.by, k.ident): k.mark.touched or (0, 0, 0) for k in all_known}
            start, end = min(s[0] for s in spans.values()), max(s[1] for s in spans.values())
            touch = Touched(key, key in personal, start, end)
            self._issued[touch] = {ident: span[2] for ident, span in spans.items()}
        return sorted(self._issued, key=lambda touch: (touch.start, touch.key))[:limit]

    def settle(self, done: Iterable[Touched]) -> None:
        """Forget what was touched, as far as nothing came in since it was handed out."""
        settled: dict[tuple[str, Ident], int] = {}
        for touch in done:
            settled |= self._issued.get(touch, {})
        self._marks.settle(settled)


def _ended(known: Known, writers: Mapping[str, Writer], now: float) -> bool:
    """Whether a mark is touched, by an append that ended, or whose collector is gone."""
    touched, writer = known.mark.touched, writers.get(known.by)
    if touched is None:
        return False
    return writer is None or touched[2] <= writer.done or writer.at < now - GONE_S
