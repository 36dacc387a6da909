"""What can be wrong around a configuration on this machine, found before anything is connected."""

import os
import stat
from pathlib import Path

from sobre_agent.config import AgentConfig, Meter, loopback
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
    for meter in config.meters:
        found += [f"meters, {line}" for line in (*_port(meter), *_doubtful(meter, config))]
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


def _port(meter: Meter) -> list[str]:
    """What is wrong with a serial port now: an adapter may be plugged in later."""
    path = Path(meter.serial_port)
    if not meter.serial_port or os.name == "nt":
        return []
    if not path.exists():
        return [
            f"{meter.device}: serial_port: {path} is not there; plug its adapter in, or correct "
            "the path"
        ]
    if not os.access(path, os.R_OK | os.W_OK):
        return [
            f"{meter.device}: serial_port: {path} may not be opened; put the agent's user into the "
            "port's group (dialout)"
        ]
    return []


def _doubtful(meter: Meter, config: AgentConfig) -> list[str]:
    """What can be read, and asked for in a way that nobody may want."""
    from sobre_drivers.meters import catalog

    try:
        about = catalog.about(catalog.find(meter.profile, config.profiles_folder))
        found = catalog.warnings(catalog.describe(meter, config.profiles_folder))
    except ConfigError:
        return []
    # What is asked in working hours only is woken by being asked.
    if about.hours == "working" and (meter.sample_s or about.sample_s) < about.sample_s:
        found.append(
            f"{meter.device}: sample_s: {meter.sample_s:g} s may keep it from sleeping; leave it "
            f"out ({about.sample_s:g} s), or see docs/printers-over-the-network.md"
        )
    return found


def _meters(config: AgentConfig) -> list[str]:
    if not config.meters:
        return []
    from sobre_drivers.meters import catalog, fitting
    from sobre_drivers.meters.kind import Lines

    found = []
    lines: Lines = {}
    known = []
    for meter in config.meters:
        try:
            path = catalog.find(meter.profile, config.profiles_folder)
            known.append((catalog.protocol_of(path), meter))
            # Drivers show what is not installed, and together whether those on one serial line
            # want it set alike; none is connected before it is read.
            catalog.driver_for(meter, config.profiles_folder, lines)
        except ConfigError as error:
            found += [_of(meter, problem) for problem in error.problems]
    return found + [f"meters, {problem}" for problem in fitting.at_one_place(known)]


def _of(meter: Meter, problem: str) -> str:
    """A problem with the meter's name before it, once."""
    named = problem.startswith((f"{meter.device}: ", f"{meter.device}/"))
    return f"meters, {problem}" if named else f"meters, {meter.device}: {problem}"
