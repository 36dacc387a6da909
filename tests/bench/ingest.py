"""What it costs to take loads in and confirm them, beside a plain script that does the same job."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from bench import line
from bench.figures import Figure, Run
from bench.processes import environment, running, script, until
from bench.sender import NODES

TITLE = "Ingest: from the broker to the disk and back"

RATE = 1_000
PER = 100_000
PLAIN = "paho + json + sqlite3, no checks"
Receiver = Callable[[Path, int], AbstractContextManager[psutil.Process]]


def measure(run: Run) -> list[Figure]:
    paced_n, flat_out_n = (5_000, 10_000) if run.quick else (15_000, 30_000)
    paced = _both(run, paced_n, RATE)
    flat_out = _both(run, flat_out_n, 0)
    return [
        Figure(
            f"{PER:,} messages of one load, at {RATE:,}/s",
            "CPU s",
            [cpu_s for cpu_s, _ in paced[0]],
            PLAIN,
            [cpu_s for cpu_s, _ in paced[1]],
            "≤ 6",
        ),
        Figure(
            f"{PER:,} messages of one load, as fast as they are confirmed",
            "CPU s",
            [cpu_s for cpu_s, _ in flat_out[0]],
            PLAIN,
            [cpu_s for cpu_s, _ in flat_out[1]],
        ),
        Figure(
            "messages confirmed, with sender and broker on the same machine",
            "1/s",
            [rate for _, rate in flat_out[0]],
            PLAIN,
            [rate for _, rate in flat_out[1]],
        ),
    ]


def _both(
    run: Run, count: int, rate: int
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """CPU seconds per 100,000 and confirmed messages a second: ours, and the plain script's."""
    ours, plain = [], []
    for _ in range(run.repeats):
        ours.append(_taken_in(run.fresh("ingest"), line.collector, count, rate))
        plain.append(_taken_in(run.fresh("ingest"), _plain, count, rate))
    return ours, plain


def _taken_in(folder: Path, receiver: Receiver, count: int, rate: int) -> tuple[float, float]:
    with line.broker(folder / "broker") as broker, receiver(folder, broker.port) as process:
        words = [*script("bench.sender"), str(broker.port), str(count), str(rate)]
        with subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        ) as sender:
            try:
                assert sender.stdin is not None
                assert sender.stdout is not None
                if sender.stdout.readline() != f"warm {NODES}\n":
                    raise RuntimeError("the first loads were not confirmed")
                before = process.cpu_times()
                sender.stdin.write("go\n")
                sender.stdin.flush()
                confirmed, seconds = sender.stdout.readline().split()
                after = process.cpu_times()
            finally:
                sender.kill()
        if int(confirmed) != count:
            raise RuntimeError(f"{confirmed} of {count} messages were confirmed")
        cpu_s = after.user + after.system - before.user - before.system
        return cpu_s / count * PER, count / float(seconds)


@contextmanager
def _plain(folder: Path, port: int) -> Iterator[psutil.Process]:
    log = folder / "plain.log"
    words = [*script("bench.floors.plain_ingest"), str(port), str(folder / "plain.db")]
    with running(words, log) as process:
        until(lambda: "connected" in log.read_text(), "the plain script connects")
        yield process
