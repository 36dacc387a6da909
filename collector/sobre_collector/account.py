"""The account of each stream, to the joule: what is kept, what is missing, what is doubled.

A load carries its energy and the agent's running total after it, so between two loads that follow
each other nothing can be missing: the total before the second is the total after the first. Where
that fails, the difference is what is missing (or doubled), and it is known exactly.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from sobre_collector.rows import Key, Quarantined, StoredLoad, StreamMark
from sobre_drivers.load import Load

StreamId = tuple[Key, str]
KINDS = ("stored", "quarantined", "late", "voided")


class Claim(NamedTuple):
    """A load as the check sees it: where it stands in its stream, and how it is kept."""

    first: int
    seq: int
    energy_j: int
    register_j: int
    end: int
    kind: str

    @classmethod
    def of(cls, load: Load, kind: str) -> "Claim":
        """What a load claims, kept as one of `KINDS`."""
        first = load.seq - load.replaces + 1
        return cls(first, load.seq, load.energy_j, load.register_j, load.end, kind)


@dataclass(frozen=True, slots=True)
class Hole:
    """Sequence numbers that never came, and the running totals (J) and times around them."""

    first: int
    last: int
    before_j: int
    after_j: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Account:
    """One stream, from its first load to `seq`: energies in J.

    register_j = stored_j + quarantined_j + late_j + voided_j + missing_j − doubled_j, always.
    """

    seq: int = 0
    register_j: int = 0
    end: int = 0
    stored_j: int = 0
    quarantined_j: int = 0
    late_j: int = 0
    voided_j: int = 0
    lost_j: int = 0
    doubled_j: int = 0
    holes: tuple[Hole, ...] = ()

    @property
    def missing_j(self) -> int:
        """What the registers say was used and no load tells of (J)."""
        return self.lost_j + sum(hole.after_j - hole.before_j for hole in self.holes)


@dataclass(frozen=True, slots=True)
class Fault:
    """A stream whose account does not balance."""

    key: Key
    stream: str
    missing_j: int
    doubled_j: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Every joule of the store (J), and the streams at fault."""

    stored_j: int = 0
    quarantined_j: int = 0
    late_j: int = 0
    voided_j: int = 0
    missing_j: int = 0
    doubled_j: int = 0
    faults: tuple[Fault, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether nothing is missing and nothing doubled."""
        return not self.faults

    def as_json(self) -> str:
        """The totals as JSON, as the ledger notes them."""
        names = ("stored_j", "quarantined_j", "late_j", "voided_j", "missing_j", "doubled_j")
        totals = {name: getattr(self, name) for name in names}
        return json.dumps({**totals, "streams_at_fault": len(self.faults)})


def kind_of(reason: str) -> str:
    """How the account calls a load that was quarantined for a reason."""
    return {"late": "late", "void": "voided"}.get(reason, "quarantined")


def ruled(account: Account, energy_j: int, before: str, after: str) -> Account:
    """The account after energy that it knows came to be kept as another of `KINDS`."""
    moved = {f"{before}_j": -energy_j, f"{after}_j": energy_j}
    return replace(account, **{name: getattr(account, name) + j for name, j in moved.items()})


def settle(account: Account, claims: Iterable[Claim], holes: Sequence[tuple[int, int]]) -> Account:
    """The account with what came since: beyond its `seq`, or in a hole that the stream still had.

    `holes` are those that the stream has now; one that is gone was filled, and its claims are read.
    """
    claims = sorted(claims)
    open_now = set(holes)
    kept: list[Hole] = []
    for hole in account.holes:
        if (hole.first, hole.last) in open_now:
            kept.append(hole)
            continue
        inside = [c for c in claims if hole.first <= c.seq <= hole.last]
        part = Account(hole.first - 1, hole.before_j, hole.start)
        part = closed(_follow(part, inside), hole.last, hole.after_j, hole.end)
        kept += part.holes
        account = _added(account, part)
    account = replace(account, holes=tuple(kept))
    return _follow(account, [c for c in claims if c.seq > account.seq])


def balance(accounts: Iterable[tuple[Key, str, Account]]) -> Balance:
    """The sum of all accounts."""
    names = ("stored_j", "quarantined_j", "late_j", "voided_j", "missing_j", "doubled_j")
    totals = dict.fromkeys(names, 0)
    faults = []
    for key, stream, account in accounts:
        for name in names:
            totals[name] += getattr(account, name)
        if account.missing_j or account.doubled_j or account.holes:
            faults.append(Fault(key, stream, account.missing_j, account.doubled_j))
    return Balance(**totals, faults=tuple(faults))


def _follow(account: Account, claims: Sequence[Claim]) -> Account:
    seq, register_j, end = account.seq, account.register_j, account.end
    sums = dict.fromkeys(KINDS, 0)
    lost_j = doubled_j = 0
    holes = list(account.holes)
    for claim in claims:
        sums[claim.kind] += claim.energy_j
        if claim.first <= seq:
            doubled_j += claim.energy_j
            continue
        gap_j = claim.register_j - claim.energy_j - register_j
        if claim.first > seq + 1 and gap_j >= 0:
            begins = max(end, 0)
            holes.append(
                Hole(seq + 1, claim.first - 1, register_j, register_j + gap_j, begins, claim.end)
            )
        else:
            lost_j += max(gap_j, 0)
            doubled_j += max(-gap_j, 0)
        seq, register_j, end = claim.seq, claim.register_j, max(end, claim.end)
    return replace(
        account,
        seq=seq,
        register_j=register_j,
        end=end,
        stored_j=account.stored_j + sums["stored"],
        quarantined_j=account.quarantined_j + sums["quarantined"],
        late_j=account.late_j + sums["late"],
        voided_j=account.voided_j + sums["voided"],
        lost_j=account.lost_j + lost_j,
        doubled_j=account.doubled_j + doubled_j,
        holes=tuple(holes),
    )


def closed(account: Account, seq: int, register_j: int, end: int) -> Account:
    """The account brought to where the stream is known to stand."""
    gap_j = register_j - account.register_j
    if account.seq < seq and gap_j >= 0:
        hole = Hole(account.seq + 1, seq, account.register_j, register_j, account.end, end)
        return replace(account, seq=seq, register_j=register_j, holes=(*account.holes, hole))
    if account.seq > seq or gap_j == 0:
        return account
    return replace(
        account,
        seq=seq,
        register_j=register_j,
        lost_j=account.lost_j + max(gap_j, 0),
        doubled_j=account.doubled_j + max(-gap_j, 0),
    )


def _added(account: Account, part: Account) -> Account:
    names = ("stored_j", "quarantined_j", "late_j", "voided_j", "lost_j", "doubled_j")
    return replace(account, **{n: getattr(account, n) + getattr(part, n) for n in names})


def recounted(
    loads: Iterable[StoredLoad],
    quarantined: Iterable[Quarantined],
    marks: Mapping[StreamId, StreamMark],
    known: Mapping[StreamId, Account],
    forgetful: Mapping[Key, bool],
) -> Iterator[tuple[StreamId, Account]]:
    """Each known account with what a second look finds beyond it; `loads` come by device.

    The nightly check reads what is new: what somebody changed afterwards, only this finds. Where
    `forgetful` says that a device's old loads are forgotten, counting begins at the oldest one
    that is there.
    """
    aside: defaultdict[Key, list[tuple[str, Claim]]] = defaultdict(list)
    for row in quarantined:
        # A fork claims what another load already tells of: it has no place in the stream.
        if row.load is not None and row.stream is not None and row.reason != "fork":
            claim = Claim.of(row.load, kind_of(row.reason))
            aside[Key(row.node, row.load.device)].append((row.stream, claim))
    left = dict(known)
    for (node, device), group in groupby(loads, lambda s: (s.node, s.load.device)):
        key = Key(node, device)
        claims: defaultdict[str, list[Claim]] = defaultdict(list)
        for stored in group:
            claims[stored.stream].append(Claim.of(stored.load, "stored"))
        for stream, claim in aside.pop(key, ()):
            claims[stream].append(claim)
        for stream, found in claims.items():
            account = left.pop((key, stream), None)
            mark = marks.get((key, stream))
            if account is not None and mark is not None:
                yield (key, stream), _again(account, found, mark, forgetful.get(key, True))
    for (key, stream), account in left.items():
        mark = marks.get((key, stream))
        found = [claim for its_stream, claim in aside.get(key, ()) if its_stream == stream]
        if mark is not None:
            account = _again(account, found, mark, forgetful.get(key, True))
        yield (key, stream), account


def _again(account: Account, found: Sequence[Claim], mark: StreamMark, forgets: bool) -> Account:
    claims = sorted(claim for claim in found if claim.seq <= mark.seq)
    start = Account()
    if forgets:
        oldest = next((claim for claim in claims if claim.kind == "stored"), None)
        if oldest is None:
            return account
        # What is quarantined is forgotten by the month in which it came, later than what was
        # stored beside it.
        claims = [claim for claim in claims if claim.seq >= oldest.seq]
        start = Account(oldest.first - 1, oldest.register_j - oldest.energy_j)
    counted = closed(settle(start, claims, mark.holes), mark.seq, mark.register_j, mark.end)
    here = replace(account, holes=tuple(h for h in account.holes if h.first > start.seq))
    more_j = counted.missing_j - here.missing_j
    missing_j = max(0, more_j)
    doubled_j = max(0, counted.doubled_j - account.doubled_j)
    # Less than was missing before: what came after a hole now claims a part of it. What was lost
    # among forgotten loads cannot be looked at again, so then less says nothing.
    doubled_j += max(0, -more_j) if account.lost_j == 0 else 0
    return replace(
        account,
        stored_j=account.stored_j - missing_j + doubled_j,
        lost_j=account.lost_j + missing_j,
        doubled_j=account.doubled_j + doubled_j,
    )
