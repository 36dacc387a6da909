"""What people decide about single loads: checked, noted for ever, then carried out.

A decision is noted first and carried out by whoever runs the jobs, so that it survives a crash and
never meets another writer. Carrying it out twice changes nothing.
"""

from collections.abc import Iterable, Sequence

from sobre_collector.conservation import after_ruling
from sobre_collector.duties import House, month_totals
from sobre_collector.intake import FUTURE, FUTURE_S, UNKNOWN
from sobre_collector.registry import greatest_w, step_j
from sobre_collector.rows import Arrival, Device, Key, Quarantined
from sobre_collector.store.base import Series
from sobre_collector.store.decisions import Action, Decision
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.personal import month_of
from sobre_collector.store.sorting import FORK, LATE, VOID
from sobre_drivers.errors import ConfigError
from sobre_drivers.load import personal

# One decision is one step of the store; more is a matter for an adjustment.
MAX_LOADS = 50_000
Standing = dict[tuple[str, int], str | None]


def counting(
    series: Series, ledger: Ledger, key: Key, first: int, last: int, stream: str | None = None
) -> list[Arrival]:
    """The loads of a device that count and end between two Unix seconds, both included."""
    device = ledger.devices().get(key)
    is_personal = device is None or personal(device.device_class)
    return [
        Arrival(stored.node, stored.stream, stored.load, is_personal, stored.load.end)
        for stored in series.loads(max(0, first - 1), last + 1, key)
        if first <= stored.load.end <= last and stream in (None, stored.stream)
    ]


def set_aside(rows: Iterable[Quarantined], ledger: Ledger) -> list[Arrival]:
    """The loads in rows of the quarantine; ConfigError for a row that holds none."""
    devices = ledger.devices()
    found = []
    for row in rows:
        if row.load is None or row.stream is None:
            raise ConfigError(
                f"quarantine no. {row.number}: is a payload and no load; it counts nowhere, "
                "so there is nothing to decide"
            )
        device = devices.get(Key(row.node, row.load.device))
        is_personal = device is None or personal(device.device_class)
        found.append(Arrival(row.node, row.stream, row.load, is_personal, row.received, row.reason))
    return found


def ask(
    house: House, action: Action, loads: Sequence[Arrival], by: str, why: str, now: int
) -> list[int]:
    """Note a decision about loads, one for each device; their numbers.

    ConfigError with all that stands against it: then nothing is noted.
    """
    problems = [] if by.strip() else ["--by is empty; name the role that decides"]
    problems += [] if why.strip() else ["the reason is empty; say why, for whoever audits it"]
    problems += [] if loads else ["no load is meant; see `sobre quarantine list`"]
    if len(loads) > MAX_LOADS:
        problems.append(f"{len(loads)} loads; {MAX_LOADS} at once at most, or an adjustment")
    waiting = {_identity(each) for _, part in house.ledger.decisions.pending() for each in part}
    for load in loads[: MAX_LOADS + 1]:
        problem = _problem(house, action, load, now)
        if _identity(load) in waiting:
            problem = "another decision about it is not carried out yet; wait for it"
        if problem:
            problems.append(f"{_named(load)}: {problem}")
    if problems:
        more = [f"and {len(problems) - 20} more"] if len(problems) > 20 else []
        raise ConfigError(*problems[:20], *more)
    by_device: dict[Key, list[Arrival]] = {}
    for load in loads:
        by_device.setdefault(Key(load.node, load.load.device), []).append(load)
    decisions = house.ledger.decisions
    return [decisions.add(action, key, part, by, why, now) for key, part in by_device.items()]


