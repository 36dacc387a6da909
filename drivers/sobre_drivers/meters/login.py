"""The files of a login, looked at before anything is connected."""

import os
import stat
from pathlib import Path

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.configured import Login


def check(device: str, login: Login) -> None:
    """ConfigError unless its files can be read, and the password by nobody else."""
    problems = []
    for name, file in (("password_file", login.password_file), ("ca_file", login.ca_file)):
        finding = None if file is None else _unreadable(file)
        if finding is not None:
            problems.append(f"{device}: login.{name} {file} {finding}")
    if not problems and login.ca_file is not None and not _vouches(login.ca_file):
        problems.append(
            f"{device}: login.ca_file {login.ca_file} holds no certificate; give the authority's, "
            "in PEM"
        )
    file = login.password_file
    if not problems and file is not None and _exposed(file):
        problems.append(
            f"{device}: login.password_file {file} can be read by others; chmod 600 {file}"
        )
    if problems:
        raise ConfigError(*problems)


def _unreadable(file: Path) -> str | None:
    try:
        with file.open("rb"):
            return None
    except OSError as error:
        return f"cannot be read ({error.strerror}); put it there, readable by the agent"


def _vouches(file: Path) -> bool:
    """Whether certificates could be held against it, found by loading it as a meter's driver would.

    Only here is ssl needed, and it is large.
    """
    import ssl

    try:
        return bool(ssl.create_default_context(cafile=file).get_ca_certs())
    except (OSError, ValueError):
        return False


def _exposed(file: Path) -> bool:
    # Windows says who may read in an access list, which these bits do not show; systemd hands
    # secrets over in a folder of its own, where such a list shows as group bits.
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if os.name == "nt" or (given and file.is_relative_to(given)):
        return False
    return bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
