"""Loads a second into SQLite, beside the narrowest table that could hold them."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bench.figures import Figure, Run
from bench.meters import minutes
from sobre_collector.rows import Arrival
from sobre_collector.store.sqlite import SqliteSeries

TITLE = "Store: loads into SQLite"

BATCH = 10_000
METERS = 5_000
PLAIN = "executemany of five values"
Spent = tuple[float, float]


def measure(run: Run) -> list[Figure]:
    batches_n = 10 if run.quick else 50
    ours: list[Spent] = []
    plain: list[Spent] = []
    for _ in range(max(run.repeats, 2)):
        ours.append(_appended(run.fresh("series"), batches_n))
        plain.append(_inserted(run.fresh("plain") / "plain.db", batches_n))
    loads_n = batches_n * BATCH
    return [
        Figure(
            f"stored, batches of {BATCH:,}",
            "loads/s",
            [loads_n / wall_s for wall_s, _ in ours],
            PLAIN,
            [loads_n / wall_s for wall_s, _ in plain],
            "≥ 200,000",
        ),
        Figure(
            "a million loads",
            "CPU s",
            [cpu_s / loads_n * 1e6 for _, cpu_s in ours],
            PLAIN,
            [cpu_s / loads_n * 1e6 for _, cpu_s in plain],
        ),
    ]


def _appended(folder: Path, batches_n: int) -> Spent:
    wall_s = cpu_s = 0.0
    with closing(SqliteSeries(folder)) as series:
        for n in range(batches_n):
            arrivals = _batch(n)
            begun = time.perf_counter(), time.process_time()
            outcome = series.append(arrivals)
            wall_s += time.perf_counter() - begun[0]
            cpu_s += time.process_time() - begun[1]
            if outcome.stored != BATCH:
                raise RuntimeError(f"{outcome} of {BATCH} new loads")
    return wall_s, cpu_s


def _inserted(path: Path, batches_n: int) -> Spent:
    wall_s = cpu_s = 0.0
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(
            'CREATE TABLE loads ("end" INTEGER, device INTEGER, seq INTEGER, energy_j INTEGER, '
            'register_j INTEGER, PRIMARY KEY ("end", device)) WITHOUT ROWID'
        )
        for n in range(batches_n):
            rows = _rows(_batch(n))
            begun = time.perf_counter(), time.process_time()
            db.execute("BEGIN")
            db.executemany("INSERT INTO loads VALUES (?, ?, ?, ?, ?)", rows)
            db.execute("COMMIT")
            wall_s += time.perf_counter() - begun[0]
            cpu_s += time.process_time() - begun[1]
    return wall_s, cpu_s


def _batch(number: int) -> list[Arrival]:
    per_batch = BATCH // METERS
    return minutes(METERS, per_batch * number, per_batch)


def _rows(arrivals: Sequence[Arrival]) -> list[tuple[int, int, int, int, int]]:
    return [
        (a.load.end, n % METERS, a.load.seq, a.load.energy_j, a.load.register_j)
        for n, a in enumerate(arrivals)
    ]
