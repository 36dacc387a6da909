"""A store with one of everything that a migration must bring over, and what lies in its files."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from sobre_collector.migrate.influx import InfluxSource
from sobre_collector.migrate.influx_target import InfluxTarget
from sobre_collector.migrate.move import Proof, migrate
from sobre_collector.migrate.sqlite import SqliteSource, SqliteTarget
from sobre_collector.rows import Arrival, DayRow, Key, Refused
from sobre_collector.store.sqlite import SqliteSeries
from sobre_drivers.load import Load, Origin
from stores import PARIS, InfluxStore

# 24 November 2026, 00:00 in Paris.
T0 = 1_795_474_800
DAY_S = 86_400
A, B = str(UUID(int=1)), str(UUID(int=2))
OUTLET, FEEDER = Key("reader", "pdu-a3/outlet-07"), Key("reader", "pdu-a3")
PC, OTHER_PC = Key("pc-1", "pc-1"), Key("pc-2", "pc-2")


def load(key: Key, seq: int, end: int, span_s: int, replaces: int = 1, **more: object) -> Load:
    """Load `seq` of a device; its register is that of a device that never missed one."""
    energy_j = sum(1000 + n for n in range(seq - replaces + 1, seq + 1))
    register_j = sum(1000 + n for n in range(1, seq + 1))
    made = Load(key.device, seq, end, span_s, energy_j, register_j, Origin.MEASURED)
    return made._replace(replaces=replaces, **more)  # type: ignore[arg-type]


def arrival(key: Key, one: Load, stream: str = A, reason: str | None = None) -> Arrival:
    return Arrival(key.node, stream, one, key in (PC, OTHER_PC), max(one.end, T0) + 60, reason)


def day(key: Key, date: str, energy_j: int, **more: object) -> DayRow:
    figures = (DAY_S, 80_000, 3_600, energy_j, 7, 0, 12)
    return DayRow(key, key in (PC, OTHER_PC), date, *figures, **more)  # type: ignore[arg-type]


def fill(folder: Path) -> None:
    """Make the store."""
    folder.mkdir(parents=True, exist_ok=True)
    series = SqliteSeries(folder, zone=PARIS)
    hours = range(1, 24 * 5)
    # Numbers 7 and 30 to 33 never came.
    there = [n for n in hours if n != 7 and not 30 <= n <= 33]
    series.append([arrival(OUTLET, load(OUTLET, n, T0 + 3_600 * n, 3_600)) for n in there])
    merged = load(FEEDER, 4, T0 + 40 * DAY_S, 36 * 3_600, replaces=3, origin=Origin.ALLOCATED)
    printer = load(FEEDER, 5, T0 + 40 * DAY_S + 60, 60, pages=3, power_max_w=0, state_s={})
    first = load(FEEDER, 1, T0 + 38 * DAY_S, 60, state_s={"ready": 50, "off": 10})
    series.append([arrival(FEEDER, each) for each in (first, merged, printer)])
    # Two months of two PCs, of which one is forgotten, and one with a load of before.
    # One of a month before that went with it.
    series.forget("2026-08")
    older = arrival(PC, load(PC, 1, T0 - 100 * DAY_S, 3_600), B)
    series.append([older._replace(received=T0 - 70 * DAY_S)])
    series.forget("2026-09")
    for key in (PC, OTHER_PC):
        days = [
            load(key, n, T0 + DAY_S * n, DAY_S, state_s={"on": 9_000, "off": DAY_S - 9_000})
            for n in range(1, 15)
        ]
        series.append([arrival(key, each) for each in days])
    late = load(PC, 15, T0 - 70 * DAY_S, 3_600)
    series.append([arrival(PC, late)])
    # What may not count: a fork, an overlap, a stranger, a void load, one that counts again.
    series.append([arrival(PC, load(PC, 3, T0 + 3 * DAY_S, 3_599))])
    series.append([arrival(OUTLET, load(OUTLET, 1, T0 + 7_200, 3_600), B)])
    stranger = Key("reader", "brand-new")
    unknown = [arrival(stranger, load(stranger, n, T0 + n, 1), A, "unknown-device") for n in (1, 2)]
    series.append(unknown)
    series.rule([arrival(OUTLET, load(OUTLET, 50, T0 + 3_600 * 50, 3_600), A, "void")])
    series.rule([arrival(PC, load(PC, 5, T0 + 5 * DAY_S, DAY_S, state_s=days[4].state_s), A, "x")])
    again = unknown[1]._replace(reason=None)
    assert series.rule([again]) == 1
    series.refuse([Refused("pc-2", b"\x00\xff no JSON", "is no JSON", T0 + DAY_S)])
    # The outlet's days were built since, the others wait.
    (touched,) = [each for each in series.touched() if each.key == OUTLET]
    rows = [
        day(OUTLET, "2026-11-24", 5, valid=True),
        day(OUTLET, "2026-11-25", 6),
        day(FEEDER, "2026-12-31", 8, state_s={"ready": 5}, pages=0),
        day(PC, "2026-11-24", 9, state_s={"on": 1, "off": 2}),
        day(PC, "2026-12-01", 10, pages=4, filled_j=3),
    ]
    series.put_days(rows, [touched])
    series.close()


class Cut(Exception):
    """The power goes."""


def to_influx(
    folder: Path, store: InfluxStore, crash: Callable[[str], None] = lambda step: None
) -> Proof:
    with closing(SqliteSource(folder)) as source:
        return migrate(source, InfluxTarget(store.site.connect(), store.prefix, PARIS), crash=crash)


def to_sqlite(
    store: InfluxStore, folder: Path, crash: Callable[[str], None] = lambda step: None
) -> Proof:
    source = InfluxSource(store.site.connect(), store.prefix, PARIS)
    with closing(SqliteTarget(folder)) as target:
        return migrate(source, target, crash=crash)


def cut_at(step: str, times: int = 1) -> Callable[[str], None]:
    """Cuts the power at the n-th time that a step comes."""
    left = iter(range(times - 1))

    def crash(reached: str) -> None:
        if reached == step and next(left, None) is None:
            raise Cut

    return crash


def contents(folder: Path) -> dict[str, dict[str, list[tuple[object, ...]]]]:
    """Every row of every file, without the short numbers that files give to streams and rows."""
    found = {}
    for path in sorted(folder.glob("*.db")):
        if path.name == "ledger.db":
            continue
        with closing(sqlite3.connect(path)) as db:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            queries = {
                "loads": "SELECT node, device, stream, l.* FROM loads l JOIN streams s"
                " ON s.id = l.sid",
                "days": "SELECT * FROM days",
                "quarantine": "SELECT * FROM quarantine",
                "marks": "SELECT node, device, stream, m.* FROM marks m JOIN streams s USING (id)",
                "forgotten": "SELECT * FROM forgotten",
                "late": "SELECT * FROM late",
                "spans": "SELECT * FROM spans",
            }
            found[path.name] = {
                table: sorted(map(_bare(db, sql), db.execute(sql)), key=repr)
                for table, sql in queries.items()
                if table in tables
            }
    return found


def _bare(db: sqlite3.Connection, sql: str) -> Callable[[Any], tuple[object, ...]]:
    names = [column[0] for column in db.execute(sql).description]
    kept = [n for n, name in enumerate(names) if name not in ("id", "sid", "number")]
    return lambda row: tuple(row[n] for n in kept)
