"""Correlations that people know better than a fleet's own months can tell them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Correlation:
    """`[correlation]`: of a month's residual with the one before, and of both years' errors.

    None: the first is estimated from the months, the second taken as far as devices tell it.
    """

    months_ratio: float | None = None
    years_ratio: float | None = None

    def __post_init__(self) -> None:
        for key in ("months_ratio", "years_ratio"):
            stated = getattr(self, key)
            if stated is not None and not 0 <= stated <= 0.95:
                raise ValueError(f"{key} {stated}: 0 to 0.95; leave it out if nobody studied it")
