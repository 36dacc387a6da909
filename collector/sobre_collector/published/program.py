"""Which program computed a result: its version, the commit if pip noted one, and its files."""

import json
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sobre_collector.report.source import software_version

PACKAGES = ("sobre_collector", "sobre_drivers")


@dataclass(frozen=True, slots=True)
class Program:
    """`sha256` is that of all source files: two programs of one version may differ."""

    version: str
    commit: str | None
    sha256: str


def program() -> Program:
    """The program that runs."""
    return Program(software_version(), _commit(), _files())


def _files() -> str:
    whole = sha256()
    for package in PACKAGES:
        found = find_spec(package)
        if found is None or found.origin is None:
            continue
        folder = Path(found.origin).parent
        for path in sorted(folder.rglob("*.py")):
            name = f"{package}/{path.relative_to(folder).as_posix()}"
            whole.update(f"{name} {sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def _commit() -> str | None:
    try:
        told: Any = json.loads(distribution("sobre").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    commit = told.get("vcs_info", {}).get("commit_id")
    return commit if isinstance(commit, str) else None
