"""RAPL energy counters of Linux, read from the powercap file tree.

The tree shows the same joules more than once: cores inside their package, packages inside the
platform, and every package again under its memory-mapped twin. What is counted is chosen here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sobre_drivers.errors import MeterError

_TYPES = ("intel-rapl", "intel-rapl-mmio")
# `intel-rapl:0` is a package or the platform, `intel-rapl:0:2` a part of package 0.
_ZONE = re.compile(r"(intel-rapl(?:-mmio)?):\d+(?::\d+)*")


@dataclass(frozen=True, slots=True)
class Zone:
    """One energy counter. `range_uj` is where it wraps (µJ), None if that could not be read."""

    key: str
    name: str
    energy: Path
    range_uj: int | None

    @property
    def twin(self) -> bool:
        """Whether this is the memory-mapped copy of a zone."""
        return self.key.startswith("intel-rapl-mmio:")


def zones(root: Path = Path("/sys")) -> tuple[Zone, ...]:
    """Every zone under `root`, wherever the tree shows it; empty if there is none."""
    found: dict[str, Zone] = {}
    for directory in _directories(root / "class" / "powercap"):
        name = _text(directory / "name")
        if directory.name not in found and name:
            range_uj = _count(_text(directory / "max_energy_range_uj"))
            found[directory.name] = Zone(
                directory.name, name, directory / "energy_uj", range_uj or None
            )
    return tuple(found[key] for key in sorted(found))


def counted(found: Sequence[Zone]) -> tuple[Zone, ...]:
    """The zones whose sum counts no joule twice: the platform alone, else packages and memory.

    Empty if neither a platform nor a package is there: memory alone would pass for the whole.
    """
    own = [zone for zone in found if not zone.twin]
    for zone in own:
        if zone.name == "psys":
            return (zone,)
    if not any(_package(zone) for zone in own):
        own = [zone for zone in found if zone.twin]
    if not any(_package(zone) for zone in own):
        return ()
    return tuple(zone for zone in own if _package(zone) or zone.name == "dram")


def read_uj(zone: Zone) -> int:
    """The counter of a zone (µJ). MeterError says whether it is forbidden, gone or absurd."""
    try:
        text = zone.energy.read_text("ascii")
    except PermissionError as error:
        raise MeterError(
            f"permission: {zone.energy} may be read by root only; to let the agent's group read "
            "it, install deploy/systemd/sobre-rapl.tmpfiles.conf in /etc/tmpfiles.d and run "
            "`systemd-tmpfiles --create`; to undo it, remove that file and restart"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise MeterError(f"unreadable: {zone.energy} ({error}); was the driver removed?") from error
    count = _count(text)
    if count is None:
        raise MeterError(f"absurd: {zone.energy} says {text[:40]!r}; a count of µJ is needed")
    return count


def dead(zone: Zone) -> bool:
    """Whether a platform's counter says 0, as on boards that do not feed it."""
    try:
        return zone.name == "psys" and read_uj(zone) == 0
    except MeterError:
        return False


def _directories(top: Path) -> Iterator[Path]:
    try:
        children = sorted(top.iterdir())
    except OSError:
        return
    for child in children:
        if _ZONE.fullmatch(child.name):
            yield child
        if child.name in _TYPES or _ZONE.fullmatch(child.name):
            yield from _directories(child)


def _package(zone: Zone) -> bool:
    return zone.name.startswith("package-")


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _count(text: str) -> int | None:
    digits = text.strip()
    # A counter has 64 bits at most: 20 digits.
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None
