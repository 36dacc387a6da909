"""The target of a report, as the trajectory takes it."""

from sobre_collector.indicators.trajectory import Target
from sobre_collector.report.drawn import Drawn


def target_of(drawn: Drawn) -> Target | None:
    """The perimeter's target; None if its year is not after the baseline's."""
    stated, baseline_year = drawn.fleet.perimeter.target, drawn.fleet.perimeter.baseline.year
    if stated.year <= baseline_year:
        return None
    return Target(
        stated.reduction_ratio,
        baseline_year,
        stated.year,
        stated.path,
        {step.year: step.reduction_ratio for step in stated.milestones},
    )
