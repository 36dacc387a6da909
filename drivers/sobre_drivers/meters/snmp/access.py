"""Who may read an agent: communities and pass phrases, from files that nobody else can read."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from sobre_drivers.errors import ConfigError
from sobre_drivers.meters.configured import SnmpAccess

# What agents let read where nobody changed it.
DEFAULT_COMMUNITY = "public"
# A pass phrase is this long at least (RFC 3414, 11.2).
SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is sent to prove that we may read; its secrets never show in a text."""

    version: str
    community: str = field(default="", repr=False)
    user: str = ""
    authentication: str = "none"
    authentication_phrase: str = field(default="", repr=False)
    privacy: str = "none"
    privacy_phrase: str = field(default="", repr=False)
    context: str = ""


def credentials(device: str, access: SnmpAccess) -> Credentials:
    """What the settings say, with what stands in the files; ConfigError names each mistake."""
    problems: list[str] = []
    community, authentication, privacy = (
        "" if file is None else _secret(device, name, file, problems)
        for name, file in (
            ("community_file", access.community_file),
            ("authentication_file", access.authentication_file),
            ("privacy_file", access.privacy_file),
        )
    )
    for name, phrase, file in (
        ("authentication_file", authentication, access.authentication_file),
        ("privacy_file", privacy, access.privacy_file),
    ):
        if file is not None and 0 < len(phrase) < SHORTEST:
            problems.append(f"{device}: {name} {file} holds less than {SHORTEST} characters")
    if problems:
        raise ConfigError(*problems)
    if access.version != "3":
        return Credentials(access.version, community or DEFAULT_COMMUNITY)
    return Credentials(
        "3",
        user=access.user,
        authentication=access.authentication,
        authentication_phrase=authentication,
        privacy=access.privacy,
        privacy_phrase=privacy,
        context=access.context,
    )


def _secret(device: str, name: str, file: Path, problems: list[str]) -> str:
    try:
        mode = file.stat().st_mode
        secret = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        problems.append(f"{device}: {name} {file} cannot be read ({why}); create it")
        return ""
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        problems.append(f"{device}: {name} {file} can be read by others; chmod 600 {file}")
    if not secret:
        problems.append(f"{device}: {name} {file} is empty; write the secret into it")
    return secret
