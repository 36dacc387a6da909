"""The baseline and its user factor, class by class."""

from dataclasses import replace

from sobre_collector.indicators.reduction import user_factor
from sobre_collector.report.drawn import Drawn


def by_class(drawn: Drawn) -> dict[str, float]:
    """kWh of the baseline by class; empty where it is not known."""
    found = drawn.reference.found
    if found is None:
        return {}
    return {use.name: use.share_ratio * found.total_kwh for use in drawn.reference.uses}


def factors(drawn: Drawn) -> dict[str, float]:
    """What the users make of each class of the baseline: (1 − φ) + φ·U_R/U_B."""
    if drawn.before is None or drawn.after is None:
        return {}
    before, after = drawn.before, drawn.after
    return {
        use.name: user_factor([replace(use, share_ratio=1.0)], before, after)
        for use in drawn.reference.uses
    }
