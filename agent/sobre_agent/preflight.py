"""What can be wrong around a configuration on this machine, found before anything is connected."""

import os
import stat
from pathlib import Path

from sobre_agent.config import AgentConfig, loopback
from sobre_drivers.errors import ConfigError


def problems(config: AgentConfig) -> list[str]:
    """One line for each thing that keeps the agent from working: subject, finding, remedy."""
    mqtt = config.mqtt
    found = []
    for key, path in (
        ("mqtt.ca_file", mqtt.ca_file),
        ("mqtt.certificate_file", mqtt.certificate_file),
    ):
        found += _unreadable(key, path)
    secrets = [("mqtt.key_file", mqtt.key_file), ("mqtt.password_file", mqtt.password_file)]
    if not config.node:
        secrets.append(("organisation_key_file", config.organisation_key_file))
    for key, path in secrets:
        found += _unreadable(key, path) or _exposed(key, path)
    found += _unwritable("spool.folder", config.spool.folder)
    if config.status_file is not None:
        found += _unwritable("status_file", config.status_file.parent)
    return found + _meters(config)


def warnings(config: AgentConfig) -> list[str]:
    """What works, and yet somebody should know."""
    mqtt = config.mqtt
    found = []
    if not mqtt.encrypted and not loopback(mqtt.host):
        found.append(
            f"mqtt.tls: {mqtt.host} is another machine, and everything travels in clear; "
            "set tls = 'auto'"
        )
    if config.meters:
        from sobre_drivers.meters import catalog

        for meter in config.meters:
            try:
                found += catalog.warnings(catalog.describe(meter, config.profiles_folder))
            except ConfigError:
                continue
    return found


def _unreadable(key: str, path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        with path.open("rb"):
            return []
    except OSError as error:
        return [f"{key}: {path}: {error.strerror}; put it there, readable by the agent"]


def _exposed(key: str, path: Path | None) -> list[str]:
    # Windows says who may read in an access list, which these bits do not show.
    if path is None or os.name == "nt":
        return []
    # systemd hands secrets over in a folder of its own, where an access list shows as group bits.
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if given and path.is_relative_to(given):
        return []
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [f"{key}: {path}: others than its owner may read it; chmod 600 {path}"]
    return []


def _unwritable(key: str, folder: Path) -> list[str]:
    nearest = next((f for f in (folder, *folder.parents) if f.exists()), folder)
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return []
    return [f"{key}: {nearest} cannot be written to; let the agent write there, or name another"]


def _meters(config: AgentConfig) -> list[str]:
    if not config.meters:
        return []
    from sobre_drivers.meters import catalog
    from sobre_drivers.meters.kind import Lines

    found = []
    lines: Lines = {}
    for meter in config.meters:
        try:
            # Drivers show what is not installed, and together whether those on one serial line
            # want it set alike; none is connected before it is read.
            catalog.driver_for(meter, config.profiles_folder, lines)
        except ConfigError as error:
            found += [f"meters, {meter.device}: {problem}" for problem in error.problems]
    return found
