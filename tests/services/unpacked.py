"""Where a test service's programs are: unpacked under .services, otherwise on the system."""

import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / ".services"
# Debian keeps daemons where an ordinary user's PATH does not lead.
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of services.toml."""

    name: str
    packages: tuple[str, ...]
    program: str
    tests: str

    @property
    def root(self) -> Path:
        return FOLDER / self.name / "root"


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start, and the environment in which it finds its own libraries."""

    path: str
    environment: dict[str, str]


def services() -> dict[str, Service]:
    """All test services, by name."""
    with Path(__file__).with_name("services.toml").open("rb") as file:
        table = tomllib.load(file)
    return {
        name: Service(name, tuple(entry["packages"]), entry["program"], entry["tests"])
        for name, entry in table.items()
    }


def program(service: str, name: str) -> Program | None:
    """Program `name` of a service; None where it is neither unpacked nor installed."""
    unpacked = under(services()[service].root, name)
    installed = shutil.which(name, path=SYSTEM_PATH) if unpacked is None else None
    return Program(installed, dict(os.environ)) if installed else unpacked


def under(root: Path, name: str) -> Program | None:
    """Program `name` of the packages that were unpacked in `root`; None if it is not there."""
    for folder in ("usr/sbin", "usr/bin", "bin", "sbin"):
        path = root / folder / name
        if path.exists():
            return Program(str(path), {**os.environ, "LD_LIBRARY_PATH": _libraries(root)})
    return None


def _libraries(root: Path) -> str:
    folders = {path.parent for path in root.rglob("*.so*") if path.is_file()}
    # Plug-ins live deeper than the libraries that programs are linked to; shallow ones come first.
    return os.pathsep.join(map(str, sorted(folders, key=lambda path: (len(path.parts), path))))
