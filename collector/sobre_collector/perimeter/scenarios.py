"""Decided changes of which the months know nothing yet, as people state them in perimeter.toml.

They are shown apart from the forecast and never enter the result: what was decided is not done.
"""

from dataclasses import dataclass
from math import sqrt

from sobre_collector.indicators.outlook import Step, renewal
from sobre_collector.perimeter.tables import month as month_key

# What a renewal brings is a guess as well: ± half of the change.
RECTANGULAR = sqrt(3)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`[[scenarios]]`: a step from `month` on, of the whole fleet.

    Either `kwh_per_month` (negative saves) with its `half_width_kwh`, or a renewal: `devices` that
    draw `after_w` instead of `before_w` on average, around the clock.
    """

    name: str
    month: str
    kwh_per_month: float | None = None
    half_width_kwh: float | None = None
    devices: int | None = None
    before_w: float | None = None
    after_w: float | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name == "*":
            raise ValueError("name: say what changes, such as 'Close the annex'")
        try:
            month_key(self.month)
        except ValueError as error:
            raise ValueError(f"month {self.month!r}: write the month as 2026-11") from error
        stated = (self.kwh_per_month, self.half_width_kwh)
        renewed = (self.devices, self.before_w, self.after_w)
        if (None in stated and None in renewed) or (
            stated != (None,) * 2 and renewed != (None,) * 3
        ):
            raise ValueError(
                f"{self.name!r}: give kwh_per_month and half_width_kwh, or else devices, before_w "
                "and after_w"
            )
        if self.half_width_kwh is not None and not self.half_width_kwh > 0:
            raise ValueError(
                f"{self.name!r}: half_width_kwh {self.half_width_kwh}; no step is known to ± 0"
            )
        if self.devices is not None and self.devices < 1:
            raise ValueError(f"{self.name!r}: devices {self.devices}; 1 or more")
        if min(self.before_w or 0.0, self.after_w or 0.0) < 0:
            raise ValueError(f"{self.name!r}: before_w and after_w are 0 or more")

    def step(self) -> Step:
        """The step as the outlook takes it: kWh a month of the whole fleet, u with k = 1."""
        if self.kwh_per_month is not None and self.half_width_kwh is not None:
            return Step(
                self.name, self.month, self.kwh_per_month, self.half_width_kwh / RECTANGULAR
            )
        assert self.devices is not None
        assert self.before_w is not None
        assert self.after_w is not None
        return renewal(self.name, self.month, self.devices, self.before_w, self.after_w)
