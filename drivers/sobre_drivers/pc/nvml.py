"""Energy of NVIDIA graphics cards, which count it themselves (from Volta on).

An extra: `pip install 'sobre[gpu]'`. The library wakes the card of a laptop that has put it to
sleep, which would cost more than is measured: a sleeping card is not asked.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sobre_drivers.errors import MeterError

UJ_PER_MJ = 1000


class Graphics:
    """All cards of this PC; the library is loaded when they are first read."""

    def __init__(self, root: Path = Path("/sys"), library: Any = None) -> None:
        self._root, self._library = root, library
        self._cards: list[Any] | None = None
        self._last: dict[str, int] = {}

    def read_uj(self) -> dict[str, int]:
        """Counter (µJ) of each card since its driver was loaded; MeterError says why not."""
        states = [_text(card / "power" / "runtime_status") for card in _cards(self._root)]
        if states and all(state == "suspended" for state in states):
            if not self._last:
                raise MeterError("asleep: the graphics card is suspended and is not woken")
            return dict(self._last)
        library = self._loaded()
        try:
            if self._cards is None:
                library.nvmlInit()
                count = library.nvmlDeviceGetCount()
                self._cards = [library.nvmlDeviceGetHandleByIndex(i) for i in range(count)]
            found = {
                f"gpu-{number}": library.nvmlDeviceGetTotalEnergyConsumption(card) * UJ_PER_MJ
                for number, card in enumerate(self._cards)
            }
        except library.NVMLError as error:
            raise MeterError(f"unreadable: graphics card ({error})") from error
        if not found:
            raise MeterError("absent: the library knows no graphics card")
        self._last = found
        return dict(found)

    def close(self) -> None:
        """Let go of the library."""
        if self._cards is not None:
            self._cards = None
            try:
                self._library.nvmlShutdown()
            except self._library.NVMLError as error:
                raise MeterError(f"graphics card: {error}") from error

    def _loaded(self) -> Any:
        if self._library is None:
            try:
                import pynvml
            except ImportError as error:
                raise MeterError(
                    "absent: the library for graphics cards is not installed; "
                    "pip install 'sobre[gpu]'"
                ) from error
            self._library = pynvml
        return self._library


def _cards(root: Path) -> Iterator[Path]:
    # A card's functions (sound, USB-C) have drivers of their own and do not show here.
    return (root / "bus" / "pci" / "drivers" / "nvidia").glob("????:??:??.?")


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
