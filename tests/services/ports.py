"""Free ports on loopback."""

import random
import socket

HOST = "127.0.0.1"
# Below the range from which Linux serves outgoing connections (ip_local_port_range), so that no
# client of another test takes the port between the choice and its use.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port of loopback on which nothing listens now."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port found on {HOST} in {PORTS.start}–{PORTS.stop}")
