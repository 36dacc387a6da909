"""A file system of our own that fills up, and gets room again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class NoDiskError(Exception):
    """No such file system can be had here; the message says why."""


class SmallDisk:
    """A mounted tmpfs of `size` bytes in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no byte free."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"x" * 4_096)

    def give_room(self) -> None:
        """Free what `fill` took."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """Mount it, and always unmount it; NoDiskError where nobody lets us."""
    folder.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "sobre-test", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NoDiskError("no mount here") from error
    if done.returncode:
        raise NoDiskError(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: what a killed process still holds open does not keep it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
