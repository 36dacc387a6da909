"""The broker of one machine: mosquitto if it is installed, otherwise the one from PyPI."""

import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from sobre_collector.up.accounts import (
    COLLECTOR,
    mosquitto_lines,
    plain_hash_lines,
    write_private,
)
from sobre_drivers.errors import ConfigError
from sobre_drivers.topics import PREFIX

# Debian puts mosquitto where an ordinary user's PATH does not look.
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")

_ACL = f"""\
user {COLLECTOR}
topic read {PREFIX}/+/load
topic read {PREFIX}/+/birth/#
topic read {PREFIX}/+/status
topic write {PREFIX}/+/confirmed
topic write {PREFIX}/+/refused

pattern write {PREFIX}/%u/#
pattern read {PREFIX}/%u/confirmed
pattern read {PREFIX}/%u/refused
"""


def mosquitto_program() -> str | None:
    """Where mosquitto is installed; None if it is not."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which("mosquitto", path=os.pathsep.join((path, *_MORE_FOLDERS)))


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def broker_command(folder: Path, port: int, passwords: Sequence[Path]) -> tuple[str, list[str]]:
    """(name, command) of the broker, its files written under `folder`.

    ConfigError if there is neither a mosquitto nor amqtt.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = mosquitto_program()
    if program is not None:
        return "mosquitto", [program, "-c", str(_mosquitto_files(folder, port, passwords))]
    if importlib.util.find_spec("amqtt") is None:
        raise ConfigError("no MQTT broker here; install mosquitto, or pip install 'sobre[up]'")
    hashes = folder / "users"
    write_private(hashes, plain_hash_lines(passwords))
    module = "sobre_collector.up.embedded_broker"
    return "amqtt", [sys.executable, "-m", module, str(port), str(hashes)]


def _mosquitto_files(folder: Path, port: int, passwords: Sequence[Path]) -> Path:
    users, acl, configuration = folder / "passwords", folder / "acl", folder / "mosquitto.conf"
    write_private(users, mosquitto_lines(passwords))
    write_private(acl, _ACL)
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {users}",
        f"acl_file {acl}",
        "persistence false",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        # As root it would become a user who cannot read these files.
        lines.append("user root")
    write_private(configuration, "\n".join(lines) + "\n")
    return configuration
