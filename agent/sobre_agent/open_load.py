"""The load that is still open: pieces of settled time come in, spans cut at the clock go out.

Times are rounded to whole seconds once, on the account's own time line, so that the lengths of the
spans add up; energy is cut to whole joules with the rest carried on, so that no µJ is lost.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sobre_agent.cutters import Cutter
from sobre_drivers.load import Origin
from sobre_drivers.sample import UJ_PER_J

# A longer piece that would be cut more often than this is cut at midnight only.
MAX_CUTS = 4
# Without room, spans are merged into hours, then into days, then into months: by local days, so
# that they hold whole ones.
Grain = Literal["hour", "day", "month"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "month")
# A span that is as long (s) as its grain can be is merged no further; a day may have 25 hours.
LONGEST_S = {"hour": 3600, "day": 25 * 3600, "month": 32 * 86_400}
# Pieces whose edges differ by less (s) follow each other: a slewed clock leaves no hole.
TOUCHING_S = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A load before the spool numbers it: energy (J) of the `span_s` seconds up to `end`."""

    device: str
    end: int
    span_s: int
    energy_j: int
    origin: Origin
    state_s: dict[str, int] | None = None
    power_max_w: int | None = None
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A settled stretch of the time line: from `start_s` to `end_s` (Unix s), its energy (µJ)."""

    start_s: float
    end_s: float
    energy_uj: int
    origin: Origin
    state: str | None = None
    power_max_w: float | None = None
    pages: int | None = None


@dataclass(slots=True)
class OpenLoad:
    """What a device used since the last boundary; `carry_uj` is what did not make a whole joule."""

    device: str
    start: int | None = None
    boundary: int = 0
    covered: int = 0
    energy_uj: int = 0
    carry_uj: int = 0
    origins: list[str] = field(default_factory=list)
    state_s: dict[str, int] = field(default_factory=dict)
    power_max_w: float | None = None
    pages: int | None = None

    def add(self, piece: Piece, cutter: Cutter, gap: bool) -> list[Span]:
        """Put a piece in; the spans that it closed. `gap`: how its energy falls in time is a guess.

        A gap that would be cut many times is cut at midnight only: its loads are then longer than
        usual, and as many as its days.
        """
        closed: list[Span] = []
        if abs(piece.start_s - self.covered) > TOUCHING_S:
            closed += self.close()
        elif piece.end_s > self.covered:
            piece = replace(piece, start_s=float(self.covered))
        if gap and self._cuts(piece, cutter) > MAX_CUTS:
            closed += self.close()
            parts = list(_parts(piece, cutter.midnight))
            for part in parts:
                self._put(part, cutter.midnight, _allocated(part.origin, len(parts) > 1))
                if part is not parts[-1]:
                    closed += self.close()
            return closed + self.close()
        parts = list(_parts(piece, self._boundary_of(cutter)))
        for part in parts:
            self._put(part, cutter.after, _allocated(part.origin, gap and len(parts) > 1))
            if self.covered >= self.boundary:
                closed += self.close()
        return closed

    def close(self) -> list[Span]:
        """End the open load where it is covered; nothing if it has no whole second yet."""
        if self.start is None:
            return []
        span_s = self.covered - self.start
        total_uj = self.energy_uj + self.carry_uj
        if span_s < 1:
            self.carry_uj, self.energy_uj, self.start = total_uj, 0, None
            return []
        span = Span(
            device=self.device,
            end=self.covered,
            span_s=span_s,
            energy_j=total_uj // UJ_PER_J,
            origin=_weakest(self.origins),
            state_s=dict(self.state_s) or None,
            power_max_w=None if self.power_max_w is None else math.ceil(self.power_max_w),
            pages=self.pages,
        )
        self.carry_uj = total_uj % UJ_PER_J
        self.start, self.energy_uj, self.power_max_w, self.pages = None, 0, None, None
        self.origins, self.state_s = [], {}
        return [span]

    def stamped(self, shift_s: float, cutter: Cutter) -> list[Span]:
        """Move all of it by `shift_s`, now that the time is known; what is then past its boundary.

        Nothing tells how its energy falls in time: it is cut at midnights alone.
        """
        if self.start is None:
            return []
        length_s = self.covered - self.start
        self.covered = round(self.covered + shift_s)
        self.start = self.covered - length_s
        self.boundary = cutter.after(self.start)
        if self.covered < self.boundary:
            return []
        return [part for span in self.close() for part in _by_day(span, cutter)]

    def saved(self) -> dict[str, Any]:
        """The fields as JSON."""
        return asdict(self)

    def _put(self, part: Piece, boundary_after: Any, origin: Origin) -> None:
        start, end = round(part.start_s), round(part.end_s)
        if self.start is None:
            self.start, self.boundary = start, boundary_after(start)
        self.covered = end
        self.energy_uj += part.energy_uj
        if origin.value not in self.origins:
            self.origins.append(origin.value)
        if part.state is not None:
            self.state_s[part.state] = self.state_s.get(part.state, 0) + end - start
        if part.power_max_w is not None:
            self.power_max_w = max(self.power_max_w or 0.0, part.power_max_w)
        if part.pages is not None:
            self.pages = (self.pages or 0) + part.pages

    def _boundary_of(self, cutter: Cutter) -> Any:
        # A load that is open keeps the boundary it was given, whatever was configured since.
        def after(second: float) -> int:
            if self.start is not None and second < self.boundary:
                return self.boundary
            return cutter.after(second)

        return after

    def _cuts(self, piece: Piece, cutter: Cutter) -> int:
        at, cuts = piece.start_s, 0
        while cuts <= MAX_CUTS and (at := cutter.after(at)) < piece.end_s:
            cuts += 1
        return cuts


def _parts(piece: Piece, boundary_after: Any) -> Iterator[Piece]:
    """A piece cut at the boundaries, its energy by time; the parts add up to it exactly."""
    length_s = piece.end_s - piece.start_s
    start_s, given_uj = piece.start_s, 0
    while True:
        edge = boundary_after(round(start_s))
        end_s = piece.end_s if edge >= round(piece.end_s) else float(edge)
        last = end_s == piece.end_s
        share = 1.0 if last else (end_s - piece.start_s) / length_s
        upto_uj = piece.energy_uj if last else math.floor(piece.energy_uj * share)
        yield Piece(
            start_s,
            end_s,
            upto_uj - given_uj,
            piece.origin,
            piece.state,
            piece.power_max_w,
            piece.pages if last else None,
        )
        if last:
            return
        start_s, given_uj = end_s, upto_uj


def _by_day(span: Span, cutter: Cutter) -> Iterator[Span]:
    """A span cut at midnights by time, its states one after the other; the parts add up to it."""
    start = at = span.end - span.span_s
    states = dict(span.state_s or {})
    given_j = 0
    while at < span.end:
        end = min(span.end, cutter.midnight(at))
        upto_j = span.energy_j * (end - start) // span.span_s
        state_s: dict[str, int] = {}
        left_s = end - at
        for state, seconds in states.items():
            state_s[state] = min(seconds, left_s)
            left_s -= state_s[state]
            states[state] -= state_s[state]
        whole = end - at == span.span_s
        yield replace(
            span,
            end=end,
            span_s=end - at,
            energy_j=upto_j - given_j,
            origin=_allocated(span.origin, not whole),
            state_s={state: s for state, s in state_s.items() if s} or None,
            pages=span.pages if end == span.end else None,
        )
        at, given_j = end, upto_j


def _allocated(origin: Origin, split: bool) -> Origin:
    return Origin.ALLOCATED if split and origin is Origin.MEASURED else origin


def _weakest(origins: list[str]) -> Origin:
    for origin in (Origin.ESTIMATED, Origin.ALLOCATED):
        if origin.value in origins:
            return origin
    return Origin.MEASURED


def joined(before: Span, after: Span, grain: Grain, day: Callable[[int], str]) -> Span | None:
    """Two spans as one; None if they do not touch, or lie in more than one `grain`.

    `day` tells the local day (ISO) of a Unix second. How a measured span that crosses midnight
    falls into days is a guess.
    """
    if before.device != after.device or after.end - after.span_s != before.end:
        return None
    first, last = before.end - before.span_s, after.end - 1
    if grain == "hour":
        if first // 3600 != last // 3600:
            return None
        days = 1
    else:
        begins, ends = day(first), day(last)
        if begins[:7] != ends[:7] or (grain == "day" and begins != ends):
            return None
        days = 1 if begins == ends else 2
    powers_w = [p for p in (before.power_max_w, after.power_max_w) if p is not None]
    return Span(
        device=before.device,
        end=after.end,
        span_s=before.span_s + after.span_s,
        energy_j=before.energy_j + after.energy_j,
        origin=_allocated(_weakest([before.origin.value, after.origin.value]), days > 1),
        state_s=_summed(before.state_s, after.state_s),
        power_max_w=max(powers_w, default=None),
        pages=after.pages if before.pages is None else before.pages + (after.pages or 0),
    )


def merged(spans: Iterable[Span], grain: Grain, day: Callable[[int], str]) -> list[Span]:
    """Spans with the neighbours of each device as one, in the order of their beginnings."""
    found: list[Span] = []
    last: dict[str, int] = {}
    for span in spans:
        at = last.get(span.device)
        one = None if at is None else joined(found[at], span, grain, day)
        if one is None or at is None:
            last[span.device] = len(found)
            found.append(span)
        else:
            found[at] = one
    return found


def _summed(before: dict[str, int] | None, after: dict[str, int] | None) -> dict[str, int] | None:
    if before is None or after is None:
        return after if before is None else before
    return {key: before.get(key, 0) + after.get(key, 0) for key in {**before, **after}}
