"""What a PC is called when it may not say its name: a hash that only the organisation can make.

The system's own machine id, under a key of the organisation, gives the same name at each start and
after each reinstallation of the agent. Erasing the key forgets which PC is which.
"""

import hmac
import importlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sobre_drivers.errors import ConfigError

PREFIX = "pc-"
# 64 bits: among 10,000 PCs two share a name once in 370 billion draws.
NAME_DIGITS = 16
KEY_BYTES = 32
MAX_KEY_BYTES = 4096

_LINUX_FILES = ("etc/machine-id", "var/lib/dbus/machine-id")
_LINUX_ID = re.compile(r"[0-9a-f]{32}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_IOREG = ("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice")

Run = Callable[[Sequence[str]], str]


def node_name(key: bytes, machine: str) -> str:
    """The node and device id of a machine: `pc-` and 16 hexadecimal digits."""
    digest = hmac.new(key, machine.encode("ascii"), "sha256").hexdigest()
    return PREFIX + digest[:NAME_DIGITS]


def derived_node(key_file: Path) -> str:
    """The name of this machine under the key in a file; ConfigError if one of them is missing."""
    return node_name(read_key(key_file), machine_id())


def read_key(path: Path) -> bytes:
    """The organisation's key: 32 bytes or more, without the line end that an editor adds."""
    try:
        with path.open("rb") as file:
            key = file.read(MAX_KEY_BYTES + 1).rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(
            f"{path}: the organisation's key cannot be read ({error.strerror}); "
            "copy it there, readable by the agent only"
        ) from error
    if len(key) > MAX_KEY_BYTES:
        raise ConfigError(f"{path}: more than {MAX_KEY_BYTES} bytes; this is no key file")
    if len(key) < KEY_BYTES:
        raise ConfigError(
            f"{path}: {len(key)} bytes; a key has {KEY_BYTES} at least: "
            f"make one for the whole organisation with `openssl rand -hex {KEY_BYTES}`"
        )
    # Whoever guesses the key can find a PC by trying machine ids.
    if len(set(key)) < 8:
        raise ConfigError(f"{path}: the same few bytes again and again; use a random key")
    return key


def machine_id(system: str = sys.platform, root: Path = Path("/"), run: Run | None = None) -> str:
    """The id that the operating system gave this machine, in lower case; ConfigError without one.

    `root` is where Linux keeps it, `run` starts the program that tells it on macOS.
    """
    if system == "win32":
        return _checked(_windows(), _UUID, "MachineGuid in the registry", "repair Windows")
    if system == "darwin":
        return _checked(_macos(run or _output), _UUID, "IOPlatformUUID", "look at `ioreg -rd1`")
    found = ""
    for name in _LINUX_FILES:
        try:
            found = (root / name).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            continue
        if found.strip():
            break
    return _checked(found, _LINUX_ID, "/etc/machine-id", "run `systemd-machine-id-setup`")


def _checked(found: str, form: re.Pattern[str], what: str, remedy: str) -> str:
    machine = found.strip().lower()
    if form.fullmatch(machine) is None or not machine.strip("0-"):
        seen = f"is {machine[:40]!r}" if machine else "is missing or empty"
        raise ConfigError(f"{what}: {seen}; {remedy}, or name the node in the configuration")
    return machine


def _windows() -> str:
    winreg = importlib.import_module("winreg")
    # A 32-bit Python would look into another branch, where the value does not exist.
    access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
    path = r"SOFTWARE\Microsoft\Cryptography"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    except OSError:
        return ""


def _macos(run: Run) -> str:
    found = re.search(r'"IOPlatformUUID"\s*=\s*"([^"]+)"', run(_IOREG))
    return found.group(1) if found else ""


def _output(words: Sequence[str]) -> str:
    # Only macOS pays for this import.
    import subprocess

    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
