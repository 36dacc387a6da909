"""A progress bar for long work: redrawn on a terminal, silent elsewhere."""

import time
from types import TracebackType
from typing import TextIO

_WIDTH = 30
_REDRAW_S = 0.1


class Bar:
    """`show` takes the share done (0–1) and a word on what is being done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tty = stream.isatty()
        self._begun_s = time.monotonic()
        self._next_s = 0.0

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._tty:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def show(self, done_ratio: float, text: str) -> None:
        """Draw the bar with the time that is still needed."""
        now_s = time.monotonic()
        if not self._tty or now_s < self._next_s:
            return
        self._next_s = now_s + _REDRAW_S
        full = round(_WIDTH * done_ratio)
        bar = "█" * full + "·" * (_WIDTH - full)
        spent_s = now_s - self._begun_s
        left = f", {spent_s / done_ratio - spent_s:.0f} s left" if done_ratio > 0.02 else ""
        self._stream.write(f"\r\033[K{bar} {done_ratio:4.0%} {text}{left}")
        self._stream.flush()
