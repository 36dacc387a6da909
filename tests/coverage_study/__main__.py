"""`python -m coverage_study`: simulate fleets, write docs/coverage.md and a table in method.md."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from coverage_study.document import between_marks, document, summary
from coverage_study.fleet import ROLLOUTS, Rollout, fleet
from coverage_study.loads import proved
from coverage_study.result import Answer, answer

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "coverage.md"
METHOD = DOCUMENT.with_name("method.md")
FLEETS = 400
FIRST_SEED = 20_260_000


def answers(rollout: Rollout, fleets: int, processes: int) -> list[Answer]:
    """The answers of so many fleets; the number of processes changes nothing in them."""
    seeds = range(FIRST_SEED, FIRST_SEED + fleets)
    # A fresh process has no threads of a linear algebra library to inherit.
    with get_context("spawn").Pool(processes) as pool:
        return pool.map(partial(answer, rollout=rollout), seeds, chunksize=5)


def main(words: Sequence[str] | None = None) -> int:
    """Exit code 0; 1 if an interval covers less than it says, or the bias test seldom fires."""
    parser = argparse.ArgumentParser(prog="coverage_study", description=__doc__)
    parser.add_argument("--fleets", type=int, default=FLEETS, help="of each roll-out")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=DOCUMENT)
    parser.add_argument("--method", type=Path, default=METHOD, help="gets the table of results")
    options = parser.parse_args(words)
    found = {}
    for rollout in ROLLOUTS:
        print(f"{rollout}: {options.fleets} fleets …", file=sys.stderr, flush=True)
        found[rollout] = answers(rollout, options.fleets, options.processes)
    print("one fleet from its loads …", file=sys.stderr, flush=True)
    text, kept = document(found, proved(fleet(FIRST_SEED, "even")))
    options.out.write_text(text, encoding="utf-8")
    method = options.method.read_text(encoding="utf-8")
    options.method.write_text(between_marks(method, summary(found)), encoding="utf-8")
    print(text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
