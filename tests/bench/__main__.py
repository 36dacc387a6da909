"""`python -m bench`: take the measurements and write them into docs/performance.md.

A measurement is a module of this package with a `TITLE` and `measure(run) -> list[Figure]`; its
name stands in `MEASUREMENTS`, and its place in the document is marked `<!-- bench:NAME -->`.
"""

import argparse
import importlib
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from bench.document import Result, placed, table
from bench.figures import Run, Unavailable
from bench.machine import Others, this_machine

MEASUREMENTS = (
    "agent",
    "agents",
    "delivery",
    "wire",
    "ingest",
    "store",
    "influx",
    "days",
    "simulate",
    "report",
)
# Only when asked for by name.
LONG = ("agents-hour", "readers")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
# How long the agent is watched by default (s): several samples at its own pace of a minute.
WINDOW_S = {True: 60.0, False: 240.0}


def main(words: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 something could not be measured, 2 usage."""
    options = _options(words)
    # As Ctrl-C: every process that was started is ended, every folder removed.
    signal.signal(signal.SIGTERM, _interrupted)
    failed = False
    with tempfile.TemporaryDirectory(prefix="sobre-bench-") as folder:
        run = Run(options.quick, options.window or WINDOW_S[options.quick], Path(folder))
        try:
            for name in options.names or options.only:
                failed = not _measured(name, run, options.out) or failed
        except KeyboardInterrupt:
            print("stopped; what was measured by then is written", file=sys.stderr)
            return 1
    return 1 if failed else 0


def _measured(name: str, run: Run, document: Path) -> bool:
    module = importlib.import_module(f"bench.{name.replace('-', '_')}")
    print(f"{name}: measuring …", flush=True)
    others, begun_s = Others(), time.monotonic()
    try:
        figures = module.measure(run)
    except Unavailable as error:
        print(f"{name}: left out: {error}", file=sys.stderr)
        return False
    result = Result(name, module.TITLE, figures, this_machine(), run.quick, others.ratio)
    print("\n".join(table(figures)))
    print(
        f"{name}: {time.monotonic() - begun_s:.0f} s, "
        f"others used {result.others_ratio:.0%} of the machine\n",
        flush=True,
    )
    # After each measurement: an interrupted run keeps what it has.
    text = document.read_text("utf-8") if document.exists() else ""
    document.write_text(placed(text, result), "utf-8")
    return True


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        type=_name,
        help=f"what to measure (default: all but {', '.join(LONG)})",
    )
    parser.add_argument(
        "--only",
        type=_names,
        default=MEASUREMENTS,
        metavar="NAME,…",
        help=f"of {', '.join(MEASUREMENTS)}; the others keep the figures that they have",
    )
    parser.add_argument("--quick", action="store_true", help="5 minutes instead of 20; less exact")
    parser.add_argument(
        "--window", type=_seconds, metavar="S", help="how long the agent is watched (s)"
    )
    parser.add_argument(
        "--out", type=Path, default=DOCUMENT, metavar="FILE", help="default: docs/performance.md"
    )
    return parser.parse_args(words)


def _names(text: str) -> tuple[str, ...]:
    return tuple(map(_name, text.split(",")))


def _name(text: str) -> str:
    known = (*MEASUREMENTS, *LONG)
    if text not in known:
        raise argparse.ArgumentTypeError(f"{text!r}: choose from {', '.join(known)}")
    return text


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 60 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError("60 to 86400 s; an agent samples each minute")
    return seconds


def _interrupted(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
