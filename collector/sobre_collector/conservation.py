"""The proof that nothing was lost or counted twice, over all that is stored.

Each stream is settled from where it was last checked: the ledger keeps how far that was, so that
the proof outlives the loads that were forgotten since.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace

from sobre_collector.account import (
    Account,
    Balance,
    Claim,
    Hole,
    balance,
    closed,
    kind_of,
    recounted,
    ruled,
    settle,
)
from sobre_collector.rows import Arrival, Key, StreamMark
from sobre_collector.store.base import Series, narrow_of
from sobre_collector.store.ledger import CheckMark, Ledger
from sobre_drivers.load import personal

StreamId = tuple[Key, str]
# Beyond every time that a load can claim (the wire's greatest integer).
EVER = 2**53
# A stream that was never checked is read from this long before its last load; was it longer, the
# rest shows as missing, and is then looked for everywhere.
FIRST_READ_S = 40 * 86_400
# The job that drops what the infrastructure's loads told, once it was checked.
EXPIRY = "expiry"


def check(series: Series, ledger: Ledger, keep: bool = True) -> Balance:
    """Settle every stream since it was last checked, keep how far that is, and sum up.

    Without `keep` nothing is written, and all that is still there is counted again. A load beyond
    what its stream is known to hold counts as doubled until the stream comes there.
    """
    known = {ident: _account(mark) for ident, mark in ledger.check_marks().items()}
    due = {ident: mark for ident, mark in _marks(series).items() if _moved(known.get(ident), mark)}
    since = min((_since(known.get(ident), mark) for ident, mark in due.items()), default=EVER)
    claims = _claims(series, {i: _bounds(known.get(i), mark) for i, mark in due.items()}, since)
    settled = _settled(due, known, claims)
    astray = {
        ident for ident, account in settled.items() if not _ranges(account) <= set(due[ident].holes)
    }
    if astray:
        # A clock that was set back puts loads before the time from which we read.
        claims.update(_claims(series, dict.fromkeys(astray), 0))
        settled |= _settled({ident: due[ident] for ident in astray}, known, claims)
    now = _marks(series)
    orphans_j = {
        ident: sum(claim.energy_j for claim in found if claim.seq > now[ident].seq)
        for ident, found in claims.items()
    }
    for ident, account in settled.items():
        extra_j = orphans_j.get(ident, 0)
        known[ident] = replace(
            account,
            stored_j=account.stored_j + extra_j,
            doubled_j=account.doubled_j + extra_j,
        )
    if keep:
        # A stream with such loads is not kept, so that it is looked at again.
        clean = ((ident, account) for ident, account in settled.items() if not orphans_j.get(ident))
        ledger.put_checks((*ident, _mark(account)) for ident, account in clean)
    else:
        devices = ledger.devices().values()
        expired = any(job.job == EXPIRY for job in ledger.jobs())
        forgetful = {each.key: expired or personal(each.device_class) for each in devices}
        loads, aside = series.loads(0, EVER), series.quarantined()
        known = dict(recounted(loads, aside, _marks(series), known, forgetful))
    return balance((*ident, account) for ident, account in known.items())


def check_in_words(series: Series, ledger: Ledger, now: int) -> str:
    """The nightly check, as the jobs note it."""
    return check(series, ledger).as_json()


def passed(series: Series, ledger: Ledger) -> int:
    """Before which Unix second every load was checked, so that none is missed once it is gone."""
    known = ledger.check_marks()
    ends = [EVER]
    for ident, mark in _marks(series).items():
        account = _account(known[ident]) if ident in known else Account()
        if (account.seq, account.register_j) != (mark.seq, mark.register_j):
            ends.append(account.end)
    return min(ends)


def after_ruling(
    ledger: Ledger, rulings: Iterable[tuple[Arrival, str | None, str | None]]
) -> list[tuple[Key, str, int, int, str]]:
    """What the check would keep once loads stand otherwise: (load, its reason before and after).

    A load that was not checked yet is left for the next check, which meets it as it then stands.
    """
    known = ledger.check_marks()
    moved: dict[StreamId, Account] = {}
    for arrival, before, after in rulings:
        ident = (Key(arrival.node, arrival.load.device), arrival.stream)
        if ident not in known:
            continue
        account = moved.get(ident) or _account(known[ident])
        inside = any(hole.first <= arrival.load.seq <= hole.last for hole in account.holes)
        if arrival.load.seq <= account.seq and not inside:
            kinds = ("stored" if reason is None else kind_of(reason) for reason in (before, after))
            moved[ident] = ruled(account, arrival.load.energy_j, *kinds)
    return [
        (*ident, account.seq, account.register_j, json.dumps(asdict(account)))
        for ident, account in moved.items()
    ]


def _settled(
    due: Mapping[StreamId, StreamMark],
    known: Mapping[StreamId, Account],
    claims: Mapping[StreamId, list[Claim]],
) -> dict[StreamId, Account]:
    settled = {}
    for ident, mark in due.items():
        # What came in while we read is left for the next time.
        here = [claim for claim in claims.get(ident, ()) if claim.seq <= mark.seq]
        account = settle(known.get(ident, Account()), here, mark.holes)
        settled[ident] = closed(account, mark.seq, mark.register_j, mark.end)
    return settled


def _marks(series: Series) -> dict[StreamId, StreamMark]:
    return {(mark.key, mark.stream): mark for mark in series.marks()}


def _ranges(account: Account) -> set[tuple[int, int]]:
    return {(hole.first, hole.last) for hole in account.holes}


def _moved(account: Account | None, mark: StreamMark) -> bool:
    if account is None:
        return True
    reached = (account.seq, account.register_j) == (mark.seq, mark.register_j)
    return not reached or not _ranges(account) <= set(mark.holes)


def _bounds(account: Account | None, mark: StreamMark) -> tuple[int, int] | None:
    """Between which numbers loads may be taken together; None if a hole may be filled."""
    if account is None:
        return 0, mark.seq
    return None if account.holes else (account.seq, mark.seq)


def _since(account: Account | None, mark: StreamMark) -> int:
    """From which Unix second a stream's loads must be read, unless its clock was set back."""
    if account is None:
        return max(0, mark.end - FIRST_READ_S)
    return min([account.end, *(hole.start for hole in account.holes)])


def _claims(
    series: Series, due: Mapping[StreamId, tuple[int, int] | None], since: int
) -> defaultdict[StreamId, list[Claim]]:
    found: defaultdict[StreamId, list[Claim]] = defaultdict(list)
    if not due:
        return found
    narrow = narrow_of(series)
    if narrow is not None:
        for key, stream, claim in narrow.claims(since, due):
            ident = (key, stream)
            found[ident].append(Claim(*claim, "stored"))
    else:
        for stored in series.loads(since, EVER):
            ident = (Key(stored.node, stored.load.device), stored.stream)
            if ident in due:
                found[ident].append(Claim.of(stored.load, "stored"))
    for row in series.quarantined():
        # A fork claims what another load already tells of: it has no place in the stream.
        if row.load is None or row.stream is None or row.reason == "fork":
            continue
        ident = (Key(row.node, row.load.device), row.stream)
        if ident in due:
            found[ident].append(Claim.of(row.load, kind_of(row.reason)))
    return found


def _mark(account: Account) -> CheckMark:
    carried = asdict(account)
    return CheckMark(account.seq, account.register_j, json.dumps(carried))


def _account(mark: CheckMark) -> Account:
    carried = json.loads(mark.carried)
    holes = tuple(Hole(**hole) for hole in carried.pop("holes", ()))
    return Account(**{**carried, "seq": mark.seq, "register_j": mark.register_j}, holes=holes)
