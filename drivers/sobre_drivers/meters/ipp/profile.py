"""How a kind of printer is read by IPP, as data: where it is asked, what its states are worth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sobre_drivers.meters.configured import Hours, require, require_class, require_power
from sobre_drivers.meters.kind import Confirmed
from sobre_drivers.settings import build, read_toml

PageUnit = Literal["impressions", "sheets"]
PAGES: dict[PageUnit, str] = {
    "impressions": "printer-impressions-completed",
    "sheets": "printer-media-sheets-completed",
}


@dataclass(frozen=True, slots=True)
class Typical:
    """What is typically drawn in each state (W)."""

    printing: float
    ready: float
    sleep: float
    off: float = 0.0

    def __post_init__(self) -> None:
        powers = (self.printing, self.ready, self.sleep, self.off)
        require(min(powers) >= 0, f"{min(powers)} W; a power of 0 W at least is needed")


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of printer. `rated_w` is its greatest plausible power (W).

    With `power_w` energy is estimated from the state; without it the printer's own meter is read
    (`lifetime-kwh` and `current-watts` of PWG 5100.22), as far as it says that it has one.
    `asleep` are the words in printer-state-reasons that mean sleep. A printer that never says so is
    taken to sleep when it has been idle for `sleep_after_s`; None: it is ready as long as it says.
    """

    protocol: Literal["ipp"]
    maker: str
    model: str
    source: str
    confirmed: Confirmed
    device_class: str
    rated_w: float | None = None
    uncertainty_ratio: float | None = None
    path: str = "/ipp/print"
    pages: PageUnit = "impressions"
    power_w: Typical | None = None
    asleep: tuple[str, ...] = field(default=("standby", "suspend", "hibernate"))
    sleep_after_s: float | None = None
    sample_s: float = 600.0
    hours: Hours = "working"
    note: str = ""

    def __post_init__(self) -> None:
        require_class(self.device_class)
        require_power(self.rated_w)
        require(self.path.startswith("/"), f"path: {self.path!r}; it begins with /")
        require(self.sample_s >= 1, "sample_s: at least 1 s between two samples")
        after = self.sleep_after_s
        require(after is None or after > 0, f"sleep_after_s: {after}; more than 0 s is needed")


def read(path: Path) -> Profile:
    """The profile in a file; ConfigError holds one line for each mistake in it."""
    return build(read_toml(path), Profile, str(path))
