"""Debian packages downloaded and unpacked in a folder of ours: no root, nothing installed.

apt works on a private copy of its state, so that it neither needs nor touches the system's lists;
the system's list of installed packages only tells it what is missing.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# The C library must be the one that the system's loader belongs to.
KEPT_FROM_SYSTEM = {"libc6", "libc-bin"}
# What apt-get simulates: `Inst name [installed version] (new version, source, [architecture])`.
WANTED = re.compile(r"^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) ", re.MULTILINE)
NEEDED_TOOLS = ("apt-get", "dpkg-deb")
ATTEMPT_S = 300


class Unavailable(Exception):
    """The packages cannot be had here; the message is one line for a person."""


class Apt:
    """apt-get with its state, lists and downloads in one folder."""

    def __init__(self, folder: Path) -> None:
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::State": folder,
            "Dir::State::Lists": folder / "lists",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": folder / "cache",
            # As root, apt would download as a user who cannot write to a folder of ours.
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
            # Without this, `update` says "done" when it could not reach the archive.
            "APT::Update::Error-Mode": "any",
        }
        self.command = ["apt-get", "-qq"]
        for name, value in options.items():
            self.command += ["-o", f"{name}={value}"]

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        return _run([*self.command, *arguments], cwd)


def unpack(packages: Sequence[str], root: Path) -> None:
    """Put `packages`, and what they need beyond this system, under `root`, replaced as a whole."""
    for tool in NEEDED_TOOLS:
        if shutil.which(tool) is None:
            raise Unavailable(f"no {tool} here (this needs Debian, Ubuntu or a relative)")
    with _beside(root) as work:
        apt = Apt(work / "apt")
        apt.run("update")
        wanted = dict.fromkeys(packages)
        simulation = apt.run("install", "--simulate", "--no-install-recommends", *packages)
        for name, version in WANTED.findall(simulation):
            if name not in KEPT_FROM_SYSTEM:
                wanted[name] = version
        downloads = work / "downloads"
        downloads.mkdir()
        named = [f"{name}={version}" if version else name for name, version in wanted.items()]
        apt.run("download", *named, cwd=downloads)
        fresh = work / "root"
        for package in sorted(downloads.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(fresh)])
        if root.exists():
            shutil.rmtree(root)
        fresh.rename(root)


@contextmanager
def _beside(root: Path) -> Iterator[Path]:
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix="unpacking-") as folder:
        yield Path(folder)


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ATTEMPT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} did not finish in {ATTEMPT_S} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
        why = lines[0] if lines else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"{command[0]}: {why}")
    return done.stdout
