"""What it costs the collector to put loads into InfluxDB: text of lines, client, and the whole."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import influxdb_client

from bench.figures import Figure, Run, Unavailable
from bench.meters import minutes
from services import influxdb
from services.influxdb import InfluxDB
from sobre_collector.rows import Arrival
from sobre_collector.store.influx.points import load_time
from sobre_collector.store.influx.stored import Stored
from stores import InfluxStore, Site

TITLE = "InfluxDB: loads into 1.x"

# Its classes have no types.
library: Any = influxdb_client

BATCH = 10_000
METERS = 5_000
LOADS = 100_000


def measure(run: Run) -> list[Figure]:
    why = influxdb.absent()
    if why:
        raise Unavailable(why)
    written: list[float] = []
    plain: list[float] = []
    appended: list[float] = []
    seconds: list[float] = []
    for _ in range(max(run.repeats, 2)):
        server = InfluxDB(run.fresh("influxdb"))
        server.start()
        try:
            store = InfluxStore(Site(server.url))
            written.append(
                _spent(partial(Stored(store.database).write, f"{store.prefix}_loads"))[0]
            )
            plain.append(_spent(_points)[0])
            series = store.open()
            cpu_s, wall_s = _spent(series.append, 200)
            appended.append(cpu_s)
            seconds.append(LOADS / wall_s)
        finally:
            server.stop()
    return [
        Figure(
            "text and client, 100,000 loads",
            "CPU s",
            written,
            "text by Point objects",
            plain,
            "≤ 0.3",
        ),
        Figure("append with marks, 100,000 loads", "CPU s", appended),
        Figure(f"append, batches of {BATCH:,}", "loads/s", seconds),
    ]


def _points(batch: list[Arrival]) -> None:
    """The lines as influxdb-client's users make them, without sending any."""
    for node, stream, load, *_ in batch:
        point = (
            library.Point("load").tag("device", load.device).tag("node", node).tag("stream", stream)
        )
        for field in ("energy_j", "register_j", "seq", "span_s"):
            point.field(field, getattr(load, field))
        point.field("origin", load.origin.value).time(load_time(load)).to_line_protocol()


def _spent(take: Callable[[list[Arrival]], object], first: int = 0) -> tuple[float, float]:
    """CPU and wall-clock seconds of this process for 100,000 loads."""
    cpu_s = wall_s = 0.0
    per_batch = BATCH // METERS
    for number in range(LOADS // BATCH):
        batch = minutes(METERS, first + per_batch * number, per_batch)
        begun = time.perf_counter(), time.process_time()
        take(batch)
        wall_s += time.perf_counter() - begun[0]
        cpu_s += time.process_time() - begun[1]
    return cpu_s, wall_s
