"""Power samples → energy, where a device has no register (method.md 2.1)."""

from sobre_drivers.sample import GAP_PERIODS


def gap_max_s(period_s: float) -> float:
    """The longest step (s) between two samples that still counts as seen."""
    return GAP_PERIODS * period_s


def trapezoid_uj(before_w: float, now_w: float, span_s: float) -> int:
    """Energy (µJ) between two power samples `span_s` apart."""
    return round((before_w + now_w) / 2 * span_s * 1e6)


def constant_uj(power_w: float, span_s: float) -> int:
    """Energy (µJ) of a power held for `span_s`."""
    return round(power_w * span_s * 1e6)