def carry_out(house: House, now: int) -> list[Decision]:
    """Carry out what was decided and is pending, and bring days, months and check up to it."""
    done = []
    month = month_of(house.perimeter.timezone)
    touched: set[str] = set()
    for decision, loads in house.ledger.decisions.pending():
        after = VOID if decision.action == "void" else None
        standing = _standing(house.series, decision.key, loads)
        meant, refused = [], 0
        for load in loads:
            stands = standing.get((load.stream, load.load.seq), "gone")
            # It may stand as asked already: then a run before this one was cut.
            closed = stands != after and _problem(house, decision.action, load, now)
            if stands not in (load.reason, after) or closed:
                refused += 1
            else:
                meant.append(load)
        house.series.rule([load._replace(reason=after, received=now) for load in meant])
        checks = after_ruling(house.ledger, ((load, load.reason, after) for load in meant))
        for late_month, figures in house.series.late().items():
            house.ledger.put_late(late_month, *figures)
        result = f"{len(meant)} loads" + (f", {refused} stood otherwise" if refused else "")
        house.ledger.decisions.conclude(decision.number, now, result, checks)
        touched |= {month(load.load.end) for load in meant}
        done.append(decision)
    for each in sorted(touched - house.ledger.closed_months()):
        month_totals(house, now, each)
    return done


def readmit_known(series: Series, ledger: Ledger) -> int:
    """Let loads count that wait for their device to be known, and it is; how many.

    And note what other collectors found late.
    """
    devices = ledger.devices()
    waiting = {
        Key(row.node, row.load.device)
        for row in series.quarantined()
        if row.reason == UNKNOWN and row.load is not None
    }
    for month, figures in series.late().items():
        ledger.put_late(month, *figures)
    found = 0
    for key in waiting & devices.keys():
        device = devices[key]
        bound_w, is_personal = greatest_w(device), personal(device.device_class)
        found += series.readmit(key, UNKNOWN, is_personal, bound_w, step_j(device))
    return found


def _problem(house: House, action: Action, load: Arrival, now: int) -> str | None:
    """Why this cannot be decided, with the remedy; None if it can."""
    ledger = house.ledger
    month = month_of(house.perimeter.timezone)(load.load.end)
    device = ledger.devices().get(Key(load.node, load.load.device))
    if load.reason == FORK:
        return "is a fork: another load stands in its place, and only that one can be decided on"
    if action == "void":
        if load.reason == VOID:
            return "is void already"
        if load.reason is None and month in ledger.closed_months():
            return f"month {month} is closed, and what it says stays; state an adjustment instead"
        return None
    return _unfit(house.series, load, month, month in ledger.closed_months(), device, now)


def _unfit(
    series: Series, load: Arrival, month: str, closed: bool, device: Device | None, now: int
) -> str | None:
    if load.reason is None:
        return "counts already"
    if load.reason == LATE or closed:
        return f"month {month} is closed, and what it says stays; state an adjustment instead"
    if device is None:
        return "its device is not accepted; list it in the perimeter, and restart its agent"
    if load.reason == FUTURE and load.load.end > now + FUTURE_S:
        return "ends in the future; wait until then"
    key, span = device.key, load.load
    others = (s for s in series.loads(span.start, span.end, key) if s.load != span)
    if any(others):
        return "its time is counted by another load; void that one first"
    return None


def _standing(series: Series, key: Key, loads: Sequence[Arrival]) -> Standing:
    """How each of these loads stands now: the reason, None if it counts; those gone are left out.

    A fork of one of them has another content, and says nothing of it.
    """
    meant = {(each.stream, each.load.seq): each.load for each in loads}
    found: Standing = {}
    for row in series.quarantined():
        if row.load is not None and row.stream is not None and row.node == key.node:
            name = row.stream, row.load.seq
            if meant.get(name) == row.load:
                found[name] = row.reason
    first = min((each.load.start for each in loads), default=0)
    last = max((each.load.end for each in loads), default=0)
    for stored in series.loads(first, last, key):
        name = stored.stream, stored.load.seq
        if meant.get(name) == stored.load:
            found[name] = None
    return found


def _identity(load: Arrival) -> tuple[str, str, str, int]:
    return load.node, load.load.device, load.stream, load.load.seq


def _named(load: Arrival) -> str:
    return f"{load.node} {load.load.device} no. {load.load.seq}"
