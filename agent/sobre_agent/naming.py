"""What this PC is called and which machine it is, told by a process that ends.

Hashing brings OpenSSL: 4 MiB that an agent would carry all year for two hashes at its start.
"""

import subprocess
import sys
from pathlib import Path

from sobre_drivers.errors import ConfigError

WITHIN_S = 60.0


def told_elsewhere(key_file: Path | None, stream: str) -> tuple[str, str]:
    """The derived node ("" without a key file) and this machine's mark in a stream.

    The mark is "" where the machine has no id; it tells nothing outside its stream. ConfigError if
    a node cannot be derived.
    """
    words = [sys.executable, "-m", "sobre_agent.naming", stream, str(key_file or "")]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"node: cannot be derived ({error}); name the node") from error
    if done.returncode:
        raise ConfigError(*done.stderr.splitlines())
    node, _, mark = done.stdout.partition("\n")
    return node, mark.strip()


def main(stream: str, key_file: str) -> int:
    """Print node and mark, a line each; exit code 2 with the problems if there is no node."""
    from sobre_agent.identity import derived_node, machine_id, node_name

    try:
        print(derived_node(Path(key_file)) if key_file else "")
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    try:
        print(node_name(stream.encode("ascii"), machine_id()))
    except ConfigError:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
