"""What several collectors each know of a stream, put together.

Each collector writes down, under its own name, what it knows to be seen: its own and what it read
of the others. Such statements only ever grow, so that joining them in any order, however old some
of them are, loses nothing that one of them has.
"""

from collections.abc import Iterable

from sobre_collector.store.mark import MAX_HOLES, Mark


def joined(marks: Iterable[Mark]) -> Mark:
    """One mark that has seen what any of them has; what must be rebuilt is left out."""
    found = Mark()
    for mark in marks:
        found = _joined(found, mark)
    return found


def _joined(one: Mark, other: Mark) -> Mark:
    top = one if one.seq >= other.seq else other
    counted = [mark for mark in (one, other) if mark.end]
    latest = max((mark for mark in counted), key=lambda mark: mark.end, default=top)
    return Mark(
        top.seq,
        top.register_j,
        min((mark.start for mark in counted), default=0),
        max((mark.end for mark in counted), default=0),
        latest.personal,
        _common(_unseen(one, top.seq), _unseen(other, top.seq))[-MAX_HOLES:],
    )


def _unseen(mark: Mark, last: int) -> list[tuple[int, int]]:
    return mark.holes if mark.seq == last else [*mark.holes, (mark.seq + 1, last)]


def _common(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        low, high = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if low <= high:
            found.append((low, high))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return found
