"""What is done by processes that end: this one would carry their libraries all year.

Hashing brings OpenSSL (4 MiB) for two hashes at the start, and `subprocess` itself more than half a
MiB for starting a program now and then.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Protocol

from sobre_drivers.errors import ConfigError

WITHIN_S = 60.0
LOOK_S = 0.05


class Child(Protocol):
    """A program that runs beside us."""

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        ...

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it."""
        ...


class _Spawned:
    """A child started without `subprocess`."""

    def __init__(self, words: list[str], output: int | None) -> None:
        actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
        ]
        if output is not None:
            actions += [(os.POSIX_SPAWN_DUP2, output, descriptor) for descriptor in (1, 2)]
        self._pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self._pid, number)


def started(words: list[str], output: int | None = None) -> Child:
    """A program beside us; what it says goes to a descriptor, or where ours goes. OSError."""
    if hasattr(os, "posix_spawn"):
        return _Spawned(words, output)
    import subprocess

    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def ended(child: Child, within_s: float) -> int | None:
    """The exit code of a child that ends within that time; None if it does not."""
    deadline_s = time.monotonic() + within_s
    while (code := child.poll()) is None and time.monotonic() < deadline_s:
        time.sleep(LOOK_S)
    return code


def told_elsewhere(key_file: Path | None, stream: str) -> tuple[str, str]:
    """The derived node ("" without a key file) and this machine's mark in a stream.

    The mark is "" where the machine has no id; it tells nothing outside its stream. ConfigError if
    a node cannot be derived.
    """
    words = [sys.executable, "-m", "sobre_agent.naming", stream, str(key_file or "")]
    receiver, sender = os.pipe()
    try:
        with os.fdopen(receiver, encoding="utf-8") as said:
            try:
                child = started(words, sender)
            finally:
                os.close(sender)
            text = said.read()
        code = ended(child, WITHIN_S)
    except OSError as error:
        raise ConfigError(f"node: cannot be derived ({error}); name the node") from error
    if code:
        raise ConfigError(*text.splitlines())
    node, _, mark = text.partition("\n")
    return node, mark.strip()


def main(stream: str, key_file: str) -> int:
    """Print node and mark, a line each; exit code 2 with the problems if there is no node."""
    from sobre_agent.identity import derived_node, machine_id, node_name

    try:
        print(derived_node(Path(key_file)) if key_file else "")
    except ConfigError as error:
        print("\n".join(error.problems))
        return 2
    try:
        print(node_name(stream.encode("ascii"), machine_id()))
    except ConfigError:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
