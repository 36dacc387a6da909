"""Whether this PC is a laptop or a desktop, and in which kind of enclosure."""

import sys
from pathlib import Path

from sobre_drivers.pc import battery

LAPTOP, DESKTOP, SERVER = "workstation.laptop", "workstation.desktop", "server"

# DMTF DSP0134 (SMBIOS), table of enclosure types: portable to sub-notebook, tablet to detachable.
_LAPTOP_TYPES = frozenset((8, 9, 10, 14, 30, 31, 32))
_DESKTOP_TYPES = frozenset((3, 4, 5, 6, 7, 13, 15, 16, 24, 35, 36))


def enclosure(root: Path = Path("/sys"), platform: str = sys.platform) -> int | None:
    """The enclosure's type in DMTF DSP0134; None where it is not told."""
    if platform == "win32":
        from sobre_drivers.pc import smbios, windows

        return smbios.chassis_type(windows.smbios(windows.system()))
    try:
        text = (root / "class" / "dmi" / "id" / "chassis_type").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


def detected_class(root: Path = Path("/sys"), platform: str = sys.platform) -> str:
    """Laptop or desktop, from the enclosure's type; where that is missing, from a battery."""
    told = enclosure(root, platform)
    if told in _LAPTOP_TYPES or told in _DESKTOP_TYPES:
        return LAPTOP if told in _LAPTOP_TYPES else DESKTOP
    return LAPTOP if has_battery(root, platform) else DESKTOP


def has_battery(root: Path, platform: str) -> bool:
    """Whether this machine itself has a battery."""
    if platform == "win32":
        from sobre_drivers.pc import windows

        return windows.battery_present(windows.system())
    if platform == "darwin":
        from sobre_drivers.pc import macos

        return macos.battery_present()
    return battery.present(root)
