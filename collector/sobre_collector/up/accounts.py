"""Names and passwords on one machine's own broker: made once, readable by their owner alone."""

import base64
import os
import secrets
from collections.abc import Iterable
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path

COLLECTOR = "collector"

# What mosquitto_passwd writes: PBKDF2 with SHA-512, 12 bytes of salt, 64 of hash.
_ITERATIONS = 101


def password_file(folder: Path, user: str) -> Path:
    """The file that holds the user's password, made if it is missing (mode 0600)."""
    path = folder / f"{user}.password"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(32))
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, so that nobody else ever reads it."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def mosquitto_lines(files: Iterable[Path]) -> str:
    """A mosquitto password file for the users of these password files."""
    return "".join(f"{_user(path)}:{_mosquitto_hash(path.read_text('utf-8'))}\n" for path in files)


def plain_hash_lines(files: Iterable[Path]) -> str:
    """`user:SHA-256` lines: enough for passwords of 256 random bits."""
    return "".join(f"{_user(path)}:{sha256(path.read_bytes()).hexdigest()}\n" for path in files)


def _user(path: Path) -> str:
    return path.name.removesuffix(".password")


def _mosquitto_hash(password: str) -> str:
    salt = os.urandom(12)
    found = pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, 64)
    parts = (base64.b64encode(part).decode() for part in (salt, found))
    return "$7$" + "$".join((str(_ITERATIONS), *parts))
