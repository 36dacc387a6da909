"""When a PC delivers: once a day or an hour, at a moment that tells nothing of its user.

A moment fixed to the boot would tell when people arrive, and would bring all PCs at once.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sobre_agent.entropy import Draw
from sobre_agent.resend import backoff_s

# Seconds of running over which the moment is drawn.
DRAWN_OVER_S = {"daily": 8 * 3600.0, "hourly": 3600.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """`left_s` seconds of running are left until delivery, None if none is planned.

    `delivered` names the day or hour that has had its delivery; `failures` counts attempts since.
    """

    left_s: float | None = None
    delivered: str = ""
    failures: int = 0

    @property
    def due(self) -> bool:
        """Whether it is time to deliver."""
        return self.left_s is not None and self.left_s <= 0

    def run(self, span_s: float) -> "Plan":
        """After `span_s` more seconds of running."""
        return self if self.left_s is None else replace(self, left_s=self.left_s - span_s)

    def wanted(self, period: str, over_s: float, rng: Draw) -> "Plan":
        """With a moment drawn, if loads wait in a day or hour that had no delivery yet."""
        if self.left_s is not None or self.delivered == period:
            return self
        return replace(self, left_s=rng.uniform(0.0, over_s))

    def done(self, period: str) -> "Plan":
        """After a delivery that left nothing behind."""
        return Plan(delivered=period)

    def failed(self, rng: Draw, base_s: float, max_s: float) -> "Plan":
        """After a delivery that did not come through."""
        wait_s = base_s + backoff_s(self.failures, rng, base_s, max_s)
        return replace(self, left_s=min(wait_s, max_s), failures=self.failures + 1)

    def saved(self) -> dict[str, Any]:
        """The fields as JSON."""
        return asdict(self)
