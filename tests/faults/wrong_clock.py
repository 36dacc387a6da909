"""The agent as it is, with a time of day that a file says: `python -m faults.wrong_clock FILE …`.

The file holds how many seconds the wall clock is ahead, and is read at every look. The monotonic
clocks stay as they are, which Debian's faketime cannot do: with it every `time.sleep` of Python
3.11 fails now and then.
"""

import sys
import time
from pathlib import Path

from sobre_agent.cli import main

TRUE_TIME = time.time


def shifted(file: Path) -> float:
    """What the wall clock says."""
    return TRUE_TIME() + float(file.read_text())


if __name__ == "__main__":
    said = Path(sys.argv[1])
    time.time = lambda: shifted(said)
    sys.exit(main(sys.argv[2:]))
