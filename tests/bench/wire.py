"""The wire's cost per load, beside JSON alone, which checks nothing."""

import gc
import json
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from bench.figures import Figure, Run, in_turn
from sobre_drivers.load import Load, Origin
from sobre_drivers.wire import Batch, decode_batch, encode_batch

TITLE = "Wire: encode and decode"

END = 1_795_474_800
# Loads of one message: a PC's day, and a reader that has fallen behind.
SIZES = (3, 120)
US_PER_S = 1e6

Work = Callable[[], object]


def measure(run: Run) -> list[Figure]:
    loads_n = 30_000 if run.quick else 120_000
    repeats = 3 if run.quick else 9
    figures = []
    for size in SIZES:
        batch = _batch(size)
        payload = encode_batch(batch)
        plain = json.loads(payload)
        pairs: dict[tuple[str, str], tuple[Work, Work]] = {
            ("encode", "json.dumps"): (partial(encode_batch, batch), partial(_dumped, plain)),
            ("decode", "json.loads"): (
                partial(decode_batch, payload),
                partial(json.loads, payload),
            ),
        }
        for (what, beside), (ours, theirs) in pairs.items():
            turns = loads_n // size
            values = in_turn(
                repeats,
                partial(_per_load, ours, turns, size),
                partial(_per_load, theirs, turns, size),
            )
            named = f"{what}, {size} loads a message"
            figures.append(Figure(named, "CPU µs a load", values[0], beside, values[1]))
    return figures


def _batch(size: int) -> Batch:
    loads = tuple(
        Load(
            "pc-0123456789abcdef",
            n + 1,
            END + 28_800 * n,
            28_800,
            1_234_567,
            1_234_567 * (n + 1),
            Origin.ESTIMATED,
            {"on": 20_000, "sleep": 8_000, "unknown": 800},
            power_max_w=65,
        )
        for n in range(size)
    )
    return Batch(str(UUID(int=1)), 7, loads)


def _dumped(plain: object) -> bytes:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()


def _per_load(work: Work, turns: int, size: int) -> float:
    gc.collect()
    begun_s = time.process_time()
    for _ in range(turns):
        work()
    return (time.process_time() - begun_s) / turns / size * US_PER_S
