"""A day of many meters' minute loads to days, beside SQLite's own GROUP BY on the same file."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, Run
from bench.meters import DAY, MINUTES, minutes
from sobre_collector.perimeter.facts import Baseline, Perimeter
from sobre_collector.rebuild import rebuild_days
from sobre_collector.store.ledger import Ledger
from sobre_collector.store.sqlite import SqliteSeries

TITLE = "Days: a day of 5,000 meters"

METERS = 5_000
# Memory and time of this program, not of the store's: a batch of so many minutes at once.
MINUTES_AT_ONCE = 20
SUMS = "SELECT sid, sum(energy_j), sum(span_s), max(register_j) FROM loads GROUP BY sid"


def measure(run: Run) -> list[Figure]:
    meters_n = METERS // 10 if run.quick else METERS
    scale = METERS / meters_n
    folder = run.fresh("days")
    perimeter = Perimeter(Baseline(datetime.fromtimestamp(DAY, UTC).year - 1, "measured"))
    with closing(SqliteSeries(folder)) as series, closing(Ledger(folder / "ledger.db")) as ledger:
        for first in range(0, MINUTES, MINUTES_AT_ONCE):
            series.append(minutes(meters_n, first, MINUTES_AT_ONCE))
        begun_s = time.process_time()
        built = rebuild_days(series, ledger, perimeter, DAY + 86_400)
        ours_s = time.process_time() - begun_s
        if built != meters_n:
            raise RuntimeError(f"{built} days of {meters_n} meters")
        stored_mib = (folder / "series.db").stat().st_size / 2**20
    plain_s = _grouped_s(folder / "series.db", meters_n)
    name = f"{METERS * MINUTES / 1e6:.1f} million loads to days"
    if run.quick:
        name += f" (a tenth of them, × {scale:.0f})"
    return [
        Figure(name, "CPU s", [ours_s * scale], "GROUP BY", [plain_s * scale], "≤ 15"),
        Figure("the file that holds them", "MiB", [stored_mib * scale]),
    ]


def _grouped_s(path: Path, meters_n: int) -> float:
    with closing(sqlite3.connect(path)) as db:
        begun_s = time.process_time()
        rows = db.execute(SUMS).fetchall()
        spent_s = time.process_time() - begun_s
    if len(rows) != meters_n:
        raise RuntimeError(f"{len(rows)} sums of {meters_n} meters")
    return spent_s
