"""What is decided of loads that are here: they count, they count no more, they are kept no more.

As in an append, what is touched is written first and ended last, so that no day is built from what
is half done.
"""

from collections.abc import Iterable, Sequence

from sobre_collector.rows import Arrival, Key
from sobre_collector.store.influx.aside import EXPIRED, READMITTED, Row, content
from sobre_collector.store.influx.desk import Desk
from sobre_collector.store.influx.lines import LAST_S
from sobre_collector.store.influx.points import DAY, LOAD, LONG, NS, day_time
from sobre_collector.store.sorting import FORK, LATE, Sorted

Late = dict[str, tuple[int, int]]


def readmit(
    desk: Desk, key: Key, reason: str, personal: bool, bound_w: float | None, step_j: int
) -> int:
    """Let the loads of a device count that are here for a reason, up to a mean power (W)."""
    rows: list[tuple[Row, Arrival]] = []
    for name, _ in desk.databases.holding_quarantine():
        for row in desk.aside.of_device(name, key, reason):
            load, stream = row.row.load, row.row.stream
            if load is None or stream is None:
                continue
            if bound_w is not None and load.energy_j > bound_w * load.span_s + step_j:
                continue
            rows.append((row, Arrival(key.node, stream, load, personal, row.row.received)))
    return _count(desk, rows)


def rule(desk: Desk, arrivals: Sequence[Arrival]) -> int:
    """Let loads count, or set them aside, as their reasons say; how many stood otherwise."""
    asides = [name for name, _ in desk.databases.holding_quarantine()]
    here = desk.aside.held(asides, arrivals)
    found = [(here.get((each.node, content(each))), each) for each in arrivals]
    rows = [(row, each) for row, each in found if row is not None and row.row.reason != FORK]
    count = _count(desk, [(row, each) for row, each in rows if each.reason is None])
    count += desk.aside.rename(
        (row, str(each.reason)) for row, each in rows if each.reason not in (None, row.row.reason)
    )
    return count + _discount(desk, [each for _, each in found if each.reason is not None])


def late(desk: Desk) -> Late:
    """Number and energy (J) of late loads by month, those that were dropped since too."""
    found = desk.databases.late()
    for name, _ in desk.databases.holding_quarantine():
        _add(found, late_in(desk, name))
    return found


def late_in(desk: Desk, name: str) -> Late:
    """Number and energy (J) of the late loads of one database, by the month of their end."""
    found: Late = {}
    for load in desk.aside.late(name, LATE):
        _add(found, {desk.month(load.end): (1, load.energy_j)})
    return found


def expire(desk: Desk, loads_before: int, days_before: str) -> int:
    """Drop the infrastructure's loads and days that are no longer kept; how many.

    Quarantined ones stay as a trace that counts as late and is not shown.
    """
    desk.databases.expire(loads_before)
    gone = []
    for row in desk.aside.rows(desk.databases.state, 0):
        load = row.row.load
        if load is not None and load.end < loads_before:
            gone.append(row)
    count = desk.aside.remove(gone, EXPIRED)
    for measurement in (LOAD, LONG):
        count += desk.stored.expire(desk.databases.loads, measurement, loads_before * NS)
    return count + desk.stored.expire(desk.databases.days, DAY, day_time(days_before))


def _count(desk: Desk, rows: Iterable[tuple[Row, Arrival]]) -> int:
    rows = [(row, each) for row, each in rows if each.load.end <= LAST_S and not desk.gone(each)]
    if not rows:
        return 0
    found = Sorted()
    compared = desk.comparison(found).compare([each for _, each in rows], quarantined=False)
    for arrival in compared.cut:
        desk.touch(found, arrival)
        found.marks[arrival.node, arrival.load.device, arrival.stream].personal = arrival.personal
        desk.place(found, arrival)
    desk.marks.put(found.marks)
    stored, refused = desk.write(found)
    staying = {(a.stream, a.load.seq) for a in (*compared.forks, *refused)}
    gone = (row for row, each in rows if (each.stream, each.load.seq) not in staying)
    desk.aside.remove(gone, READMITTED)
    desk.marks.done()
    return stored


def _discount(desk: Desk, arrivals: Sequence[Arrival]) -> int:
    fit, _ = desk.fitting(each for each in arrivals if not desk.gone(each))
    names = {name for name, _ in desk.databases.holding_loads()}
    held = []
    for name in sorted({desk.home(each) for each in fit} & names):
        ours = [each for each in fit if desk.home(each) == name]
        loads = desk.stored.same_place(name, ours)
        held += [each for each, load in zip(ours, loads, strict=True) if load == each.load]
    if not held:
        return 0
    found = Sorted()
    for arrival in held:
        desk.touch(found, arrival)
    desk.marks.put(found.marks)
    # Where it counted, so that it is forgotten with its month.
    desk.set_aside(held, lambda each: each.load.end)
    for arrival in held:
        desk.stored.remove(desk.home(arrival), [arrival])
    desk.marks.done()
    return len(held)


def _add(found: Late, more: Late) -> None:
    for month, (loads, energy_j) in more.items():
        before = found.get(month, (0, 0))
        found[month] = before[0] + loads, before[1] + energy_j
