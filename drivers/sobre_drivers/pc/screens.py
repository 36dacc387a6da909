"""Screens at this PC: devices of their own, whose power stands in no counter of the PC.

A laptop's own panel is part of the laptop and not among them. How many there are and whether they
are lit comes from the system; what they draw comes from data, by their size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sobre_drivers.errors import MeterError

# Connectors of a panel that is built in (drm_connector.c), and one without a screen at its end.
_NO_SCREEN_APART = ("eDP", "LVDS", "DSI", "DPI", "Virtual", "Writeback", "Unknown")
# EDID 1.4, table 3.1 and 3.10: size of the image in cm; 0 from a projector.
_EDID_HEAD = bytes.fromhex("00ffffffffffff00")
_WIDTH_AT, _HEIGHT_AT = 21, 22
_CM_PER_INCH = 2.54


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen that is connected: whether it is lit, and its diagonal (inches) if it says so."""

    lit: bool
    diagonal_in: float | None = None


@dataclass(frozen=True, slots=True)
class ScreenModel:
    """What screens draw (W): `base_w` and `w_per_in2` of their area while lit; apart from that by
    state. `usual_in` is the diagonal of one that does not tell its own.

    `uncertainty_ratio` is the half width of a 95 % interval.
    """

    version: int
    rated_w: float
    base_w: float
    w_per_in2: float
    usual_in: float
    sleep_w: float
    off_w: float
    uncertainty_ratio: float
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 < self.off_w <= self.sleep_w < self.lit_w(None) <= self.rated_w:
            raise ValueError("off_w: 0 < off_w ≤ sleep_w < lit ≤ rated_w is needed")
        if not 0 < self.uncertainty_ratio <= 10:
            raise ValueError("uncertainty_ratio: above 0, up to 10, is needed")
        if not self.sources:
            raise ValueError("sources: say where the figures come from")

    def lit_w(self, diagonal_in: float | None) -> float:
        """Power (W) of a lit screen of 16:9."""
        diagonal_in = diagonal_in or self.usual_in
        return self.base_w + self.w_per_in2 * diagonal_in**2 * 144 / 337

    def power_w(self, screen: Screen) -> float:
        """Power (W) of a connected screen as it is now."""
        if not screen.lit:
            return self.sleep_w
        return min(self.rated_w, self.lit_w(screen.diagonal_in))


def drm(root: Path = Path("/sys")) -> tuple[Screen, ...]:
    """The screens that Linux sees at its connectors; MeterError if it shows no connector at all.

    One behind a dock shows like any other. A screen that is switched off by its button may vanish.
    """
    try:
        folders = sorted((root / "class" / "drm").glob("card*-*"))
    except OSError:
        folders = []
    connectors = [each for each in folders if not _name(each).startswith(_NO_SCREEN_APART)]
    if not connectors:
        raise MeterError("not told: screens, without a graphics driver that shows connectors")
    return tuple(
        Screen(
            # A text mode console leaves `dpms` on and switches the connector itself off.
            lit=_text(each / "dpms") in ("On", "") and _text(each / "enabled") != "disabled",
            diagonal_in=diagonal_in(_bytes(each / "edid")),
        )
        for each in connectors
        if _text(each / "status") == "connected"
    )


def seen(root: Path, platform: str) -> Callable[[], Sequence[Screen]]:
    """The way in which this system tells its screens."""
    if platform == "win32":
        from sobre_drivers.pc import windows

        return lambda: [Screen(True)] * windows.screens(windows.system())
    if platform == "darwin":
        from sobre_drivers.pc import macos

        return lambda: [Screen(lit) for lit in macos.screens()]
    return lambda: drm(root)


def diagonal_in(edid: bytes) -> float | None:
    """The diagonal (inches) that a screen says it has; None if it says nothing credible."""
    if len(edid) <= _HEIGHT_AT or not edid.startswith(_EDID_HEAD):
        return None
    diagonal = math.hypot(edid[_WIDTH_AT], edid[_HEIGHT_AT]) / _CM_PER_INCH
    # Several makers write the aspect (16 × 9) where centimetres belong.
    return diagonal if edid[_HEIGHT_AT] and 10 <= diagonal <= 100 else None


def _name(connector: Path) -> str:
    return connector.name.partition("-")[2]


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
