"""A file that one process holds: two agents on one spool would count everything twice."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sobre_drivers.errors import StoreError


@contextmanager
def held(path: Path, who: str) -> Iterator[None]:
    """Hold `path`, with our process id in it, until the block ends.

    StoreError if another process holds it. The system lets go of it when the process dies,
    however it dies.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; let the agent write to its folder") from error
    with file:
        try:
            _take(file)
        except OSError as error:
            raise StoreError(f"{path}: {who} runs already; stop it first") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def held_now(path: Path) -> bool:
    """Whether a process holds `path`; False if it is not there."""
    if not path.exists():
        return False
    with path.open("a") as file:
        try:
            _take(file)
        except OSError:
            return True
    return False


if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
