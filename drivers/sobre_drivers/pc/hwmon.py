"""Sensors of Linux's hwmon tree that see the whole machine: few boards have one.

Most power sensors there belong to a part (a graphics card, a disk, one rail), and say nothing of
the rest: they are left alone.
"""

from dataclasses import dataclass
from pathlib import Path

from sobre_drivers.errors import MeterError

# Documentation/hwmon/acpi_power_meter.rst: "the power consumption of the whole system".
_AT_THE_PLUG = "power_meter"
# Labels of boards that measure behind their supply: Apple silicon (macsmc), IBM Power (ibmpowernv).
_BEHIND_THE_SUPPLY = frozenset(("total system power", "system"))
_BOARDS = frozenset(("macsmc_hwmon", "macsmc-hwmon", "ibmpowernv"))


@dataclass(frozen=True, slots=True)
class Sensor:
    """One power sensor of the whole machine; `at_plug` if it sees the supply's losses too."""

    file: Path
    at_plug: bool


def whole(root: Path = Path("/sys")) -> Sensor | None:
    """The sensor that sees the whole machine; None if there is none."""
    try:
        chips = sorted((root / "class" / "hwmon").iterdir())
    except OSError:
        return None
    for chip in chips:
        # Older drivers put their files beside the device, not in the hwmon folder.
        for folder in (chip, chip / "device"):
            sensor = _whole_of(folder)
            if sensor is not None:
                return sensor
    return None


def power_w(sensor: Sensor) -> float:
    """Power (W) of the whole machine; MeterError says why it cannot be told."""
    try:
        text = sensor.file.read_text("ascii").strip()
    except PermissionError as error:
        raise MeterError(f"permission: {sensor.file} may be read by root only") from error
    except (OSError, UnicodeDecodeError) as error:
        raise MeterError(f"unreadable: {sensor.file} ({error}); was its driver removed?") from error
    if not (text.isascii() and text.isdigit() and len(text) <= 12) or int(text) == 0:
        raise MeterError(f"absurd: {sensor.file} says {text[:40]!r}; a power in µW is needed")
    return int(text) / 1e6


def _whole_of(folder: Path) -> Sensor | None:
    name = _text(folder / "name")
    if name == _AT_THE_PLUG:
        file = _first(folder, "power1")
        return None if file is None else Sensor(file, at_plug=True)
    if name not in _BOARDS:
        return None
    for label in sorted(folder.glob("power*_label")):
        if _text(label).lower() in _BEHIND_THE_SUPPLY:
            file = _first(folder, label.name.removesuffix("_label"))
            if file is not None:
                return Sensor(file, at_plug=False)
    return None


def _first(folder: Path, stem: str) -> Path | None:
    # The average lasts as long as the meter's own interval; the input is of this instant.
    for ending in ("average", "input"):
        file = folder / f"{stem}_{ending}"
        if file.exists():
            return file
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
