"""`make chaos`: break everything for minutes, and exit with 1 unless every joule is there once.

`SEED=7 make chaos` does again what seed 7 did, as far as the machine's own timing allows.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.machine import this_machine
from chaos.coming import come_back_together
from chaos.phases import Stage, full_disks, kills, narrow_broker, network, steps
from chaos.result import Result, placed, table, total

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "chaos.md"
KILLS = 100
STORM = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 0))
    parser.add_argument("--scale", type=float, default=1.0, help="1: eight minutes")
    parser.add_argument("--only", help="a word in the name of the only phase to run")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 1_000_000)
    scale = options.scale
    print(f"seed {seed}", flush=True)
    phases: dict[str, tuple[float, Callable[[Stage], Result]]] = {
        "kills": (180.0, lambda stage: kills(stage, int(KILLS * min(1.0, scale)))),
        "steps": (40.0, steps),
        "network": (70.0, network),
        "broker": (30.0, narrow_broker),
        "disks": (30.0, full_disks),
        "storm": (60.0, lambda stage: come_back_together(stage.folder, int(STORM * min(1, scale)))),
    }
    if options.only and not any(options.only in name for name in phases):
        parser.error(f"--only {options.only}: no such phase; known: {', '.join(phases)}")
    began_s, results = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="sobre-chaos-") as folder:
        for name, (seconds, phase) in phases.items():
            if options.only and options.only not in name:
                continue
            own = Path(folder) / name
            own.mkdir()
            chance = random.Random(f"{seed} {name}")
            result = phase(Stage(own, chance, seconds * scale))
            results.append(result)
            print("\n".join(table([result])[2:]), *result.problems, sep="\n", flush=True)
    lines = summary(results, seed, time.monotonic() - began_s)
    print("\n".join(lines))
    if scale >= 1 and not options.only:
        DOCUMENT.write_text(placed(DOCUMENT.read_text(), lines))
    return 0 if all(result.good for result in results) else 1


def summary(results: list[Result], seed: int, seconds: float) -> list[str]:
    """The table, the sums, and where it was run."""
    killed = {w: n for w, n in total(results).items() if "killed" in w or " at " in w}
    killed = {w: n for w, n in killed.items() if "TLS" not in w}
    generated_j = sum(result.balance.generated_j for result in results)
    lost_j = sum(result.balance.lost_j for result in results)
    doubled_j = sum(result.balance.doubled_j for result in results)
    problems = [problem for result in results for problem in result.problems]
    return [
        *table(results),
        "",
        f"{generated_j:,} J generated, {lost_j:,} J lost, {doubled_j:,} J doubled; "
        f"{sum(killed.values())} processes killed; seed {seed}, {seconds / 60:.1f} minutes.",
        *problems,
        "",
        f"*{this_machine()}*",
    ]


if __name__ == "__main__":
    sys.exit(main())
