"""A broker as deploy/mosquitto sets it up, and a real collector behind it."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from trustme import CA

from bench.figures import Unavailable
from bench.processes import running, until
from services import mosquitto
from services.mosquitto import Broker
from services.ports import HOST, free_port

# As deploy/mosquitto/sobre.conf, which is held to be what a fleet runs.
LIMITS = (
    "message_size_limit 65536",
    "max_connections 12000",
    "max_queued_messages 10000",
    "max_queued_bytes 67108864",
    "connection_messages false",
)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of a site's authority and of one node called `pc-1`."""

    authority: Path
    certificate: Path
    key: Path


@contextmanager
def broker(folder: Path, lines: Sequence[str] = ()) -> Iterator[Broker]:
    """A mosquitto on loopback with a fleet's limits that writes down errors only."""
    why = mosquitto.absent()
    if why:
        raise Unavailable(why)
    port = free_port()
    quiet = [f"listener {port} {HOST}", "allow_anonymous true", "log_dest stderr", "log_type error"]
    made = Broker(folder, "\n".join([*quiet, *LIMITS, *lines, ""]), port)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def secured(folder: Path, port: int) -> tuple[Certificates, list[str]]:
    """Certificates of a new authority, and what opens a listener that asks for them."""
    ca = CA()
    server, node = (
        ca.issue_cert(HOST, "localhost"),
        ca.issue_cert("pc-1.example", common_name="pc-1"),
    )
    files = {name: folder / f"{name}.pem" for name in ("ca", "server", "server-key", "node", "key")}
    ca.cert_pem.write_to_path(files["ca"])
    for made, certificate, key in ((server, "server", "server-key"), (node, "node", "key")):
        files[certificate].write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        made.private_key_pem.write_to_path(files[key])
        # An agent refuses a key that others may read.
        files[key].chmod(0o600)
    listener = [
        f"listener {port} {HOST}",
        f"cafile {files['ca']}",
        f"certfile {files['server']}",
        f"keyfile {files['server-key']}",
        "require_certificate true",
        "use_identity_as_username true",
    ]
    return Certificates(files["ca"], files["node"], files["key"]), listener


@contextmanager
def collector(folder: Path, port: int) -> Iterator[psutil.Process]:
    """A `sobre collect` process that takes loads in."""
    config, log = folder / "collector.toml", folder / "collector.log"
    config.write_text(f'data = "data"\n[mqtt]\nport = {port}\n')
    words = [sys.executable, "-m", "sobre_collector", "collect", "--config", str(config)]
    with running(words, log) as process:
        until(lambda: ": connected" in log.read_text(), "the collector connects")
        yield process
