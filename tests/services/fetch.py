"""Set up the test services: `python3 tests/services/fetch.py [NAME …]`.

Quick when nothing changed. Where a service cannot be had, one line says which tests are left out
and why, and the exit code is still 0: those tests skip (which `CI` turns into failures).
"""

import fcntl
import hashlib
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

# Started as a script, before any environment exists: the neighbours are found as `services.…` too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from services import debian, unpacked


def main(names: Sequence[str]) -> int:
    known = unpacked.services()
    for name in names or known:
        if name not in known:
            print(f"{name}: no such test service; known: {', '.join(known)}", file=sys.stderr)
            return 2
    unpacked.FOLDER.mkdir(exist_ok=True)
    # Two `make test` in one clone must not unpack over each other.
    with (unpacked.FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names or known:
            _set_up(known[name])
    return 0


def _set_up(service: unpacked.Service) -> None:
    stamp = service.root.with_name("stamp")
    key = _key(service)
    if stamp.exists() and stamp.read_text() == key:
        return
    print(f"setting up {service.name} for the tests …", flush=True)
    try:
        debian.unpack(service.packages, service.root)
    except debian.Unavailable as error:
        installed = unpacked.program(service.name, service.program)
        if installed:
            print(f"{service.name}: using {installed.path} of this system: {error}")
        else:
            print(f"left out: {service.tests}: {error}")
        return
    stamp.write_text(key)


def _key(service: unpacked.Service) -> str:
    """What the unpacked files depend on: a change of any makes them stale."""
    try:
        release = platform.freedesktop_os_release().get("VERSION_ID", "")
    except OSError:
        release = "unknown"
    text = repr((service.packages, platform.machine(), release))
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
