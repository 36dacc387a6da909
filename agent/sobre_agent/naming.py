"""The derived name of this PC, told by a process that ends.

Hashing brings OpenSSL: 4 MiB that an agent would carry all year for one hash at its start.
"""

import subprocess
import sys
from pathlib import Path

from sobre_drivers.errors import ConfigError

WITHIN_S = 60.0


def derived_elsewhere(key_file: Path) -> str:
    """`sobre_agent.identity.derived_node` in a process of its own; ConfigError as there."""
    words = [sys.executable, "-m", "sobre_agent.naming", str(key_file)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"node: cannot be derived ({error}); name the node") from error
    if done.returncode:
        raise ConfigError(*done.stderr.splitlines())
    return done.stdout.strip()


def main(key_file: Path) -> int:
    """Print the name; exit code 2 with the problems if there is none."""
    from sobre_agent.identity import derived_node

    try:
        print(derived_node(key_file))
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
