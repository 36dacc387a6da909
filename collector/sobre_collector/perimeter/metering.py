"""Counted once: which device feeds which, and which of them a total may add up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sobre_collector.rows import Key
from sobre_drivers.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Link:
    """A device in the metering tree, from `since` to `until` (local days, inclusive; None: open).

    `fed_by` is the device through which its energy flows, None for the top of a tree. `where` is
    the place in the file that says so.
    """

    key: Key
    fed_by: Key | None
    counts: bool
    since: date | None = None
    until: date | None = None
    where: str = field(default="metering", repr=False, compare=False)

    def on(self, day: date) -> bool:
        """Whether the link holds on a local day."""
        begun = self.since is None or self.since <= day
        return begun and (self.until is None or day <= self.until)


Tree = tuple[Link, ...]


def counted(devices: Iterable[Key], tree: Tree, day: date) -> frozenset[Key]:
    """The devices that count on a local day: those that the tree does not name, and those it says.

    ConfigError for a feeder that nobody knows, for a ring of feeders, and where a device and one
    that feeds it would both count: their joules would be added twice.
    """
    known = frozenset(devices)
    counting, problems = _judged(known, tree, day)
    if problems:
        raise ConfigError(*(f"{problem} (on {day})" for problem in problems))
    return counting & known


def mistakes(tree: Tree) -> list[str]:
    """What is wrong in a tree on any day, one line for each mistake."""
    problems: dict[str, date | None] = {}
    for link, later in _twice(tree):
        text = (
            f"{later.where}: {shown(later.key)} stands here and in {link.where} for the same days"
        )
        problems[f"{text}; end one before the other begins"] = None
    for day in change_days(tree):
        for problem in _judged(frozenset(), tree, day)[1]:
            problems.setdefault(problem, day)
    dated = any(link.since or link.until for link in tree)
    return [f"{text} (on {day})" if dated and day else text for text, day in problems.items()]


def change_days(tree: Tree) -> list[date]:
    """Days on which the tree becomes another one, and one day before all of them."""
    begins = {link.since for link in tree if link.since is not None}
    begins |= {link.until + timedelta(days=1) for link in tree if link.until is not None}
    first = min(begins, default=date(2000, 1, 1)) - timedelta(days=1)
    return [first, *sorted(begins)] if tree else []


def shown(key: Key) -> str:
    """A device as a person reads it: its id, and its node where that is another."""
    return key.device if key.node == key.device else f"{key.device} (node {key.node})"


def _judged(known: frozenset[Key], tree: Tree, day: date) -> tuple[frozenset[Key], list[str]]:
    links = {link.key: link for link in tree if link.on(day)}
    counting = known - links.keys() | {key for key, link in links.items() if link.counts}
    # A feeder that is not there yet, or no more, is known all the same.
    known |= {link.key for link in tree}
    wrong = [_wrong(link, links, known, counting) for link in links.values()]
    return counting, [problem for problem in wrong if problem is not None]


def _wrong(
    link: Link, links: Mapping[Key, Link], known: frozenset[Key], counting: frozenset[Key]
) -> str | None:
    path = [link.key]
    at: Link | None = link
    while at is not None and at.fed_by is not None:
        feeder = at.fed_by
        if feeder not in known:
            if at is not link:
                return None
            return (
                f"{link.where}: {shown(link.key)} is fed by {shown(feeder)}, which is no device; "
                "give it a line of its own, or correct its name"
            )
        if feeder in path:
            # A ring is told once, by its first member.
            ring = path[path.index(feeder) :]
            if link.key != min(ring):
                return None
            names = " ← ".join(shown(key) for key in [*ring, feeder])
            return f"{link.where}: feeders in a ring: {names}; nothing can feed itself"
        path.append(feeder)
        if link.counts and feeder in counting:
            way = " ← ".join(shown(key) for key in path)
            return (
                f"{link.where}: {shown(link.key)} counts, and so does {shown(feeder)}, which feeds "
                f"it: {way}; set counts = no for one of them"
            )
        at = links.get(feeder)
    return None


def _twice(tree: Tree) -> list[tuple[Link, Link]]:
    by_key: dict[Key, list[Link]] = {}
    found = []
    for link in tree:
        for other in by_key.setdefault(link.key, []):
            starts = [s for s in (link.since, other.since) if s is not None]
            ends = [e for e in (link.until, other.until) if e is not None]
            if not starts or not ends or max(starts) <= min(ends):
                found.append((other, link))
        by_key[link.key].append(link)
    return found
