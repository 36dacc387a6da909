"""Record the golden exchanges with a real, new InfluxDB 2.x:

`PYTHONPATH=tests python -m influx.record URL`. It must be one that nobody set up yet: the first
scenario becomes its administrator, the others use its tokens.
"""

import sys
import tempfile
from pathlib import Path

from influx.exchanges import Tape, recorded, save_tape
from influx.scenarios import SCENARIOS, Place


def main(url: str) -> None:
    tokens: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, scenario in SCENARIOS.items():
            tape = Tape(tokens=tokens)
            with recorded(url, tape) as at:
                scenario(Place(at, Path(folder), tokens))
            save_tape(name, tape)
            print(f"{name}: {len(tape.exchanges)} exchanges")


if __name__ == "__main__":
    main(sys.argv[1])
