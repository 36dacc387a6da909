"""Pages from a printer's life counter: what it can have printed since it last told, and no more.

A counter that fell was reset: what it shows now was printed since then, if it can have been. What
cannot have been printed is set aside until the next reading says whether it was misread, or whether
the counter is another one now (method.md 2.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

# Nobody states each printer's speed to an agent: this is beyond the fastest that stand in offices
# (160 for RISO's ComColor GL inkjets, as dealers state it).
PAGES_PER_MINUTE = 200


@dataclass(frozen=True, slots=True)
class Counter:
    """What the counter showed, at an age of the account (s)."""

    age_s: float
    pages: int
    serial: str | None = None


@dataclass(slots=True)
class PageCount:
    """The last counter that was believed, one that was not, and the pages that no load has yet.

    `due` is None as long as there were no two counters to compare.
    """

    anchor: Counter | None = None
    aside: Counter | None = None
    due: int | None = None

    def of_old(self) -> dict[str, int | None]:
        """The counter as version 0.1 kept it, which stops where it is missing: one may go back."""
        return {"pages": None if self.anchor is None else self.anchor.pages}

    def count(self, age_s: float, pages: int | None, serial: str | None) -> list[str]:
        """Compare a counter with the one before; what is to be said of it, in words for the log.

        After a reset the pages are a lower bound: those between it and the reading before are lost.
        """
        anchor, aside = self.anchor, self.aside
        if pages is None:
            return []
        now = Counter(age_s, pages, serial)
        if anchor is None:
            self.anchor = now
            return []
        if None not in (anchor.serial, serial) and anchor.serial != serial:
            self.anchor, self.aside = now, None
            return ["pages: another serial number, counted anew"]
        now = replace(now, serial=serial or anchor.serial)
        risen, said = _risen(anchor, now), []
        if risen is None and aside is not None and (onward := _risen(aside, now)) is not None:
            # Twice the same strange level.
            risen, said = onward, ["pages: the counter is another one now"]
        elif risen is None and pages < anchor.pages and pages <= _most(anchor, now):
            risen, said = pages, ["pages: the counter was reset"]
        if risen is None:
            self.aside = now
            told = f"pages: {pages} after {anchor.pages} cannot be printed in the time; set aside"
            return [told] if aside is None else []
        self.anchor, self.aside, self.due = now, None, (self.due or 0) + risen
        return said

    def taken(self) -> int | None:
        """The pages that are due, for a load."""
        due, self.due = self.due, None
        return due

    def forget(self) -> None:
        """Compare the next counter with nothing: nobody knows how long ago the last one was."""
        self.anchor = self.aside = None


def restored(saved: Mapping[str, Any]) -> PageCount:
    """What `asdict` made of a count."""
    anchor, aside = (
        None if saved[name] is None else Counter(**saved[name]) for name in ("anchor", "aside")
    )
    return PageCount(anchor, aside, saved["due"])


def _risen(before: Counter, now: Counter) -> int | None:
    step = now.pages - before.pages
    return step if 0 <= step <= _most(before, now) else None


def _most(before: Counter, now: Counter) -> float:
    # One page more: it may have been on its way at the reading before.
    return PAGES_PER_MINUTE * (now.age_s - before.age_s) / 60 + 1
