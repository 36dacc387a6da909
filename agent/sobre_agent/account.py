"""From samples to spans: what one device used, cut at the clock and settled to the joule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sobre_drivers.load import Origin
from sobre_drivers.sample import Described, Sample


@dataclass(frozen=True, slots=True)
class Span:
    """A load before the spool gives it its number: energy (J) of the `span_s` seconds up to `end`."""

    device: str
    end: int
    span_s: int
    energy_j: int
    origin: Origin
    state_s: Mapping[str, int] | None = None
    power_max_w: int | None = None
    pages: int | None = None


class Cutter(Protocol):
    """Where loads end: the first boundary after a Unix second."""

    def after(self, wall_s: float) -> int: ...


class Account:
    """One device's running account; `saved` and the constructor's `saved` carry it over a restart."""

    def __init__(
        self,
        described: Described,
        cutter: Cutter,
        sample_s: float,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        raise NotImplementedError

    def take(self, sample: Sample) -> list[Span]:
        """Settle a sample against the one before; the spans that it closed."""
        raise NotImplementedError

    def findings(self) -> list[str]:
        """What was implausible since the last call, in words for the log."""
        raise NotImplementedError

    def saved(self, clean: bool = False) -> dict[str, Any]:
        """All that a restart needs, as JSON; `clean` if nothing will be sampled after it."""
        raise NotImplementedError
