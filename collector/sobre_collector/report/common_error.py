"""What each power model, or calibration of one, weighs in the two periods that are compared."""

from collections.abc import Mapping
from dataclasses import replace
from math import fsum

from sobre_collector.indicators.reduction import Users, common_cv, user_factor
from sobre_collector.perimeter.facts import months_of
from sobre_collector.report.drawn import Drawn
from sobre_collector.report.monthly import by_source, source_of


def shares(drawn: Drawn, before: Users, after: Users) -> tuple[dict[str, float], dict[str, float]]:
    """Shares of the reporting period and of the adjusted baseline, by `monthly.source_of`.

    A stated baseline was not made by the models, and has none: nothing of their error cancels.
    """
    adjusted: dict[str, float] = {}
    stated = drawn.fleet.perimeter.baseline
    if stated.kind == "measured":
        factors = {
            use.name: user_factor([replace(use, share_ratio=1.0)], before, after)
            for use in drawn.reference.uses
        }
        for one in drawn.fleet.of(months_of(stated.year)):
            name = source_of(one)
            kwh = factors.get(one.stratum.device_class, 1.0) * one.total_kwh
            adjusted[name] = adjusted.get(name, 0.0) + kwh
    return _shares(by_source(drawn.fleet.of(drawn.months))), _shares(adjusted)


def cv_of(drawn: Drawn, before: Users, after: Users) -> float:
    """What the models' errors leave in R: one model, or one calibration of it, cancels as far as
    its class weighs the same in both years; two of them do not."""
    return common_cv(drawn.fleet.common_u, *shares(drawn, before, after))


def _shares(parts: Mapping[str, float]) -> dict[str, float]:
    whole = fsum(parts.values())
    return {name: part / whole for name, part in parts.items()} if whole > 0 else {}
